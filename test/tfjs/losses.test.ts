// Values and gradients of the two element-wise losses on tensors.
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import { sigmoidFocalLoss, smoothL1Loss } from 'retinanet-ops/tfjs';
import * as ops from 'retinanet-ops/tfjs';
import {
  A,
  B,
  dense,
  denseValues,
  K,
  labels,
  labelValues,
  logits,
  logitValues,
  weights,
  weightValues,
} from './loss-inputs.js';
import { close, equalArrays, onEachBackend, random } from './support.js';

const alphaValues = Float32Array.of(0.2, 0.5, 0.9);
const gammaValues = Float32Array.of(0, 1.5, 2);
const reductions = ['sum', 'mean', 'none'] as const;

onEachBackend('focal loss: a power that underflows has the right gradient', (t) => {
  const x = tf.tensor2d([-0.5, -1.92], [2, 1]);
  for (const [gamma, target, row, want] of [
    [100, 0.1, 0, 4.628149103405853e-39],
    [43, 1e-6, 1, 1.534076646557933e-38],
  ] as const) {
    const loss = (v: tf.Tensor): tf.Scalar => sigmoidFocalLoss(v, tf.fill([2, 1], target), { gamma });
    const grad = tf.grad(loss)(x).dataSync()[row] as number;
    t.true(Math.abs(grad - want) <= 2 ** -149, `gamma ${String(gamma)}: ${String(grad)}`);
  }
});

onEachBackend('focal loss: values and gradients equal those on typed arrays', (t) => {
  const common = { alpha: alphaValues, gamma: gammaValues, labelSmoothing: 0.1, anchorWeights: weightValues };
  const onTensors = { ...common, alpha: tf.tensor1d(alphaValues), anchorWeights: weights() };
  for (const [targets, values] of [
    [labels(), labelValues],
    [dense(), denseValues],
  ] as const) {
    for (const reduction of reductions) {
      const expected = base.sigmoidFocalLossValueAndGrad(logitValues, values, {
        ...common,
        reduction,
        normalizer: 'positives',
        numClasses: K,
      });
      const given = { ...onTensors, reduction, normalizer: 'positives' as const };
      const shape = reduction === 'none' ? [B, A, K] : [];
      const loss = Float32Array.of(...[expected.loss as number]);
      const losses = reduction === 'none' ? (expected.loss as Float32Array) : loss;
      equalArrays(t, ops.sigmoidFocalLoss(logits(), targets, given), shape, losses);
      equalArrays(t, ops.sigmoidFocalLossBackward(logits(), targets, given), [B, A, K], expected.grad);
      const both = ops.sigmoidFocalLossValueAndGrad(logits(), targets, given);
      equalArrays(t, both.loss, shape, losses);
      equalArrays(t, both.grad, [B, A, K], expected.grad);
      t.is(both.numPositives, expected.numPositives);
      const scalar = (x: tf.Tensor): tf.Tensor => tf.sum(sigmoidFocalLoss(x, targets, given));
      equalArrays(t, tf.grad(scalar)(logits()), [B, A, K], expected.grad);
    }
  }
});

onEachBackend('smooth L1: values and gradients equal those on typed arrays', (t) => {
  const [predictionValues, targetValues] = [random(B * A * 4, 5, -2, 2), random(B * A * 4, 6, -2, 2)];
  const predictions = tf.tensor3d(predictionValues, [B, A, 4]);
  const targets = tf.tensor3d(targetValues, [B, A, 4]);
  for (const reduction of reductions) {
    const plain = { beta: 0.3, reduction, normalizer: 7 };
    const expected = base.smoothL1LossValueAndGrad(predictionValues, targetValues, { ...plain, weights: weightValues });
    const losses = reduction === 'none' ? (expected.loss as Float32Array) : Float32Array.of(expected.loss as number);
    const shape = reduction === 'none' ? [B, A, 4] : [];
    const given = { ...plain, weights: weights() };
    equalArrays(t, ops.smoothL1Loss(predictions, targets, given), shape, losses);
    equalArrays(t, ops.smoothL1LossBackward(predictions, targets, given), [B, A, 4], expected.grad);
    const both = ops.smoothL1LossValueAndGrad(predictions, targets, given);
    equalArrays(t, both.loss, shape, losses);
    equalArrays(t, both.grad, [B, A, 4], expected.grad);
    const [byPredictions, byTargets] = tf.grads((x, y) => tf.sum(smoothL1Loss(x, y, given)))([predictions, targets]);
    equalArrays(t, byPredictions as tf.Tensor, [B, A, 4], expected.grad);
    equalArrays(t, tf.neg(byTargets as tf.Tensor), [B, A, 4], expected.grad);
  }
});

