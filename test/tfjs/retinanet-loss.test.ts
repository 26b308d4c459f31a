// The whole loss of a detector on tensors: values, gradients of every part, training.
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import {
  AnchorGrid,
  assignAnchorsBatch,
  priorBias,
  retinanetLoss,
  sigmoidFocalLoss,
  smoothL1Loss,
} from 'retinanet-ops/tfjs';
import { close, codeOf, equalArrays, onEachBackend, random, randomBoxes } from './support.js';

const grid = new AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [8, 16] });
const [B, A, K] = [3, grid.count, 2];
const groundTruth = {
  boxes: randomBoxes(5, 1, 64),
  labels: Int32Array.of(0, 1, 1, 0, 1),
  offsets: Int32Array.of(0, 2, 2, 5),
};
const logitValues = random(B * A * K, 2, -4, 4);
const deltaValues = random(B * A * 4, 3);
const outputs = (): [tf.Tensor, tf.Tensor] => [
  tf.tensor3d(logitValues, [B, A, K]),
  tf.tensor3d(deltaValues, [B, A, 4]),
];
const options = { alpha: 0.4, gamma: 1.5, beta: 0.2, boxWeight: 3, labelSmoothing: 0.05, positiveThreshold: 0.45 };
const given = { ...options, anchors: grid, groundTruth };

onEachBackend('values and gradients equal those on typed arrays', (t) => {
  const expected = base.retinanetLoss({ ...given, classLogits: logitValues, boxDeltas: deltaValues });
  t.true(expected.numPositives > 5);
  const tensorTruth = {
    boxes: tf.tensor2d(groundTruth.boxes, [5, 4]),
    labels: tf.tensor1d(groundTruth.labels, 'int32'),
    offsets: tf.tensor1d(groundTruth.offsets, 'int32'),
  };
  for (const truth of [groundTruth, tensorTruth]) {
    for (const anchors of [grid, tf.tensor2d(grid.boxes(), [A, 4])]) {
      const [classLogits, boxDeltas] = outputs();
      const loss = (c: tf.Tensor, d: tf.Tensor): ReturnType<typeof retinanetLoss> =>
        retinanetLoss({ ...options, anchors, groundTruth: truth, classLogits: c, boxDeltas: d });
      const plain = loss(classLogits, boxDeltas);
      equalArrays(t, plain.loss, [], Float32Array.of(expected.loss));
      equalArrays(t, plain.classLoss, [], Float32Array.of(expected.classLoss));
      equalArrays(t, plain.boxLoss, [], Float32Array.of(expected.boxLoss));
      t.is(plain.numPositives, expected.numPositives);
      const { value, grads } = tf.valueAndGrads((c, d) => loss(c, d).loss)([classLogits, boxDeltas]);
      equalArrays(t, value, [], Float32Array.of(expected.loss));
      equalArrays(t, grads[0] as tf.Tensor, [B, A, K], expected.classGrad);
      equalArrays(t, grads[1] as tf.Tensor, [B, A, 4], expected.boxGrad);
    }
  }
});

onEachBackend('a scalar tensor divides as a number does, and lossScale multiplies the gradients', (t) => {
  const arrays = { ...given, classLogits: logitValues, boxDeltas: deltaValues };
  for (const [tensor, number] of [
    [tf.scalar(12.5), 12.5],
    [tf.scalar(0.25), 0.25],
    [tf.scalar(0), 1],
  ] as const) {
    const expected = base.retinanetLoss({ ...arrays, normalizer: number, lossScale: 1024 });
    const { value, grads } = tf.valueAndGrads(
      (classLogits, boxDeltas) =>
        retinanetLoss({ ...given, classLogits, boxDeltas, normalizer: tensor, lossScale: 1024 }).loss,
    )(outputs());
    equalArrays(t, value, [], Float32Array.of(expected.loss));
    equalArrays(t, grads[0] as tf.Tensor, [B, A, K], expected.classGrad);
    equalArrays(t, grads[1] as tf.Tensor, [B, A, 4], expected.boxGrad);
  }
  const [classLogits, boxDeltas] = outputs();
  const call = (normalizer: unknown) => () =>
    retinanetLoss({ ...given, classLogits, boxDeltas, normalizer: normalizer as tf.Scalar });
  t.is(codeOf(call(tf.tensor1d([1, 2]))), 'ERR_DTYPE');
  t.is(codeOf(call(tf.scalar(3, 'int32'))), 'ERR_DTYPE');
  t.is(codeOf(call(tf.scalar(-1))), 'ERR_RANGE');
  t.is(codeOf(call(tf.scalar(NaN))), 'ERR_RANGE');
});

