// Bad tensors: each call and the code it must give. What typed arrays are refused for is tested with them.
import * as tf from '@tensorflow/tfjs-core';
import * as ops from 'retinanet-ops/tfjs';
import { codeOf, onEachBackend } from './support.js';

const grid = new ops.AnchorGrid({ imageHeight: 16, imageWidth: 16, strides: [8] });
const A = grid.count;
const truth = { boxes: [[1, 1, 9, 9]], labels: [0], offsets: [0, 1] };

onEachBackend('bad arguments', (t) => {
  const x = tf.zeros([4, 3]);
  const labels = tf.zeros([4], 'int32');
  const boxes = tf.tensor2d([0, 0, 4, 4], [1, 4]);
  const d = tf.zeros([1, A, 4]);
  const c = tf.zeros([1, A, 2]);
  const loss =
    (given: object): (() => unknown) =>
    () =>
      ops.retinanetLoss({ classLogits: c, boxDeltas: d, anchors: grid, groundTruth: truth, ...given });
  const disposed = tf.zeros([4, 3]);
  disposed.dispose();
  const typo = (name: string): object => ({ [name]: 1 });
  const cases: [string, () => unknown][] = [
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(tf.zeros([4, 3], 'int32'), labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(tf.zeros([4, 3], 'bool'), labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(tf.tensor2d(['a', 'b'], [1, 2]), labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(x, tf.zeros([4], 'bool'))],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(disposed, labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(undefined as unknown as tf.Tensor, labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(x, null as unknown as tf.Tensor)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(new Float64Array(3), labels)],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(x, [0.5, 0, 0, 0])],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(tf.scalar(1), labels)],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, tf.zeros([3], 'int32'))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, tf.zeros([4, 1], 'int32'))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, tf.zeros([4, 3], 'int32'))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, tf.zeros([4]))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, tf.zeros([3, 4]))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, labels, { anchorWeights: tf.ones([3]) })],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, labels, { anchorWeights: tf.ones([4, 3]) })],
    ['ERR_DTYPE', () => ops.sigmoidFocalLoss(x, labels, { anchorWeights: tf.ones([4], 'int32') })],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, labels, { alpha: tf.tensor1d([0.5, 0.5]) })],
    ['ERR_RANGE', () => ops.sigmoidFocalLoss(x, labels, { alpha: 2 })],
    ['ERR_RANGE', () => ops.sigmoidFocalLoss(x, labels, { gamma: [1, 2, -1] })],
    ['ERR_LABEL', () => ops.sigmoidFocalLoss(x, tf.fill([4], 3, 'int32'))],
    ['ERR_RANGE', () => ops.sigmoidFocalLoss(x, tf.fill([4, 3], 1.5))],
    ['ERR_OPTION', () => ops.sigmoidFocalLoss(x, labels, typo('gama'))],
    ['ERR_OPTION', () => ops.sigmoidFocalLoss(x, labels, typo('numClasse'))],
    ['ERR_SHAPE', () => ops.sigmoidFocalLoss(x, labels, { numClasses: 4 })],
    ['ERR_SHAPE', () => ops.decodeDetections({ classLogits: c, boxDeltas: d, anchors: grid, numClasses: 3 })],
    ['ERR_SHAPE', loss({ numClasses: 1 })],
    ['ERR_OPTION', () => ops.sigmoidFocalLoss(x, labels, typo('out'))],
    ['ERR_OPTION', () => ops.sigmoidFocalLoss(x, labels, { reduction: 'total' as 'sum' })],
    ['ERR_SHAPE', () => ops.sigmoidFocalLossBackward(x, labels, { reduction: 'none', gradOutput: tf.ones([4]) })],
    ['ERR_OPTION', () => ops.sigmoidFocalLossBackward(x, labels, typo('gradOuput'))],
    ['ERR_SHAPE', () => ops.smoothL1Loss(x, tf.zeros([4]))],
    ['ERR_SHAPE', () => ops.smoothL1Loss(x, x, { weights: tf.ones([3]) })],
    ['ERR_RANGE', () => ops.smoothL1Loss(x, x, { beta: -1 })],
    ['ERR_OPTION', () => ops.smoothL1Loss(x, x, typo('delta'))],
    ['ERR_SHAPE', () => ops.assignAnchors(grid, tf.zeros([4]), labels)],
    ['ERR_SHAPE', () => ops.assignAnchors(grid, new Float32Array(6), labels)],
    ['ERR_SHAPE', () => ops.assignAnchors(grid, boxes, tf.zeros([2], 'int32'))],
    ['ERR_DTYPE', () => ops.assignAnchors(grid, boxes, tf.zeros([1]))],
    ['ERR_BOX', () => ops.assignAnchors(grid, [[4, 4, 4, 8]], [0])],
    ['ERR_LABEL', () => ops.assignAnchors(grid, boxes, [-1])],
    ['ERR_SHAPE', () => ops.assignAnchors(tf.zeros([3]), boxes, [0])],
    ['ERR_DTYPE', () => ops.assignAnchors(null as unknown as number[], boxes, [0])],
    ['ERR_RANGE', () => ops.assignAnchors(grid, boxes, [0], { negativeThreshold: 0.9 })],
    ['ERR_RANGE', () => ops.assignAnchorsBatch(grid, { ...truth, offsets: [1, 1] })],
    ['ERR_SHAPE', () => ops.assignAnchorsBatch(grid, { ...truth, offsets: tf.zeros([1, 2], 'int32') })],
    ['ERR_SHAPE', () => ops.assignAnchorsBatch(grid, { ...truth, offsets: [] })],
    ['ERR_OPTION', () => ops.assignAnchorsBatch(grid, { ...truth, ignoreBoxes: [] })],
    ['ERR_DTYPE', () => ops.assignAnchorsBatch(grid, null as unknown as typeof truth)],
    ['ERR_SHAPE', () => ops.encodeBoxes(grid, boxes)],
    ['ERR_SHAPE', () => ops.decodeBoxes(grid, tf.zeros([A, 3]))],
    ['ERR_RANGE', () => ops.clipBoxes(boxes, { height: 0, width: 1 })],
    ['ERR_DTYPE', () => ops.clipBoxes(boxes, undefined as unknown as { height: number; width: number })],
    ['ERR_SHAPE', () => ops.boxIou(boxes, tf.zeros([4, 1]))],
    ['ERR_SHAPE', () => ops.nms(boxes, tf.zeros([2]))],
    ['ERR_SHAPE', () => ops.nms(boxes, tf.zeros([1]), { classes: [0, 1] })],
    ['ERR_RANGE', () => ops.nms(boxes, [NaN])],
    ['ERR_RANGE', () => ops.nms(boxes, [1], { iouThreshold: 2 })],
    ['ERR_SHAPE', () => ops.decodeDetections({ classLogits: x, boxDeltas: x, anchors: grid })],
    ['ERR_SHAPE', () => ops.decodeDetections({ classLogits: c, boxDeltas: tf.zeros([2, A, 4]), anchors: grid })],
    ['ERR_RANGE', () => ops.decodeDetections({ classLogits: c, boxDeltas: d, anchors: grid, topK: 0 })],
    ['ERR_SHAPE', loss({ classLogits: tf.zeros([A]) })],
    ['ERR_SHAPE', loss({ boxDeltas: tf.zeros([1, A, 3]) })],
    ['ERR_SHAPE', loss({ groundTruth: { ...truth, offsets: [0, 1, 1] } })],
    ['ERR_LABEL', loss({ groundTruth: { ...truth, labels: [2] } })],
    ['ERR_RANGE', loss({ normalizer: 0 })],
    ['ERR_OPTION', loss({ boxWeigth: 1 })],
    ['ERR_DTYPE', () => ops.retinanetLoss(undefined as unknown as Parameters<typeof ops.retinanetLoss>[0])],
    ['ERR_SHAPE', () => ops.selectHardNegatives(x, tf.zeros([3], 'int32'))],
    ['ERR_SHAPE', () => ops.selectHardNegatives(tf.zeros([4, 3, 2]), labels)],
    ['ERR_RANGE', () => ops.selectHardNegatives(tf.fill([4], NaN), labels)],
    ['ERR_SHAPE', () => ops.onlineHardExamples([1, 2], boxes, { count: 1 })],
    ['ERR_RANGE', () => ops.onlineHardExamples([1], boxes, { count: -1 })],
  ];
  for (const [code, body] of cases) t.is(codeOf(body), code, body.toString());
});
