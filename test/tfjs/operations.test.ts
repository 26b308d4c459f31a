// Assignment, boxes, suppression, detections and mining on tensors equal those on typed arrays.
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import * as ops from 'retinanet-ops/tfjs';
import { close, codeOf, equalArrays, onEachBackend, random, randomBoxes, randomLabels } from './support.js';

const grid = new ops.AnchorGrid({ imageHeight: 64, imageWidth: 96, strides: [8, 16] });
const A = grid.count;
const gtBoxes = randomBoxes(6, 1, 64);
const gtLabels = Int32Array.of(0, 2, 1, 1, 0, 2);
const groundTruth = { boxes: gtBoxes, labels: gtLabels, offsets: Int32Array.of(0, 4, 4, 6) };
const ignore = { ignoreBoxes: Float32Array.of(0, 0, 30, 30), ignoreOffsets: Int32Array.of(0, 1, 1, 1) };

onEachBackend('assignAnchors', (t) => {
  const options = { positiveThreshold: 0.6, negativeThreshold: 0.3, allowLowQualityMatches: false };
  const { ignoreBoxes } = ignore;
  const expected = base.assignAnchors(grid, gtBoxes, gtLabels, { ...options, ignoreBoxes });
  const boxes = tf.tensor2d(gtBoxes, [6, 4]);
  const labels = tf.tensor1d(gtLabels, 'int32');
  for (const anchors of [grid, tf.tensor2d(grid.boxes(), [A, 4]), grid.boxes()]) {
    const actual = ops.assignAnchors(anchors, boxes, labels, {
      ...options,
      ignoreBoxes: tf.tensor2d(ignoreBoxes, [1, 4]),
    });
    equalArrays(t, actual.labels, [A], expected.labels);
    equalArrays(t, actual.matches, [A], expected.matches);
    equalArrays(t, actual.positives, [expected.numPositives], expected.positives);
    equalArrays(t, actual.boxTargets, [expected.numPositives, 4], expected.boxTargets);
    equalArrays(t, actual.unmatchedGt, [expected.unmatchedGt.length], expected.unmatchedGt);
    t.is(actual.numPositives, expected.numPositives);
    t.is(actual.labels.dtype, 'int32');
  }
  const none = ops.assignAnchors(grid, tf.zeros([0, 4]), tf.zeros([0], 'int32'));
  t.is(none.numPositives, 0);
  t.deepEqual(none.boxTargets.shape, [0, 4]);
});

onEachBackend('assignAnchorsBatch', (t) => {
  const expected = base.assignAnchorsBatch(grid, { ...groundTruth, ...ignore });
  const actual = ops.assignAnchorsBatch(grid, {
    boxes: tf.tensor2d(gtBoxes, [6, 4]),
    labels: tf.tensor1d(gtLabels, 'int32'),
    offsets: [0, 4, 4, 6],
    ...ignore,
  });
  equalArrays(t, actual.labels, [3, A], expected.labels);
  equalArrays(t, actual.matches, [3, A], expected.matches);
  equalArrays(t, actual.positives, [expected.numPositives], expected.positives);
  equalArrays(t, actual.positiveOffsets, [4], expected.positiveOffsets);
  equalArrays(t, actual.boxTargets, [expected.numPositives, 4], expected.boxTargets);
  t.is(actual.numPositives, expected.numPositives);
  const empty = ops.assignAnchorsBatch(grid, { boxes: [], labels: [], offsets: [0] });
  t.deepEqual(empty.labels.shape, [0, A]);
});

onEachBackend('encodeBoxes, decodeBoxes, clipBoxes, boxIou', (t) => {
  const values = randomBoxes(A, 2, 64);
  const boxes = tf.tensor2d(values, [A, 4]);
  const deltas = random(4 * A, 3);
  const anchors = tf.tensor2d(grid.boxes(), [A, 4]);
  equalArrays(t, ops.encodeBoxes(grid, boxes), [A, 4], base.encodeBoxes(grid, values));
  equalArrays(t, ops.encodeBoxes(anchors, boxes), [A, 4], base.encodeBoxes(grid, values));
  equalArrays(t, ops.decodeBoxes(grid, tf.tensor2d(deltas, [A, 4])), [A, 4], base.decodeBoxes(grid, deltas));
  equalArrays(t, ops.decodeBoxes(anchors, deltas), [A, 4], base.decodeBoxes(grid, deltas));
  const size = { height: 30, width: 40 };
  equalArrays(t, ops.clipBoxes(boxes, size), [A, 4], base.clipBoxes(values, size));
  const few = values.slice(0, 20);
  equalArrays(t, ops.boxIou(few, boxes), [5, A], base.boxIou(few, values));
  t.deepEqual(ops.boxIou(tf.zeros([0, 4]), boxes).shape, [0, A]);
});

