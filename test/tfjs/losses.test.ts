// Values and gradients of the two element-wise losses on tensors.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import { sigmoidFocalLoss, smoothL1Loss } from 'retinanet-ops/tfjs';
import * as ops from 'retinanet-ops/tfjs';
import { close, codeOf, equalArrays, onEachBackend, random, randomLabels } from './support.js';

const [B, A, K] = [2, 50, 3];
const logitValues = random(B * A * K, 1, -6, 6);
const labelValues = randomLabels(B * A, 2, K);
const denseValues = random(B * A * K, 3, 0, 1);
const weightValues = random(B * A, 4, 0, 2).map((w) => (w < 0.4 ? 0 : w));
const alphaValues = Float32Array.of(0.2, 0.5, 0.9);
const gammaValues = Float32Array.of(0, 1.5, 2);
const reductions = ['sum', 'mean', 'none'] as const;

const logits = (): tf.Tensor3D => tf.tensor3d(logitValues, [B, A, K]);
const labels = (): tf.Tensor2D => tf.tensor2d(labelValues, [B, A], 'int32');
const dense = (): tf.Tensor3D => tf.tensor3d(denseValues, [B, A, K]);
const weights = (): tf.Tensor2D => tf.tensor2d(weightValues, [B, A]);

/** The focal loss of dense targets from stock operations, as torchvision writes it. */
function stockFocalLoss(x: tf.Tensor, targets: tf.Tensor, alpha = 0.25, gamma = 2): tf.Tensor {
  const p = tf.sigmoid(x);
  const q = tf.sub(1, p);
  const pt = tf.add(tf.mul(p, targets), tf.mul(q, tf.sub(1, targets)));
  const ce = tf.sub(tf.softplus(x), tf.mul(x, targets));
  const at = tf.add(tf.mul(alpha, targets), tf.mul(1 - alpha, tf.sub(1, targets)));
  return tf.mul(tf.mul(at, ce), tf.pow(tf.sub(1, pt), gamma));
}

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

onEachBackend('upstream gradients: scalars, tensors, and Backward with the same', (t) => {
  const upstream = tf.tensor3d(random(B * A * K, 7, -2, 2), [B, A, K]);
  const x = logits();
  const none = { reduction: 'none' } as const;
  const byTape = tf.grad((l) => sigmoidFocalLoss(l, labels(), none))(x, upstream);
  close(t, byTape, ops.sigmoidFocalLossBackward(x, labels(), { ...none, gradOutput: upstream }), 1e-6);
  const scaled = tf.grad((l) => tf.mul(sigmoidFocalLoss(l, labels()), -3))(x);
  close(t, scaled, ops.sigmoidFocalLossBackward(x, labels(), { gradOutput: -3 }), 1e-6);
  close(t, scaled, ops.sigmoidFocalLossBackward(x, labels(), { gradOutput: tf.scalar(-3) }), 1e-6);
  const ones = tf.grad((l) => sigmoidFocalLoss(l, labels(), none))(x);
  close(t, ones, ops.sigmoidFocalLossBackward(x, labels()), 0);
  t.is(
    codeOf(() => ops.sigmoidFocalLossBackward(x, labels(), { gradOutput: upstream })),
    'ERR_DTYPE',
  );
});

