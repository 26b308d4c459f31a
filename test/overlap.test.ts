// An output over an input would spoil what is still to be read: refused, but for the operand that docs name.
import test from 'ava';
import fc from 'fast-check';
import * as sync from 'retinanet-ops';
import { f32, i32, operation, validArguments, type Operation } from './support/calls.js';
import { bits } from './support/compare.js';
import { inPlaceMismatches } from './support/in-place.js';

type Numbers = Float32Array | Int32Array;

/** A call whose arrays lie at paths such as '0', '2.alpha' or '1.boxes'. */
interface Case {
  name: Operation;
  args: () => unknown[];
  /** The output: where it goes in the options, and the input that it may be. */
  out: string;
  kind?: 'Float32Array' | 'Int32Array';
  over?: string;
}

/** The valid arguments with options that are arrays added. */
function withOptions(name: Operation, more: object): () => unknown[] {
  return () => {
    const args = validArguments(name);
    args.push({ ...(args.pop() as object), ...more });
    return args;
  };
}

const none = 'none';
const upstream = f32(1, 2, 3, 4, 5, 6);
const byClass = { alpha: f32(0.25, 0.5), gamma: f32(2, 1), anchorWeights: f32(1, 2, 0.5) };
const dense = (name: Operation) => () => {
  const args = withOptions(name, { ...byClass, reduction: none })();
  args[1] = f32(0, 1, 0.5, 0, 1, 0);
  return args;
};
const weights = { weights: f32(1, 2, 0.5), reduction: none };
const truth = {
  ...(validArguments('assignAnchorsBatch')[1] as object),
  ignoreBoxes: f32(1, 1, 9, 9),
  ignoreOffsets: i32(0, 1, 1),
};
const batch = () => [validArguments('assignAnchorsBatch')[0], truth, {}];

const cases: Case[] = [
  { name: 'sigmoidFocalLoss', args: withOptions('sigmoidFocalLoss', { ...byClass, reduction: none }), out: '2.out' },
  { name: 'sigmoidFocalLoss', args: dense('sigmoidFocalLoss'), out: '2.out' },
  {
    name: 'sigmoidFocalLossBackward',
    args: withOptions('sigmoidFocalLossBackward', { ...byClass, reduction: none, gradOutput: upstream }),
    out: '2.out',
    over: '0',
  },
  { name: 'sigmoidFocalLossBackward', args: dense('sigmoidFocalLossBackward'), out: '2.out', over: '0' },
  {
    name: 'sigmoidFocalLossValueAndGrad',
    args: withOptions('sigmoidFocalLossValueAndGrad', byClass),
    out: '2.out',
    over: '0',
  },
  { name: 'sigmoidFocalLossValueAndGrad', args: dense('sigmoidFocalLossValueAndGrad'), out: '2.out.grad', over: '0' },
  { name: 'sigmoidFocalLossValueAndGrad', args: dense('sigmoidFocalLossValueAndGrad'), out: '2.out.losses' },
  { name: 'smoothL1Loss', args: withOptions('smoothL1Loss', weights), out: '2.out' },
  {
    name: 'smoothL1LossBackward',
    args: withOptions('smoothL1LossBackward', { ...weights, gradOutput: new Float32Array(12).fill(2) }),
    out: '2.out',
    over: '0',
  },
  { name: 'smoothL1LossValueAndGrad', args: withOptions('smoothL1LossValueAndGrad', weights), out: '2.out.losses' },
  {
    name: 'smoothL1LossValueAndGrad',
    args: withOptions('smoothL1LossValueAndGrad', weights),
    out: '2.out.grad',
    over: '0',
  },
  ...['labels', 'matches'].flatMap((array): Case[] => [
    {
      name: 'assignAnchors',
      args: withOptions('assignAnchors', { ignoreBoxes: f32(1, 1, 9, 9) }),
      out: `3.out.${array}`,
      kind: 'Int32Array',
    },
    { name: 'assignAnchorsBatch', args: batch, out: `2.out.${array}`, kind: 'Int32Array' },
  ]),
  { name: 'encodeBoxes', args: () => validArguments('encodeBoxes'), out: '2.out', over: '1' },
  { name: 'decodeBoxes', args: () => validArguments('decodeBoxes'), out: '2.out', over: '1' },
  { name: 'clipBoxes', args: () => validArguments('clipBoxes'), out: '1.out', over: '0' },
  { name: 'boxIou', args: () => validArguments('boxIou'), out: '2.out' },
  ...(['classGrad', 'boxGrad'] as const).map((array): Case => ({
    name: 'retinanetLoss',
    args: withOptions('retinanetLoss', { groundTruth: truth, alpha: byClass.alpha, gamma: byClass.gamma }),
    out: `0.out.${array}`,
    over: { classGrad: '0.classLogits', boxGrad: '0.boxDeltas' }[array],
  })),
];