onEachBackend('tensor-likes', (t) => {
  const expected = base.sigmoidFocalLoss(Float32Array.of(1, -1, 2, 0), Int32Array.of(1, -1));
  const nested = [
    [1, -1],
    [2, 0],
  ];
  equalArrays(t, sigmoidFocalLoss(nested, [1, -1]), [], [Math.fround(expected)]);
  equalArrays(t, sigmoidFocalLoss(tf.tensor2d(nested), Int32Array.of(1, -1)), [], [Math.fround(expected)]);
  const dense = [
    [0, 1],
    [0, 0],
  ];
  equalArrays(t, sigmoidFocalLoss(nested, dense), [], [Math.fround(expected)]);
  equalArrays(t, sigmoidFocalLoss([3, -2], 1), [], [Math.fround(base.sigmoidFocalLoss(Float32Array.of(3, -2), Int32Array.of(1)))]); // prettier-ignore
  equalArrays(t, smoothL1Loss([3, 0], [1, 0.5]), [], [1.625]);
});

onEachBackend('zero-length tensors', (t) => {
  for (const shape of [
    [0, 3],
    [2, 0, 3],
  ]) {
    const x = tf.zeros(shape);
    const none = tf.zeros(shape.slice(0, -1), 'int32');
    for (const reduction of ['sum', 'mean'] as const) {
      const { value, grad } = tf.valueAndGrad((l) => sigmoidFocalLoss(l, none, { reduction }))(x);
      equalArrays(t, value, [], [0]);
      equalArrays(t, grad, shape, []);
    }
    equalArrays(t, sigmoidFocalLoss(x, none, { reduction: 'none' }), shape, []);
    equalArrays(t, tf.grad((p) => smoothL1Loss(p, x))(x), shape, []);
  }
});

onEachBackend('dense targets along a single axis do not tell anchors from classes', (t) => {
  const x = tf.zeros([6]);
  const y = tf.tensor1d([0, 0, 0, 1, 1, 0]);
  const normalizer = 'positives';
  for (const call of [
    () => sigmoidFocalLoss(x, y, { normalizer }),
    () => ops.sigmoidFocalLossBackward(x, y, { normalizer }),
    () => ops.sigmoidFocalLossValueAndGrad(x, y),
    () => ops.sigmoidFocalLossValueAndGrad(new Float32Array(6), Float32Array.of(0, 0, 0, 1, 1, 0)),
  ]) {
    t.throws(call, { code: 'ERR_SHAPE', message: /expected shape \[N, K\] .* for logits, received shape \[6\]/ });
  }
  // alpha (1 - p)^2 log 2 of a positive, (1 - alpha) p^2 log 2 of a negative
  const sum = (2 * 0.25 + 4 * 0.75) * 0.25 * Math.LN2;
  const rows = (shape: number[]) => [tf.reshape(x, shape), tf.reshape(y, shape)] as const;
  for (const [shape, positives] of [
    [[6, 1], 2],
    [[2, 3], 1],
    [[1, 6], 1],
  ] as const) {
    const [a, b] = rows([...shape]);
    const { loss, numPositives } = ops.sigmoidFocalLossValueAndGrad(a, b, { normalizer });
    t.is(numPositives, positives);
    close(t, loss, tf.scalar(sum / positives), 1e-6);
  }
  close(t, sigmoidFocalLoss(x, y), tf.scalar(sum), 1e-6);
  t.is(ops.sigmoidFocalLossValueAndGrad(x, y, { alpha: [0.25, 0.25, 0.25, 0.25, 0.25, 0.25] }).numPositives, 1);
});
