// Scenarios of tensors that share memory among themselves, and of work that waits for the work of others.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import * as ops from 'retinanet-ops';
import { boxIou, cuda, type DeviceTensor } from 'retinanet-ops';
import { boxes, error, runScenario, same } from './scenario.js';
import { count } from './trace.js';

const { tensor, wrap } = cuda;

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