/** The paths of all typed arrays. */
function paths(value: unknown, path = ''): string[] {
  if (ArrayBuffer.isView(value)) return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, path === '' ? key : `${path}.${key}`));
}

function at(args: unknown, path: string): unknown {
  return path.split('.').reduce((value: unknown, key) => (value as Record<string, unknown>)[key], args);
}

/** The same arguments with another value at a path. */
function put(args: unknown, path: string, value: unknown): unknown {
  const [key, ...rest] = path.split('.') as [string, ...string[]];
  const inner = (args as Record<string, unknown> | undefined)?.[key];
  const changed = rest.length === 0 ? value : put(inner, rest.join('.'), value);
  return Array.isArray(args)
    ? args.map((old: unknown, i) => (i === Number(key) ? changed : old))
    : { ...(args as object), [key]: changed };
}

// The types that this project compiles with leave it out.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (pages: object) => { buffer: SharedArrayBuffer; grow: (pages: number) => number } };
};

/** Memory seen through two buffers. */
const memories: Record<string, (bytes: number) => [ArrayBufferLike, ArrayBufferLike]> = {
  'one ArrayBuffer': (bytes) => {
    const buffer = new ArrayBuffer(bytes);
    return [buffer, buffer];
  },
  'one SharedArrayBuffer': (bytes) => {
    const buffer = new SharedArrayBuffer(bytes);
    return [buffer, buffer];
  },
  'a SharedArrayBuffer and its clone': (bytes) => {
    const buffer = new SharedArrayBuffer(bytes);
    return [buffer, structuredClone(buffer)];
  },
  "WebAssembly's shared memory before and after it grew": () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    const before = memory.buffer;
    memory.grow(1);
    return [before, memory.buffer];
  },
};

const constructors = { Float32Array, Int32Array };

function outputOf(result: unknown, path: string): Numbers {
  if (ArrayBuffer.isView(result)) return result as Numbers;
  const name = path.split('.').at(-1) as string;
  const given = result as Record<string, Numbers>;
  return given[name === 'losses' ? 'loss' : name === 'out' ? 'grad' : name] as Numbers;
}

