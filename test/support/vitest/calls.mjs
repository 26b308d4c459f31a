// A call of every tensor operation, for whatever arrays `f32` and `i32` make; and results as text.

export const GRID = { imageHeight: 64, imageWidth: 64 };

/** All forms of all losses of a regression. */
const regressions = (ops) =>
  Object.keys(ops).filter((name) => /Loss/.test(name) && !/^(sigmoidFocal|retinanet)/.test(name));

/** The operations `ops` on tensors of `tf`, by name. */
export function tensorCalls(tf, ops, f32, i32) {
  const grid = new ops.AnchorGrid(GRID);
  const small = new ops.AnchorGrid({ ...GRID, strides: [32], scales: [1], aspectRatios: [1] });
  const logits = () => tf.tensor2d(f32(0.5, -1, 2, -3, 0.25, 1), [3, 2]);
  const labels = i32(1, -1, -2);
  const dense = () => tf.tensor2d(f32(0, 1, 0, 0, 0.5, 0), [3, 2]);
  const boxes = f32(0, 0, 32, 32, 10, 12, 60, 50);
  const truth = { boxes, labels: i32(1, 0), offsets: i32(0, 1, 2) };
  const deltas = () => tf.tensor(f32(...Array.from({ length: 32 }, (_, i) => Math.sin(i))), [2, 4, 4]);
  const outputs = () => ({
    classLogits: tf.tensor(f32(...Array.from({ length: 16 }, (_, i) => Math.cos(i))), [2, 4, 2]),
    boxDeltas: deltas(),
    anchors: small,
  });
  const options = { alpha: f32(0.25, 0.75), gamma: [2, 1.5], anchorWeights: f32(1, 2, 0.5) };
  const first = () => tf.reshape(tf.slice(deltas(), 0, 1), [4, 4]);
  return {
    'assignAnchors, a grid': () => ops.assignAnchors(grid, f32(0, 0, 32, 32), i32(1)),
    'assignAnchors, nested arrays': () => ops.assignAnchors(grid, [[0, 0, 32, 32]], [1]),
    'assignAnchors, boxes': () => ops.assignAnchors(f32(0, 0, 30, 30), boxes, i32(1, 0), { ignoreBoxes: boxes }),
    assignAnchorsBatch: () => ops.assignAnchorsBatch(grid, truth),
    sigmoidFocalLoss: () => ops.sigmoidFocalLoss(logits(), labels, options),
    'sigmoidFocalLoss, dense': () => ops.sigmoidFocalLoss(logits(), dense(), { ...options, normalizer: 'positives' }),
    "sigmoidFocalLoss, 'none'": () => ops.sigmoidFocalLoss(logits(), labels, { reduction: 'none' }),
    sigmoidFocalLossBackward: () => ops.sigmoidFocalLossBackward(logits(), labels),
    sigmoidFocalLossValueAndGrad: () => ops.sigmoidFocalLossValueAndGrad(logits(), dense()),
    'the gradient of sigmoidFocalLoss': () => tf.grad((x) => ops.sigmoidFocalLoss(x, labels, options))(logits()),
    ...Object.fromEntries(
      regressions(ops).map((name) => [
        name,
        () =>
          ops[name](tf.tensor2d(boxes, [2, 4]), tf.tensor2d(f32(0, 0, 32, 33, 10, 13, 60, 50), [2, 4]), {
            weights: f32(1, 0.5),
          }),
      ]),
    ),
    encodeBoxes: () => ops.encodeBoxes(boxes, f32(1, 2, 30, 40, 5, 6, 70, 80)),
    decodeBoxes: () => ops.decodeBoxes(small, first()),
    'the gradient of decodeBoxes': () => tf.grad((x) => tf.sum(ops.decodeBoxes(small, x)))(first()),
    clipBoxes: () => ops.clipBoxes(boxes, { height: 20, width: 40 }),
    boxIou: () => ops.boxIou(boxes, f32(0, 0, 16, 32)),
    nms: () => ops.nms(boxes, f32(0.5, 0.75), { classes: i32(0, 1) }),
    decodeDetections: () => ops.decodeDetections(outputs()),
    retinanetLoss: () => ops.retinanetLoss({ ...outputs(), groundTruth: truth }),
    'the gradient of retinanetLoss': () =>
      tf.grad((x) => ops.retinanetLoss({ ...outputs(), classLogits: x, groundTruth: truth }).loss)(
        outputs().classLogits,
      ),
    selectHardNegatives: () => ops.selectHardNegatives(f32(0.5, 3, 1), i32(1, -1, -1)),
    onlineHardExamples: () => ops.onlineHardExamples(f32(0.5, 3), boxes, { count: 2 }),
  };
}

/** Tensors and typed arrays with kind, shape and values, whatever realm they are of. */
export function written(result) {
  if (typeof result?.dataSync === 'function') {
    return { dtype: result.dtype, shape: result.shape, values: Array.from(result.dataSync()) };
  }
  if (ArrayBuffer.isView(result)) return { kind: result[Symbol.toStringTag], values: Array.from(result) };
  if (Array.isArray(result)) return result.map(written);
  if (typeof result !== 'object' || result === null) return result;
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, written(value)]));
}

/** Typed arrays back from what `written` made of arguments, and grids. */
export function read(value, arrays) {
  if (Array.isArray(value)) return value.map((inner) => read(inner, arrays));
  if (typeof value !== 'object' || value === null) return value;
  if (value.kind !== undefined) return arrays[value.kind](...value.values);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, read(inner, arrays)]));
}