onEachBackend('decodeBoxes is differentiable by the deltas', (t) => {
  const anchors = Float32Array.of(4, 6, 12, 30, 10, 10, 42, 20, 0, 0, 8, 8);
  // In the last row dw is clipped and dh is not.
  const deltas = Float32Array.of(0.3, -0.2, 0.1, -0.5, -1, 2, 0.7, 0.2, 0, 0.1, 4.5, 4);
  const weights = random(12, 14);
  const objective = (d: Float32Array): number =>
    base.decodeBoxes(anchors, d).reduce((sum, x, i) => sum + x * (weights[i] as number), 0);
  const expected = deltas.map((_, i) => {
    const step = 2 ** -7;
    const [up, down] = [1, -1].map((sign) => objective(deltas.map((x, j) => (i === j ? x + sign * step : x))));
    return ((up as number) - (down as number)) / (2 * step);
  });
  for (const given of [anchors, tf.tensor2d(anchors, [3, 4])]) {
    const scalar = (d: tf.Tensor): tf.Tensor => tf.sum(tf.mul(ops.decodeBoxes(given, d), tf.tensor2d(weights, [3, 4])));
    const actual = tf.grad(scalar)(tf.tensor2d(deltas, [3, 4]));
    close(t, actual, tf.tensor2d(expected, [3, 4]), 1e-4);
    t.is(Math.abs(actual.dataSync<'float32'>()[10] as number), 0);
  }
  const onGrid = tf.grad((d) => ops.decodeBoxes(grid, d))(tf.zeros([A, 4]));
  const onBoxes = tf.grad((d) => ops.decodeBoxes(grid.boxes(), d))(tf.zeros([A, 4]));
  close(t, onGrid, onBoxes, 0);
});

onEachBackend('clipBoxes is differentiable as tf.clipByValue is', (t) => {
  const boxes = tf.tensor2d([-3, 5, 20, 70, 1, -1, 99, 30], [2, 4]);
  const weights = tf.tensor2d(random(8, 4), [2, 4]);
  const actual = tf.grad((b) => tf.sum(tf.mul(weights, ops.clipBoxes(b, { height: 50, width: 50 }))))(boxes);
  const expected = tf.grad((b) => tf.sum(tf.mul(weights, tf.clipByValue(b, 0, 50))))(boxes);
  close(t, actual, expected, 0);
});

onEachBackend('nms', (t) => {
  const boxes = randomBoxes(60, 5, 50);
  const scores = random(60, 6, 0, 1);
  const classes = randomLabels(60, 7, 4).map((label) => Math.max(0, label));
  const options = { iouThreshold: 0.3, maxOutput: 20 };
  const expected = base.nms(boxes, scores, { ...options, classes });
  const [b, s, c] = [tf.tensor2d(boxes, [60, 4]), tf.tensor1d(scores), tf.tensor1d(classes, 'int32')];
  const kept = ops.nms(b, s, { ...options, classes: c });
  equalArrays(t, kept, [expected.length], expected);
  t.is(kept.dtype, 'int32');
  t.deepEqual(tf.gather(b, kept).shape, [expected.length, 4]);
  equalArrays(t, ops.nms(boxes, scores), [base.nms(boxes, scores).length], base.nms(boxes, scores));
  equalArrays(t, ops.nms([], []), [0], []);
});

