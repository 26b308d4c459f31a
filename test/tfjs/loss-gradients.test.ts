// The two element-wise losses among other operations: chains, optimizers, and what has no gradient.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import { sigmoidFocalLoss, smoothL1Loss } from 'retinanet-ops/tfjs';
import * as ops from 'retinanet-ops/tfjs';
import { A, B, dense, denseValues, K, labels, logits, logitValues, weights } from './loss-inputs.js';
import { close, codeOf, equalArrays, onEachBackend, random, randomLabels } from './support.js';

/** The focal loss of dense targets from stock operations, as torchvision writes it. */
function stockFocalLoss(x: tf.Tensor, targets: tf.Tensor, alpha = 0.25, gamma = 2): tf.Tensor {
  const p = tf.sigmoid(x);
  const q = tf.sub(1, p);
  const pt = tf.add(tf.mul(p, targets), tf.mul(q, tf.sub(1, targets)));
  const ce = tf.sub(tf.softplus(x), tf.mul(x, targets));
  const at = tf.add(tf.mul(alpha, targets), tf.mul(1 - alpha, tf.sub(1, targets)));
  return tf.mul(tf.mul(at, ce), tf.pow(tf.sub(1, pt), gamma));
}

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