test('outputs at every offset around every input: refused where they overlap, right where they do not', (t) => {
  const outcomes = { refused: 0, inPlace: 0, apart: 0 };
  const property = fc.property(
    fc.constantFrom(...cases),
    fc.constantFrom(...Object.values(memories)),
    fc.nat(),
    fc.integer({ min: -14, max: 14 }),
    ({ name, args: make, out, kind = 'Float32Array', over }, makeMemory, which, shift) => {
      const args = make();
      const inputs = paths(args);
      const path = inputs[which % inputs.length] as string;
      const input = at(args, path) as Numbers;
      const want = outputOf(operation(sync, name)(...args), out);
      const apart = new constructors[kind](bits(want).length / 8);
      const expected = bits(outputOf(operation(sync, name)(...(put(args, out, apart) as unknown[])), out));
      t.is(expected, bits(want));

      const [first, second] = makeMemory(1024);
      const start = 128;
      const moved = new (input.constructor as Float32ArrayConstructor)(first as ArrayBuffer, start, input.length);
      moved.set(input);
      const output = new constructors[kind](second as ArrayBuffer, start + 4 * shift, apart.length);
      const overlaps = shift < input.length && -shift < output.length;
      const inPlace = path === over && shift === 0;
      const call = () => operation(sync, name)(...(put(put(args, path, moved), out, output) as unknown[]));
      if (overlaps && !inPlace) {
        outcomes.refused++;
        const before = bits(moved);
        const error = t.throws(call, { instanceOf: sync.RetinanetOpsError, code: 'ERR_OPTION' });
        t.regex(error?.message ?? '', new RegExp(`^${name}: expected .*apart from .* for out.*, received one over `));
        t.is(bits(moved), before);
      } else {
        outcomes[inPlace ? 'inPlace' : 'apart']++;
        t.is(bits(outputOf(call(), out)), expected, `${name} ${out} at ${String(shift)} from ${path}`);
      }
      return true;
    },
  );
  // The emulator of a device takes its time.
  fc.assert(property, { seed: 6, numRuns: sync.backendInfo().active === 'cuda' ? 400 : 6000 });
  t.log(outcomes);
  for (const count of Object.values(outcomes)) t.true(count > 0);
});

test('the message says which array, and what is allowed', (t) => {
  const memory = new Float32Array(14);
  const logits = memory.subarray(0, 6);
  const labels = i32(1, -1, 0);
  const out = (from: number) => ({ out: memory.subarray(from, from + 6) });
  t.throws(() => sync.sigmoidFocalLossBackward(logits, labels, out(1)), {
    message:
      'sigmoidFocalLossBackward: expected logits itself or an array apart from it for out, received one over part of it',
  });
  t.throws(() => sync.sigmoidFocalLoss(logits, labels, { ...out(0), reduction: 'none' }), {
    message: 'sigmoidFocalLoss: expected an array apart from logits for out, received one over the same memory',
  });
  const weights = memory.subarray(8, 11);
  t.throws(() => sync.sigmoidFocalLossBackward(logits, labels, { ...out(6), anchorWeights: weights }), {
    message:
      'sigmoidFocalLossBackward: expected an array apart from anchorWeights for out, received one over the same memory',
  });
  // Targets that are the logits themselves: the gradient in place of one would spoil the other.
  const both = f32(0.5, 1);
  t.throws(() => sync.sigmoidFocalLossBackward(both, both, { out: both }), { message: /apart from targets for out/ });
});

test('what shares a buffer, but no byte, and what is empty', (t) => {
  const memory = new Float32Array(12);
  const predictions = memory.subarray(0, 6);
  t.notThrows(() => sync.smoothL1LossBackward(predictions, new Float32Array(6), { out: memory.subarray(6) }));
  for (const at of [0, 3, 6]) {
    const empty = memory.subarray(at, at);
    t.notThrows(() => sync.smoothL1LossBackward(empty, empty, { out: empty }));
    t.notThrows(() => sync.boxIou(empty, memory.subarray(0, 4).fill(1), { out: memory.subarray(2, 2) }));
  }
  // Inputs may lie over each other.
  t.is(sync.smoothL1Loss(predictions, memory.subarray(0, 6)), 0);
});

test('an array that lies about where it lies', (t) => {
  class Liar extends Float32Array {
    override get byteOffset(): number {
      return 1e6;
    }
    override get byteLength(): number {
      return 0;
    }
    override get buffer(): ArrayBuffer {
      return new ArrayBuffer(8);
    }
  }
  const memory = new ArrayBuffer(28);
  const out = new Liar(memory, 4, 6);
  t.throws(() => sync.sigmoidFocalLossBackward(new Float32Array(memory, 0, 6), i32(0, 0, 0), { out }), {
    code: 'ERR_OPTION',
  });
});

test('results in place equal results beside, to the bit', (t) => {
  const { checked, wrong } = inPlaceMismatches();
  t.true(checked > 100);
  t.deepEqual(wrong, []);
});