onEachBackend('every part is differentiable, alone and together', (t) => {
  const { classGrad, boxGrad } = base.retinanetLoss({ ...given, classLogits: logitValues, boxDeltas: deltaValues });
  const byClass = tf.tensor3d(classGrad, [B, A, K]);
  const byBox = tf.tensor3d(boxGrad, [B, A, 4]);
  const gradients = (pick: (l: ReturnType<typeof retinanetLoss>) => tf.Tensor): tf.Tensor[] =>
    tf.grads((classLogits, boxDeltas) => pick(retinanetLoss({ ...given, classLogits, boxDeltas })))(outputs());
  for (const [pick, forClass, forBox] of [
    [(l: ReturnType<typeof retinanetLoss>) => l.classLoss, 1, 0],
    [(l: ReturnType<typeof retinanetLoss>) => l.boxLoss, 0, 1],
    [(l: ReturnType<typeof retinanetLoss>) => tf.add(tf.mul(l.classLoss, 2), tf.mul(l.boxLoss, -5)), 2, -5],
    [(l: ReturnType<typeof retinanetLoss>) => tf.add(tf.mul(l.loss, 2), l.classLoss), 3, 2],
  ] as const) {
    const [c, d] = gradients(pick) as [tf.Tensor, tf.Tensor];
    close(t, c, tf.mul(byClass, forClass), 1e-6);
    close(t, d, tf.mul(byBox, forBox), 1e-6);
  }
});

onEachBackend('equals its parts called one by one', (t) => {
  const [classLogits, boxDeltas] = outputs();
  const { labels, positives, boxTargets, numPositives } = assignAnchorsBatch(grid, groundTruth);
  const separate = (c: tf.Tensor, d: tf.Tensor): tf.Tensor => {
    const chosen = tf.gather(tf.reshape(d, [B * A, 4]), positives);
    const box = smoothL1Loss(chosen, boxTargets, { beta: 1 / 9, normalizer: numPositives });
    return tf.add(sigmoidFocalLoss(c, labels, { normalizer: 'positives' }), box);
  };
  const expected = tf.valueAndGrad((c) => separate(c, boxDeltas))(classLogits);
  const together = (c: tf.Tensor): tf.Tensor =>
    retinanetLoss({ classLogits: c, boxDeltas, anchors: grid, groundTruth }).loss;
  const actual = tf.valueAndGrad(together)(classLogits);
  close(t, actual.value, expected.value, 1e-6);
  close(t, actual.grad, expected.grad, 1e-6);
});

onEachBackend('batches without images, images without objects', (t) => {
  const none = { boxes: [], labels: [], offsets: [0] };
  const empty = retinanetLoss({
    classLogits: tf.zeros([0, A, K]),
    boxDeltas: tf.zeros([0, A, 4]),
    anchors: grid,
    groundTruth: none,
  });
  equalArrays(t, empty.loss, [], [0]);
  const [classLogits, boxDeltas] = outputs();
  const grads = tf.grads(
    (c, d) =>
      retinanetLoss({ classLogits: c, boxDeltas: d, anchors: grid, groundTruth: { ...none, offsets: [0, 0, 0, 0] } })
        .loss,
  )([classLogits, boxDeltas]);
  t.true((tf.norm(grads[0] as tf.Tensor).dataSync<'float32'>()[0] as number) > 0);
  equalArrays(t, grads[1] as tf.Tensor, [B, A, 4], new Float32Array(B * A * 4));
});

onEachBackend('trains a small detector', (t) => {
  // Each anchor's features hold what the outputs must become, in a basis of its own.
  const { labels, boxTargets, positives } = assignAnchorsBatch(grid, groundTruth);
  const known = tf.add(tf.scatterND(tf.reshape(positives, [-1, 1]), boxTargets, [B * A, 4]), 0);
  const hot = tf.cast(tf.equal(tf.reshape(labels, [B * A, 1]), tf.tensor2d([[0, 1]], [1, 2], 'int32')), 'float32');
  const features = tf.matMul(tf.concat([known, hot], 1), tf.tensor2d(random(36, 4), [6, 6]));
  const weights = tf.variable(tf.zeros([6, K + 4]));
  const bias = tf.variable(tf.concat([tf.fill([K], priorBias()), tf.zeros([4])]));
  const loss = (): tf.Scalar => {
    const all = tf.reshape(tf.add(tf.matMul(features, weights as tf.Tensor2D), bias), [B, A, K + 4]);
    const [classLogits, boxDeltas] = tf.split(all, [K, 4], 2) as [tf.Tensor, tf.Tensor];
    return retinanetLoss({ classLogits, boxDeltas, anchors: grid, groundTruth }).loss;
  };
  const optimizer = tf.train.adam(0.1);
  const first = loss().dataSync()[0] as number;
  for (let step = 0; step < 60; step++) optimizer.minimize(loss);
  const last = loss().dataSync()[0] as number;
  t.true(last < 0.3 * first, `${String(first)} -> ${String(last)}`);
  optimizer.dispose();
  weights.dispose();
  bias.dispose();
});

onEachBackend(
  'what has no gradient says so',
  (t) => {
    const [classLogits, boxDeltas] = outputs();
    const anchors = tf.tensor2d(grid.boxes(), [A, 4]);
    t.is(
      codeOf(() => tf.grad((a) => retinanetLoss({ ...given, anchors: a, classLogits, boxDeltas }).loss)(anchors)),
      'ERR_GRADIENT',
    );
    const first = tf.grad((c) => retinanetLoss({ ...given, classLogits: c, boxDeltas }).loss);
    t.is(
      codeOf(() => tf.grad((c) => tf.sum(first(c)))(classLogits)),
      'ERR_GRADIENT',
    );
  },
  { failingGradients: true },
);