onEachBackend('chained with stock operations, gradients equal those of stock operations alone', (t) => {
  const features = tf.tensor2d(random(A * 5, 8), [A, 5]);
  const kernel = tf.tensor2d(random(5 * K, 9, -2, 2), [5, K]);
  const bias = tf.tensor1d(random(K, 10));
  const targets = tf.tensor2d(denseValues.slice(0, A * K), [A, K]);
  const objective =
    (focal: (x: tf.Tensor) => tf.Tensor, huber: (x: tf.Tensor) => tf.Tensor) =>
    (w: tf.Tensor, b: tf.Tensor): tf.Tensor => {
      const x = tf.add(tf.matMul(features, w as tf.Tensor2D), b);
      // x has two ways to the loss, and the focal loss stands on both sides of a product.
      return tf.add(tf.add(tf.mul(focal(x), 3), tf.mul(huber(tf.tanh(x)), focal(tf.neg(x)))), tf.sum(tf.square(w)));
    };
  const ours = objective(
    (x) => sigmoidFocalLoss(x, targets, { reduction: 'mean' }),
    (x) => smoothL1Loss(x, targets, { reduction: 'mean', beta: 0.5 }),
  );
  const stock = objective(
    (x) => tf.mean(stockFocalLoss(x, targets)),
    (x) => {
      const d = tf.abs(tf.sub(x, targets));
      const q = tf.minimum(d, 0.5);
      return tf.mean(tf.mul(q, tf.sub(tf.mul(d, 2), q)));
    },
  );
  const actual = tf.valueAndGrads(ours)([kernel, bias]);
  const expected = tf.valueAndGrads(stock)([kernel, bias]);
  close(t, actual.value, expected.value, 1e-5);
  for (const i of [0, 1]) close(t, actual.grads[i] as tf.Tensor, expected.grads[i] as tf.Tensor, 1e-5);
});

onEachBackend('variableGrads and optimizers', (t) => {
  const features = tf.tensor2d(random(A * 5, 11), [A, 5]);
  const targets = tf.tensor1d(randomLabels(A, 12, K), 'int32');
  const w = tf.variable(tf.zeros([5, K]));
  const b = tf.variable(tf.fill([K], ops.priorBias()));
  const loss = (): tf.Scalar =>
    sigmoidFocalLoss(tf.add(tf.matMul(features, w as tf.Tensor2D), b), targets, { normalizer: 'positives' });
  const { grads } = tf.variableGrads(loss);
  t.deepEqual(Object.keys(grads).sort(), [w.name, b.name].sort());
  const first = loss().dataSync()[0] as number;
  const optimizer = tf.train.adam(0.05);
  for (let step = 0; step < 40; step++) optimizer.minimize(loss);
  const last = loss().dataSync()[0] as number;
  t.true(last < 0.7 * first, `${String(first)} -> ${String(last)}`);
  optimizer.dispose();
  w.dispose();
  b.dispose();
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

onEachBackend(
  'what has no gradient says so',
  (t) => {
    const x = logits();
    const y = dense();
    const w = weights();
    t.is(
      codeOf(() => tf.grad((targets) => sigmoidFocalLoss(x, targets))(y)),
      'ERR_GRADIENT',
    );
    t.is(
      codeOf(() => tf.grad((anchorWeights) => sigmoidFocalLoss(x, y, { anchorWeights }))(w)),
      'ERR_GRADIENT',
    );
    t.is(
      codeOf(() => tf.grad((l) => ops.sigmoidFocalLossValueAndGrad(l, y).loss)(x)),
      'ERR_GRADIENT',
    );
    t.is(
      codeOf(() => tf.grad((l) => ops.sigmoidFocalLossBackward(l, y))(x)),
      'ERR_GRADIENT',
    );
    const first = tf.grad((l) => sigmoidFocalLoss(l, y));
    t.is(
      codeOf(() => tf.grad((l) => tf.sum(first(l)))(x)),
      'ERR_GRADIENT',
    );
    t.is(
      codeOf(() => tf.grad((l) => tf.sum(tf.grad((k) => tf.square(sigmoidFocalLoss(k, y)))(l)))(x)),
      'ERR_GRADIENT',
    );
    // Targets of a loss may depend on variables that are not differentiated by.
    t.notThrows(() => tf.grad((l) => sigmoidFocalLoss(l, tf.sigmoid(y)))(x));
  },
  { failingGradients: true },
);

test.serial('after a failed gradient the engine works on', async (t) => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const [x, y] = [logits(), dense()];
    t.throws(() => tf.grad((targets) => sigmoidFocalLoss(x, targets))(y));
    t.throws(() => tf.grad((l) => sigmoidFocalLoss(l, y, { gamma: -1 }))(x));
    const { grad } = base.sigmoidFocalLossValueAndGrad(logitValues, denseValues, { numClasses: K });
    equalArrays(t, tf.grad((l) => sigmoidFocalLoss(l, y))(x), [B, A, K], grad);
  });
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
