import * as tf from '@tensorflow/tfjs-core';
import { focalLossReference } from '../../test/reference/focal-loss.js';
import { mismatch } from '../../test/support/compare.js';
import { oneHot, type FocalInputs } from '../../test/operations/inputs/focal-loss.js';
import { fail, type Peer, type Settings } from '../case.js';
import { tfjsBackends, tfjsPeer } from './tfjs.js';
import type { Torchvision } from './torchvision.js';

/** What a user writes with the operations at hand. */
function composedFocalLoss(x: tf.Tensor2D, t: tf.Tensor2D, alpha: tf.Tensor1D | number, gamma: number): tf.Scalar {
  const p = tf.sigmoid(x);
  const no = tf.sub(1, t);
  const crossEntropy = tf.add(tf.sub(tf.relu(x), tf.mul(x, t)), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
  const q = tf.add(tf.mul(p, no), tf.mul(tf.sub(1, p), t));
  const weight = tf.add(tf.mul(t, alpha), tf.mul(no, tf.sub(1, alpha)));
  const modulation = gamma === 2 ? tf.square(q) : tf.pow(q, gamma);
  return tf.sum(tf.mul(tf.mul(weight, modulation), crossEntropy));
}

/** The targets of torchvision and of the composed loss: dense, smoothed by hand; ignored rows count as background. */
function denseTargets({ logits, targets, options }: FocalInputs, rows: number): Float32Array {
  const { numClasses, labelSmoothing: s } = options;
  const count = (logits.length / numClasses) * (targets instanceof Int32Array ? 1 : numClasses);
  const some = targets.subarray(0, (rows * count) / (logits.length / numClasses));
  const dense = some instanceof Int32Array ? oneHot(some, numClasses) : some;
  return s === 0 ? dense : dense.map((t) => t * (1 - s) + s / 2);
}

export function focalPeers(
  inputs: FocalInputs,
  withGrad: boolean,
  settings: Settings,
  torchvision: Torchvision,
): Peer[] {
  const { logits, options } = inputs;
  const { numClasses, alpha, gamma } = options;
  // None of them has a gamma for each class, or switches alpha off by itself.
  if (typeof gamma !== 'number' || alpha === null) return [];
  const rows = logits.length / numClasses;
  const reference = (count: number) => {
    const some = { logits: logits.subarray(0, count * numClasses), targets: denseTargets(inputs, count) };
    return { ...some, want: focalLossReference(some.logits, some.targets, { numClasses, alpha, gamma }) };
  };
  const composed = tfjsBackends.map((backend) => {
    // The plain cpu backend takes a microsecond a logit.
    const count = Math.min(rows, (backend === 'cpu' ? 500 : 5000) * (settings.quick ? 1 : 10));
    return tfjsPeer(backend, settings.budget / 2, () => {
      const tensors = (n: number) => [
        tf.tensor2d(logits.slice(0, n * numClasses), [n, numClasses]),
        tf.tensor2d(denseTargets(inputs, n), [n, numClasses]),
      ];
      const weights = typeof alpha === 'number' ? alpha : tf.tensor1d(Float32Array.from(alpha));
      const [x, t, fewX, fewT] = [...tensors(count), ...tensors(50)] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]; // prettier-ignore
      const loss = (ofX: tf.Tensor2D, ofT: tf.Tensor2D) => composedFocalLoss(ofX, ofT, weights, gamma);
      const both = (ofX: tf.Tensor2D, ofT: tf.Tensor2D) => tf.valueAndGrad((v) => loss(v as tf.Tensor2D, ofT))(ofX);
      const { want } = reference(50);
      const got = both(fewX, fewT);
      const wrong =
        mismatch(got.value.dataSync(), [want.sum], { relative: 1e-4 }) ??
        mismatch(got.grad.dataSync(), want.grad, { relative: 1e-3, absolute: 1e-6 });
      if (wrong) fail(`the focal loss composed on tfjs ${backend} is another function: ${wrong}`);
      return {
        count: count * numClasses,
        run: () => {
          if (withGrad) both(x, t).grad.dataSync();
          else loss(x, t).dataSync();
        },
      };
    });
  });
  if (typeof alpha !== 'number') return composed; // torchvision has one alpha
  const peer = torchvision.peer(
    'focal_loss',
    () => ({ logits, targets: denseTargets(inputs, rows) }),
    { numClasses, alpha, gamma, withGrad },
    logits.length,
    ({ sum, grad }) => {
      const { want } = reference(50);
      const wrong =
        mismatch([sum as number], [want.sum], { relative: 1e-4 }) ??
        (withGrad && mismatch(grad as number[], want.grad, { relative: 1e-3, absolute: 1e-6 }));
      if (wrong) fail(`torchvision's focal loss is another function: ${wrong}`);
    },
  );
  return [...peer, ...composed];
}
