// Inputs of the element-wise losses on tensors: B images of A anchors with K classes.
import * as tf from '@tensorflow/tfjs-core';
import { random, randomLabels } from './support.js';

export const [B, A, K] = [2, 50, 3];
export const logitValues = random(B * A * K, 1, -6, 6);
export const labelValues = randomLabels(B * A, 2, K);
export const denseValues = random(B * A * K, 3, 0, 1);
export const weightValues = random(B * A, 4, 0, 2).map((w) => (w < 0.4 ? 0 : w));

export const logits = (): tf.Tensor3D => tf.tensor3d(logitValues, [B, A, K]);
export const labels = (): tf.Tensor2D => tf.tensor2d(labelValues, [B, A], 'int32');
export const dense = (): tf.Tensor3D => tf.tensor3d(denseValues, [B, A, K]);
export const weights = (): tf.Tensor2D => tf.tensor2d(weightValues, [B, A]);
