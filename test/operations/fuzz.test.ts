import test from 'ava';
import fc from 'fast-check';
import * as sync from 'retinanet-ops';
import vm from 'node:vm';
import { operation } from './driver/calls.js';
import { cases } from './driver/cases.js';

class LongFloats extends Float32Array {
  override get length(): number {
    return 1e9;
  }
}

/** Makes an array anew for each call: some are spoilt by the call that takes them. */
const strange: (() => unknown)[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -0,
    -1,
    0.5,
    1,
    3,
    NaN,
    Infinity,
    2 ** 31,
    2 ** 53,
    1e-60,
    1e300,
    1n,
    '',
    'mean',
    'none',
  ],
  ...['positives', Symbol('s'), () => 1],
].map((value) => () => value);
strange.push(
  () => ({}),
  () => [],
  () => [0.5, NaN],
  () => new Float32Array(0),
  () => new Int32Array(0),
  () => new Float32Array(12),
  () => new Float32Array(12).fill(NaN),
  () => Float32Array.of(0, 0, 10, 10, 5, 5, 20, 20, 1, 1, 2, 2),
  () => Float32Array.of(-3.4e38, -3.4e38, 3.4e38, 3.4e38),
  () => Int32Array.of(0, 1, -1),
  () => Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0),
  () => new LongFloats(12),
  () => Object.defineProperty(new Float32Array(12), 'length', { value: 4 }),
  () => Object.defineProperty(new DataView(new ArrayBuffer(48)), Symbol.toStringTag, { value: 'Float32Array' }),
  () => Object.defineProperty(new Float64Array(12), Symbol.toStringTag, { value: 'Float32Array' }),
  () => vm.runInNewContext('new Float32Array(12)') as unknown,
  () => vm.runInNewContext('Int32Array.of(0, 1, 1)') as unknown,
  () => Buffer.alloc(48),
  () => new Float32Array(new SharedArrayBuffer(48)),
  () => new Proxy(new Float32Array(12), {}),
  () => Object.create(sync.AnchorGrid.prototype) as unknown,
  () => new sync.AnchorGrid({ imageHeight: 8, imageWidth: 8, strides: [8], scales: [1], aspectRatios: [1, 2, 3] }),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  () => ({ length: 1e12 }),
  () => ({ constructor: { name: Symbol('s') } }),
);
const value = fc.constantFrom(...strange);
const names = [...new Set(cases.flatMap(({ options }) => options)), 'boxes', 'labels', 'offsets', 'ignoreOffsets'];

/** A result, or the package's own error; a revoked proxy's own TypeError comes through. */
function outcome(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    return error instanceof sync.RetinanetOpsError || (error instanceof TypeError && /revoked/.test(error.message));
  }
}

test('strange arguments give a result or the error of this package, never anything else', (t) => {
  const spoilt = fc.tuple(fc.constantFrom(...cases), fc.nat(3), value, fc.option(fc.constantFrom(...names)), value);
  fc.assert(
    fc.property(spoilt, ([c, index, make, option, makeOption]) => {
      const args = c.example();
      if (option === null) {
        args[index] = make();
      } else {
        const at = args.findLastIndex((arg) => !ArrayBuffer.isView(arg));
        args[at] = { ...(args[at] as object), [option]: makeOption() };
        if (index < at) args[index] = make();
      }
      return outcome(() => operation(sync, c.name)(...args));
    }),
    { seed: 20, numRuns: 10_000 },
  );
  t.pass();
});

test('options are read once: a getter that changes its mind is not believed twice', (t) => {
  for (const c of cases) {
    const { name } = c;
    const args = c.example();
    const reads = new Map<string | symbol, number>();
    args[args.length - 1] = new Proxy(args.at(-1) as object, {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key) as unknown;
      },
    });
    operation(sync, name)(...args);
    for (const [key, times] of reads) t.is(times, 1, `${name}: ${String(key)}`);
  }
});

test('a getter that takes the memory away from under the call', (t) => {
  const logits = new Float32Array(6);
  const options = {
    get alpha() {
      if (logits.byteLength > 0) structuredClone(logits.buffer, { transfer: [logits.buffer] });
      return 0.25;
    },
  };
  t.throws(() => sync.sigmoidFocalLoss(logits, Int32Array.of(0, 1, -1), options), {
    instanceOf: sync.RetinanetOpsError,
  });
});