onEachBackend('decodeDetections', (t) => {
  const K = 3;
  const classLogits = random(2 * A * K, 8, -4, 3);
  const boxDeltas = random(2 * A * 4, 9, -0.5, 0.5);
  const options = { scoreThreshold: 0.3, topK: 50, maxDetections: 30 };
  const expected = base.decodeDetections({ ...options, classLogits, boxDeltas, anchors: grid });
  const logits = tf.tensor3d(classLogits, [2, A, K]);
  const deltas = tf.tensor3d(boxDeltas, [2, A, 4]);
  const actual = ops.decodeDetections({ ...options, classLogits: logits, boxDeltas: deltas, anchors: grid });
  const count = expected.scores.length;
  t.true(count > 10);
  equalArrays(t, actual.boxes, [count, 4], expected.boxes);
  equalArrays(t, actual.scores, [count], expected.scores);
  equalArrays(t, actual.labels, [count], expected.labels);
  equalArrays(t, actual.offsets, [3], expected.offsets);
  for (const given of [{ classAgnostic: true }, { classAgnostic: false }, { numClasses: K }]) {
    const want = base.decodeDetections({ ...options, ...given, classLogits, boxDeltas, anchors: grid });
    const got = ops.decodeDetections({ ...options, ...given, classLogits: logits, boxDeltas: deltas, anchors: grid });
    t.is(isDeepStrictEqual(want, expected), given.classAgnostic !== true);
    equalArrays(t, got.boxes, [want.scores.length, 4], want.boxes);
    equalArrays(t, got.labels, [want.scores.length], want.labels);
  }
  const none = ops.decodeDetections({ classLogits: logits, boxDeltas: tf.fill([2, A, 4], NaN), anchors: grid });
  equalArrays(t, none.offsets, [3], [0, 0, 0]);
  const first = ops.decodeDetections({
    ...options,
    classLogits: tf.squeeze(tf.slice(logits, 0, 1), [0]),
    boxDeltas: tf.squeeze(tf.slice(deltas, 0, 1), [0]),
    anchors: grid.boxes(),
    levelCounts: grid.levels.map((level) => level.count),
    imageHeight: 64,
    imageWidth: 96,
  });
  const n = expected.offsets[1] as number;
  equalArrays(t, first.scores, [n], expected.scores.slice(0, n));
});

onEachBackend('selectHardNegatives, onlineHardExamples', (t) => {
  const labels = randomLabels(80, 10, 2);
  const losses = random(240, 11, 0, 5);
  const expected = base.selectHardNegatives(losses, labels, { ratio: 0.5 });
  t.true(expected.length > 5);
  const tensorLabels = tf.tensor2d(labels, [2, 40], 'int32');
  const actual = ops.selectHardNegatives(tf.tensor3d(losses, [2, 40, 3]), tensorLabels, { ratio: 0.5 });
  equalArrays(t, actual, [expected.length], expected);
  const background = tf.fill([4], -1, 'int32');
  equalArrays(t, ops.selectHardNegatives([1, 4, 2, 3], background, { minNegatives: 2 }), [2], [1, 3]);
  equalArrays(t, ops.selectHardNegatives([1, 4, 2, 3], background), [0], []);
  const single = losses.slice(0, 80);
  const byAnchor = base.selectHardNegatives(single, labels);
  equalArrays(t, ops.selectHardNegatives(tf.tensor2d(single, [2, 40]), tensorLabels), [byAnchor.length], byAnchor);
  const boxes = randomBoxes(80, 12, 60);
  const hard = base.onlineHardExamples(single, boxes, { count: 12 });
  equalArrays(t, ops.onlineHardExamples(single, tf.tensor2d(boxes, [80, 4]), { count: 12 }), [12], hard);
});

onEachBackend(
  'what has no gradient says so',
  (t) => {
    const boxes = tf.tensor2d(randomBoxes(A, 13, 64), [A, 4]);
    const labels = tf.zeros([A], 'int32');
    for (const f of [
      (b: tf.Tensor) => tf.sum(ops.encodeBoxes(grid, b)),
      (b: tf.Tensor) => tf.sum(ops.boxIou(b, b)),
      (b: tf.Tensor) => tf.sum(ops.assignAnchors(grid, b, labels).boxTargets),
    ]) {
      t.is(
        codeOf(() => tf.grad(f)(boxes)),
        'ERR_GRADIENT',
      );
    }
    // As training targets they are constants.
    const targets = (): tf.Tensor => ops.encodeBoxes(grid, boxes);
    t.notThrows(() => tf.grad((d) => ops.smoothL1Loss(d, targets()))(tf.zerosLike(boxes)));
  },
  { failingGradients: true },
);
