// Scenarios of tensors that share memory: views, memory of others, work of others.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import * as ops from 'retinanet-ops';
import { boxIou, cuda, type DeviceTensor } from 'retinanet-ops';
import { lastDevice, runScenario } from './scenario.js';
import { count, isTraced } from './trace.js';

const { tensor, wrap } = cuda;
const error = (code: string, message: RegExp) => ({ name: 'RetinanetOpsError', code, message });
const same = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  deepStrictEqual(Array.from(a), Array.from(b));
};
const boxes = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3);

/** Waits until it is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await delay(1);
  ok(condition());
}

await runScenario({
  async views() {
    const t = tensor(Float32Array.of(0, 1, 2, 3, 4, 5), { shape: [2, 3] });
    const tail = t.subarray(2);
    deepStrictEqual([tail.shape, tail.dtype, tail.length, tail.bytes], [[4], 'float32', 4, 16]);
    strictEqual(tail.pointer, t.pointer + 8n);
    for (const [begin, end, want] of [
      [undefined, undefined, [0, 1, 2, 3, 4, 5]],
      [1, 3, [1, 2]],
      [-2, undefined, [4, 5]],
      [1, -1, [1, 2, 3, 4]],
      [-100, 2, [0, 1]],
      [4, 100, [4, 5]],
      [4, 2, []],
      [6, 6, []],
    ] as const) {
      same(await t.subarray(begin, end).data(), want);
      same(Float32Array.of(0, 1, 2, 3, 4, 5).subarray(begin, end), want);
    }
    same(await tail.subarray(1, 3).data(), [3, 4]);
    const tall = t.reshape([3, 2]);
    deepStrictEqual(
      [tall.shape, t.reshape([6, 1, 1]).shape, t.subarray(0, 1).reshape([]).shape],
      [[3, 2], [6, 1, 1], []],
    );
    tail.copyFrom(Float32Array.of(9, 8, 7, 6));
    same(await tall.data(), [0, 1, 9, 8, 7, 6]);
    // Memory that overlaps is copied as if there were a copy between.
    t.subarray(1, 5).copyFrom(t.subarray(0, 4));
    same(await t.data(), [0, 0, 1, 9, 8, 6]);
    t.subarray(0, 4).copyFrom(t.subarray(1, 5));
    same(await t.data(), [0, 1, 9, 8, 8, 6]);
    const ints = tensor(Int32Array.of(1, 2, 3)).subarray(1);
    deepStrictEqual(await ints.data(), Int32Array.of(2, 3));
    deepStrictEqual(
      await tensor(Float32Array.of(1, 2, 3), { dtype: 'bfloat16' })
        .subarray(1)
        .data(),
      Float32Array.of(2, 3),
    );
  },

  async lifetime() {
    const before = cuda.memory();
    const t = tensor(boxes);
    const view = t.subarray(4);
    const inner = view.reshape([1, 4]);
    deepStrictEqual([cuda.memory().numTensors - before.numTensors, cuda.memory().bytes - before.bytes], [3, 32]);
    t.dispose();
    view.dispose();
    ok(!inner.isDisposed);
    strictEqual(cuda.memory().bytes - before.bytes, 32);
    same(await inner.data(), [1, 1, 3, 3]);
    inner.dispose();
    strictEqual(cuda.memory().bytes - before.bytes, 0);
    for (const call of [() => t.subarray(1), () => inner.reshape([4])]) {
      throws(call, error('ERR_DTYPE', /a tensor that holds memory for this, received one that has been disposed of/));
    }
    const u = tensor([4]);
    throws(
      () => u.subarray(0.5),
      error('ERR_RANGE', /^DeviceTensor\.subarray: expected an integer.* for begin, received 0\.5/),
    );
    throws(() => u.subarray(0, '2' as never), error('ERR_DTYPE', /an integer.* for end, received '2'/));
    throws(() => u.reshape([5]), error('ERR_SHAPE', /a shape of 4 elements for shape, received \[5\]/));
    throws(() => u.reshape([-4]), error('ERR_RANGE', /shape, received -4/));
    throws(() => u.reshape(4 as never), error('ERR_DTYPE', /an array of numbers for shape, received 4/));
  },

  overlaps() {
    const logits = tensor([4, 2]);
    const labels = tensor([2], { dtype: 'int32' });
    const half = logits.subarray(0, 4).reshape([2, 2]);
    const call = (out: DeviceTensor, from = half): unknown => ops.sigmoidFocalLossBackward(from, labels, { out });
    // The same memory in other words is the very operand; part of it is not.
    strictEqual(call(logits.subarray(0, 4)) instanceof cuda.DeviceTensor, true);
    strictEqual(call(logits.subarray(4)) instanceof cuda.DeviceTensor, true);
    throws(
      () => call(logits.subarray(2, 6)),
      error('ERR_OPTION', /logits itself or an array apart from it for out, received one over part of it/),
    );
    const wrapped = wrap({ pointer: half.pointer + 4n, shape: [4] });
    throws(() => call(wrapped), error('ERR_OPTION', /over part of it/));
    throws(
      () => ops.clipBoxes(logits, { height: 1, width: 1, out: logits.subarray(1).subarray(0, 7) }),
      error('ERR_SHAPE', /8 elements for out, received 7/),
    );
  },

  async devices() {
    const [a, b] = [tensor(boxes), tensor([8], { device: 1 })];
    const iou = boxIou(a, a);
    const there = tensor([2, 2], { device: 1 }).copyFrom(iou);
    // What comes later on either device neither spoils the source nor the copy.
    iou.copyFrom(new Float32Array(4));
    same(await there.data(), [1, Math.fround(1 / 7), Math.fround(1 / 7), 1]);
    b.copyFrom(a);
    a.copyFrom(b);
    same(await a.data(), boxes);
    b.subarray(0, 4).copyFrom(a.subarray(4));
    same(await b.data(), [1, 1, 3, 3, 1, 1, 3, 3]);
    const source = tensor(boxes, { device: 1 });
    b.copyFrom(tensor(boxes));
    a.copyFrom(source);
    source.dispose();
    same(await a.data(), boxes);
    throws(() => b.copyFrom(tensor([8], { dtype: 'int32' })), error('ERR_DTYPE', /a tensor of dtype float32/));
    throws(() => b.copyFrom(tensor([7])), error('ERR_SHAPE', /8 elements for data, received 7/));
    throws(
      () => boxIou(a, b),
      error('ERR_DEVICE', /a tensor on device 0, as a is, for b, received a tensor on device 1/),
    );
    throws(() => b.copyFrom(source), error('ERR_DTYPE', /disposed/));
  },

  async wrap() {
    const device = lastDevice();
    const owner = tensor(boxes, { device });
    const { numTensors, bytes } = cuda.memory(device);
    const disposed: string[] = [];
    const ours = wrap({ pointer: owner.pointer, shape: [2, 4], onDispose: () => disposed.push('ours') });
    deepStrictEqual([ours.shape, ours.dtype, ours.device, ours.pointer], [[2, 4], 'float32', device, owner.pointer]);
    deepStrictEqual([cuda.memory(device).numTensors - numTensors, cuda.memory(device).bytes], [1, bytes]);
    same(await ours.data(), boxes);
    ours.copyFrom(boxes.map((x) => 2 * x));
    same(
      await owner.data(),
      boxes.map((x) => 2 * x),
    );
    const view = ours.subarray(4);
    const overlaps = boxIou(view, ours);
    const launches = isTraced ? count('launch') : 0;
    ours.dispose();
    ours.dispose();
    await cuda.synchronize(0);
    await delay(5);
    deepStrictEqual(disposed, []); // a view holds it
    if (isTraced) strictEqual(count('launch'), launches);
    view.dispose();
    deepStrictEqual(disposed, []);
    await until(() => disposed.length > 0);
    // By then what was queued on it has been done.
    if (isTraced) strictEqual(count('launch'), launches + 1);
    same(await overlaps.data(), [Math.fround(1 / 7), 1]);
    deepStrictEqual(disposed, ['ours']);
    // Other dtypes, one element, none; no callback; memory that is its owner's.
    const number = wrap({ pointer: owner.pointer + 8n, shape: [], dtype: 'float64', device });
    deepStrictEqual([number.length, number.bytes], [1, 8]);
    number.dispose();
    wrap({ pointer: owner.pointer, shape: [0, 4] }).dispose();
    wrap({ pointer: owner.pointer + 2n, shape: [15], dtype: 'float16' }).dispose();
    same(
      await owner.data(),
      boxes.map((x) => 2 * x),
    );
  },

  async 'wrap-in-a-worker'() {
    if (!isMainThread) {
      // Still held when the thread ends, where no callback can be called any more.
      const ours = wrap({ pointer: workerData as bigint, shape: [8], onDispose: () => process.exit(3) });
      same(await ours.subarray(4).data(), boxes.subarray(4));
      return;
    }
    const owner = tensor(boxes);
    const options = { argv: ['wrap-in-a-worker'], workerData: owner.pointer };
    const worker = new Worker(fileURLToPath(import.meta.url), options);
    strictEqual((await once(worker, 'exit'))[0], 0);
    deepStrictEqual([cuda.memory().numTensors, cuda.memory().bytes], [1, 32]);
    same(await owner.data(), boxes);
  },

  async 'wrap-collected'() {
    const owner = tensor(boxes);
    let disposed = 0;
    (() => {
      wrap({ pointer: owner.pointer, shape: [8], onDispose: () => disposed++ }).subarray(1);
    })();
    for (let i = 0; i < 100 && disposed === 0; i++) {
      globalThis.gc?.();
      await delay(5);
    }
    strictEqual(disposed, 1);
    // A promised call keeps the memory of what is disposed of under it.
    const ours = wrap({ pointer: owner.pointer, shape: [8], onDispose: () => disposed++ });
    const data = ours.data();
    ours.dispose();
    strictEqual(disposed, 1);
    same(await data, boxes);
    await until(() => disposed === 2);
  },

  refusals() {
    const t = tensor(boxes);
    const host = cuda.pinnedFloat32Array(4);
    ok(host.length === 4);
    const { pointer } = t;
    const refused = (options: object, code: string, message: RegExp): void => {
      throws(() => wrap({ pointer, shape: [8], ...options }), error(code, message));
    };
    throws(
      () => wrap(undefined as never),
      error('ERR_DTYPE', /^cuda\.wrap: expected an object for options, received undefined/),
    );
    throws(
      () => wrap({ shape: [1] } as never),
      error('ERR_DTYPE', /an address as a BigInt for pointer, received undefined/),
    );
    refused({ pointer: 0n }, 'ERR_RANGE', /an address in \[1, 2\^64\) for pointer, received 0n/);
    refused({ pointer: -8n }, 'ERR_RANGE', /received -8n/);
    refused({ pointer: 2n ** 64n }, 'ERR_RANGE', /received 18446744073709551616n/);
    refused({ pointer: Number(pointer) }, 'ERR_DTYPE', /an address as a BigInt for pointer, received \d+/);
    refused(
      { pointer: pointer + 2n, shape: [1] },
      'ERR_RANGE',
      /a multiple of 4 \(float32\) for pointer, received \d+n/,
    );
    refused({ pointer: pointer + 1n, shape: [1], dtype: 'bfloat16' }, 'ERR_RANGE', /a multiple of 2 \(bfloat16\)/);
    refused({ pointer: pointer + 4n, shape: [1], dtype: 'float64' }, 'ERR_RANGE', /a multiple of 8 \(float64\)/);
    refused({ pointer: 4096n }, 'ERR_DEVICE', /memory of a device for pointer, received 4096n, which is no device's/);
    refused({ pointer: 4096n, device: 0 }, 'ERR_DEVICE', /memory of device 0 for pointer/);
    const last = lastDevice();
    const beyond = new RegExp(`\\[0, ${last}\\] for device, received ${last + 1}`);
    if (last > 0) refused({ device: 1 }, 'ERR_DEVICE', /memory of device 1 for pointer, received memory of device 0/);
    refused({ device: last + 1 }, 'ERR_RANGE', beyond);
    refused({ dtype: 'uint8' }, 'ERR_OPTION', /dtype, received 'uint8'/);
    refused({ dtype: 'float64' }, 'ERR_SHAPE', /at most 32 bytes.* for shape, received \[8\] of float64, 64 bytes/);
    refused({ pointer: pointer + 16n, shape: [5] }, 'ERR_SHAPE', /at most 16 bytes.* for shape, received \[5\]/);
    refused({ shape: undefined }, 'ERR_DTYPE', /an array of numbers for shape, received undefined/);
    refused({ shape: [2, -4] }, 'ERR_RANGE', /shape, received -4 at row 1/);
    refused({ onDispose: 1 }, 'ERR_DTYPE', /a function for onDispose, received 1/);
    refused({ ondispose: () => 1 }, 'ERR_OPTION', /'ondispose' \(did you mean 'onDispose'\?\)/);
    const event = cuda.record(last);
    deepStrictEqual([typeof event.event, event.device, Object.isFrozen(event)], ['bigint', last, true]);
    const unfit = (work: unknown, code: string, message: RegExp, device?: number): void => {
      throws(
        () => {
          cuda.waitFor(work as never, device);
        },
        error(code, message),
      );
    };
    unfit(undefined, 'ERR_DTYPE', /^cuda\.waitFor: expected an object for work, received undefined/);
    unfit(7n, 'ERR_DTYPE', /an object for work, received 7n/);
    unfit({}, 'ERR_OPTION', /either an event or a stream for work, received neither/);
    unfit({ event: 8n, stream: 8n }, 'ERR_OPTION', /received both/);
    unfit({ event: 0n }, 'ERR_RANGE', /a cudaEvent_t in \[1, 2\^64\) for work\.event, received 0n/);
    unfit({ event: 8 }, 'ERR_DTYPE', /a cudaEvent_t as a BigInt for work\.event, received 8/);
    unfit({ stream: -1n }, 'ERR_RANGE', /a cudaStream_t in \[0, 2\^64\) for work\.stream, received -1n/);
    unfit({ stream: 'default' }, 'ERR_DTYPE', /work\.stream, received 'default'/);
    unfit({ stream: cuda.stream(), device: 1 }, 'ERR_OPTION', /the second argument.* for work, received 'device'/);
    unfit({ events: event.event }, 'ERR_OPTION', /'events' \(did you mean 'event'\?\)/);
    unfit(event, 'ERR_RANGE', beyond, last + 1);
    throws(() => cuda.stream(-1), error('ERR_RANGE', /^cuda\.stream: .* for device, received -1/));
    throws(() => cuda.record('0' as never), error('ERR_DTYPE', /^cuda\.record: .* for device, received '0'/));
    t.dispose();
  },

  async streams() {
    strictEqual(typeof cuda.stream(), 'bigint');
    strictEqual(cuda.stream(), cuda.stream(0));
    ok(cuda.stream(0) !== cuda.stream(1));
    const [first, second] = [tensor(boxes), tensor(boxes, { device: 1 })];
    await cuda.synchronize(1);
    let launches = count('launch');
    // Work on device 0 that waits for an event of device 1, or for its stream, waits for what came before and for no more.
    for (const work of [
      () => cuda.record(1),
      () => ({ event: cuda.record(1).event }),
      () => ({ stream: cuda.stream(1) }),
    ]) {
      boxIou(second, second);
      await cuda.synchronize(0);
      strictEqual(count('launch'), launches);
      const waitedFor = work();
      cuda.waitFor(waitedFor, 0);
      boxIou(second, second);
      boxIou(first, first);
      await cuda.synchronize(0);
      strictEqual(count('launch'), launches + 2);
      await cuda.synchronize(1);
      strictEqual(count('launch'), (launches += 3));
    }
  },
});
