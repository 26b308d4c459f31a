// Scenarios of device tensors: their elements, types and shapes, and what they are refused for.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert';
import * as ops from 'retinanet-ops';
import { secondCopy } from '../../support/second-copy.js';
import { lastDevice, runScenario, same } from './scenario.js';

const { cuda } = ops;
const { tensor } = cuda;

/** The float16 value nearest to x, ties to even, in float64. */
function toFloat16(x: number): number {
  const size = Math.abs(x);
  if (!Number.isFinite(x) || x === 0) return x;
  const step = 2 ** (Math.max(-14, Math.floor(Math.log2(size))) - 10);
  const low = Math.floor(size / step);
  const rest = size / step - low;
  const rounded = (low + (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? 1 : 0)) * step;
  return Math.sign(x) * (rounded >= 65520 ? Infinity : rounded);
}

/** The bfloat16 value nearest to x, ties to even. */
function toBfloat16(x: number): number {
  if (!Number.isFinite(x)) return x;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  const high = view.getUint16(0);
  const low = view.getUint16(2);
  const up = low > 0x8000 || (low === 0x8000 && high % 2 === 1);
  view.setUint32(0, (high + (up ? 1 : 0)) * 0x10000);
  return view.getFloat32(0);
}

await runScenario({
  async 'other-copy'() {
    const other = await secondCopy();
    const [ours, theirs] = [tensor(Float32Array.of(0, 0, 2, 2)), other.cuda.tensor(Float32Array.of(0, 0, 2, 2))];
    for (const call of [
      () => ops.boxIou(theirs, ours),
      () => other.boxIou(ours, theirs),
      () => ours.copyFrom(theirs),
      () => ops.boxIou(theirs, Float32Array.of(0, 0, 2, 2) as never),
    ]) {
      throws(call, { code: 'ERR_DTYPE', message: /received a DeviceTensor of another copy of retinanet-ops/ });
    }
    same(await theirs.data(), await ours.data());
    same(await ours.copyFrom(ours).data(), [0, 0, 2, 2]);
  },

  async overlaps() {
    const logits = tensor(Float32Array.of(0.5, -1, 2, -3), { shape: [2, 2] });
    const labels = tensor(Int32Array.of(1, -1));
    const want = await ops.sigmoidFocalLossBackward(logits, labels).data();
    const weights = tensor(Float32Array.of(1, 1));
    const targets = tensor(Float32Array.of(0, 1, 0, 0), { shape: [2, 2] });
    const refused = { code: 'ERR_OPTION', message: /apart from (targets|logits) for out, received one over the same/ };
    throws(() => ops.sigmoidFocalLossBackward(logits, targets, { out: targets, anchorWeights: weights }), refused);
    throws(() => ops.sigmoidFocalLoss(logits, labels, { out: logits, reduction: 'none' }), refused);
    strictEqual(ops.sigmoidFocalLossBackward(logits, labels, { out: logits }), logits);
    same(await logits.data(), want);
    const boxes = tensor(Float32Array.of(-1, -1, 9, 9), { shape: [1, 4] });
    same(await ops.clipBoxes(boxes, { height: 4, width: 5, out: boxes }).data(), [0, 0, 5, 4]);
    const iou = tensor([1]);
    throws(() => ops.boxIou(boxes, iou, { out: iou }), { code: 'ERR_SHAPE' });
    const empty = tensor([0, 4]);
    strictEqual(ops.clipBoxes(empty, { height: 4, width: 5, out: empty }), empty);
  },

  async classes() {
    // Six zero logits: a shape tells K, a single axis does not.
    const y = Float32Array.of(0, 0, 0, 1, 1, 0);
    const count = async (shape: number[], targetShape: number[], options = {}): Promise<unknown> => {
      const [logits, targets] = [tensor(shape), tensor(y, { shape: targetShape })];
      const { numPositives } = ops.sigmoidFocalLossValueAndGrad(logits, targets, options);
      return (await numPositives.data())[0];
    };
    strictEqual(await count([2, 3], [2, 3]), 1);
    strictEqual(await count([2, 3], [6]), 1);
    strictEqual(await count([6], [6, 1]), 2);
    strictEqual(await count([3, 2, 1], [6]), 2);
    strictEqual(await count([6], [6], { numClasses: 3 }), 1);
    strictEqual(await count([2, 3], [2, 3], { numClasses: 1 }), 2);
    await rejects(count([6], [6]), { code: 'ERR_OPTION', message: /for numClasses, received undefined/ });
    await rejects(count([2, 3], [3, 2]), { code: 'ERR_SHAPE', message: /rows of 3 .* for targets, received 2/ });
    // Labels whose number divides that of the logits, and is not that of the rows.
    const labels = tensor([3], { dtype: 'int32' });
    throws(() => ops.sigmoidFocalLoss(tensor([2, 3]), labels), { code: 'ERR_SHAPE', message: /3 rows of 3 elements/ });
    const anchors = Float32Array.of(0, 0, 4, 4, 0, 0, 8, 8, 2, 2, 6, 6);
    const outputs = { anchors: tensor(anchors, { shape: [3, 4] }), imageHeight: 8, imageWidth: 8 };
    const halved = { ...outputs, classLogits: tensor([2, 3, 2]), boxDeltas: tensor([1, 3, 4]) };
    throws(() => ops.decodeDetections(halved), {
      code: 'ERR_SHAPE',
      message: /classLogits, received shape \[2, 3, 2\]/,
    });
  },

  async data() {
    const floats = Float32Array.of(1, -2.5, NaN, Infinity, -0, 1e-40);
    const t = tensor(floats, { shape: [2, 3] });
    deepStrictEqual([t.shape, t.dtype, t.device, t.length, t.size, t.bytes], [[2, 3], 'float32', 0, 6, 6, 24]);
    deepStrictEqual(await t.data(), floats);
    floats.fill(7); // the tensor has its own copy
    ok(Number.isNaN((await t.data())[2]));
    deepStrictEqual(await tensor(Int32Array.of(1, -1)).data(), Int32Array.of(1, -1));
    deepStrictEqual(await tensor(Float64Array.of(Math.PI)).data(), Float64Array.of(Math.PI));
    deepStrictEqual(await tensor([2, 2], { dtype: 'int32', device: lastDevice() }).data(), new Int32Array(4));
    deepStrictEqual(await tensor([]).data(), new Float32Array(1));
    deepStrictEqual(await tensor([3, 0]).data(), new Float32Array(0));
    deepStrictEqual(await tensor(new Float32Array(0)).data(), new Float32Array(0));
    const backing = new SharedArrayBuffer(16);
    const view = new Float32Array(backing, 4, 2);
    view.set([3, 4]);
    deepStrictEqual(await tensor(view).data(), Float32Array.of(3, 4));
  },

  async halves() {
    const values: number[] = [];
    // Every exponent with fractions around the ties of both types, and the ends of their ranges.
    for (let exponent = -149; exponent < 128; exponent++) {
      for (const fraction of [
        1,
        1 + 2 ** -11,
        1 + 3 * 2 ** -11,
        1 + 2 ** -8,
        1 + 3 * 2 ** -8,
        1 + 2 ** -8 + 2 ** -23,
        1.999,
      ]) {
        values.push(fraction * 2 ** exponent, -fraction * 2 ** exponent);
      }
    }
    values.push(0, -0, NaN, Infinity, -Infinity, 65504, 65519.99, 65520, 2 ** -25, 2 ** -24, 3 * 2 ** -25, 3.3895e38);
    const data = Float32Array.from(values);
    const half = tensor(data, { dtype: 'float16' });
    strictEqual(half.bytes, 2 * data.length);
    same(await half.data(), Array.from(data, toFloat16));
    same(await tensor(data, { dtype: 'bfloat16' }).data(), Array.from(data, toBfloat16));
  },

  async copies() {
    const t = tensor([4]);
    strictEqual(t.copyFrom(Float32Array.of(1, 2, 3, 4)), t);
    const u = tensor([4]).copyFrom(t);
    t.copyFrom(Float32Array.of(9, 9, 9, 9));
    deepStrictEqual(await u.data(), Float32Array.of(1, 2, 3, 4));
    throws(() => t.copyFrom(new Float32Array(3)), { code: 'ERR_SHAPE', message: /4 elements for data, received 3/ });
    throws(() => t.copyFrom(new Int32Array(4)), { code: 'ERR_DTYPE', message: /a Float32Array for data/ });
    throws(() => t.copyFrom(tensor([4], { dtype: 'int32' })), { code: 'ERR_DTYPE' });
    throws(() => t.copyFrom(tensor([5])), { code: 'ERR_SHAPE' });
    throws(() => t.copyFrom(null as never), { code: 'ERR_DTYPE' });
  },

  refusals() {
    throws(() => tensor('4' as never), { code: 'ERR_DTYPE', message: /data, received '4'/ });
    throws(() => tensor(new Uint8Array(4) as never), { code: 'ERR_DTYPE', message: /Uint8Array/ });
    throws(() => tensor(new Float32Array(4), { dtype: 'int32' }), {
      code: 'ERR_DTYPE',
      message: /an Int32Array for data/,
    });
    throws(() => tensor([4], { dtype: 'float' as never }), { code: 'ERR_OPTION', message: /did you mean 'float/ });
    throws(() => tensor([4], { dtyp: 'int32' } as never), { code: 'ERR_OPTION', message: /did you mean 'dtype'/ });
    const next = lastDevice() + 1;
    throws(() => tensor([4], { device: next }), {
      code: 'ERR_RANGE',
      message: new RegExp(`\\[0, ${next - 1}\\] for device, received ${next}`),
    });
    throws(() => tensor([-1]), { code: 'ERR_RANGE', message: /data, received -1/ });
    throws(() => tensor([1.5]), { code: 'ERR_RANGE' });
    throws(() => tensor([2], { shape: [2] }), { code: 'ERR_OPTION' });
    throws(() => tensor(new Float32Array(5), { shape: [2, 3] }), {
      code: 'ERR_SHAPE',
      message: /6 elements of shape \[2, 3\]/,
    });
    throws(() => tensor([2 ** 40]), { code: 'ERR_OUT_OF_MEMORY' });
    throws(() => tensor([2 ** 40, 2 ** 40]), { code: 'ERR_SHAPE', message: /2\^53/ });
    throws(() => cuda.memory(7), { code: 'ERR_RANGE' });
  },
});
