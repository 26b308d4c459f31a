// Batch normalization and its gradients, against float64.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import { mismatch } from '../support/compare.js';
import { numbers, on, tensor } from './support.js';

test.serial('batch normalization and all its gradients', async (t) => {
  for (const channels of [1, 3, 4, 17, 63, 64, 100]) {
    for (const pixels of [1, 5, 64, 700]) {
      const x = numbers(pixels, pixels * channels, 95, 105, []);
      const dy = numbers(pixels + 1, pixels * channels, -1, 1, []);
      const [mean, variance, scale, offset] = [99, 0.1, -1, -3].map((low, i) =>
        numbers(i, channels, low, low + 2, []),
      ) as [Float32Array, Float32Array, Float32Array, Float32Array];
      const epsilon = 1e-3;
      const c = (i: number): number => i % channels;
      const inverse = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + epsilon));
      const y = Float64Array.from(x, (v, i) => (v - mean[c(i)]!) * inverse[c(i)]! * scale[c(i)]! + offset[c(i)]!);
      const sums = [0, 1].map(() => new Float64Array(channels));
      const magnitudes = [0, 1].map(() => new Float64Array(channels));
      dy.forEach((g, i) => {
        const terms = [g, g * (x[i]! - mean[c(i)]!)];
        terms.forEach((term, k) => {
          sums[k]![c(i)]! += term;
          magnitudes[k]![c(i)]! += Math.abs(term);
        });
      });
      const factor = inverse.map((r, i) => r * scale[i]!);
      const want: [Float64Array, Float64Array][] = [
        [Float64Array.from(dy, (g, i) => g * factor[c(i)]!), new Float64Array(dy.length)],
        [factor.map((f, i) => -f * sums[0]![i]!), factor.map((f, i) => Math.abs(f) * magnitudes[0]![i]!)],
        [factor.map((f, i) => -0.5 * f * inverse[i]! ** 2 * sums[1]![i]!), factor.map((f, i) => Math.abs(f) * inverse[i]! ** 2 * magnitudes[1]![i]!)],
        [inverse.map((r, i) => r * sums[1]![i]!), inverse.map((r, i) => r * magnitudes[1]![i]!)],
        [sums[0]!, magnitudes[0]!],
      ]; // prettier-ignore
      const inputs = () => [
        tensor(x, [1, 1, pixels, channels]),
        ...[mean, variance, scale, offset].map((of) => tensor(of, [channels])),
      ];
      const normalize = (...[v, m, s2, s, o]: tf.Tensor[]): tf.Tensor =>
        tf.batchNorm(
          v as tf.Tensor4D,
          m as tf.Tensor1D,
          s2 as tf.Tensor1D,
          o as tf.Tensor1D,
          s as tf.Tensor1D,
          epsilon,
        );
      const [got, ...gradients] = await on('native', () => [
        normalize(...inputs()),
        ...tf.grads(normalize)(inputs(), tensor(dy, [1, 1, pixels, channels])),
      ]);
      const what = `${String(pixels)} pixels of ${String(channels)} channels`;
      t.is(mismatch(got!, y, { relative: 2e-6, absolute: 2e-6 }), null, what);
      gradients.forEach((gradient, k) => {
        const [values, scale] = want[k]!;
        t.is(mismatch(gradient, values, { relative: 1e-6, scale }), null, `${what}: gradient ${String(k)}`);
      });
    }
  }
});

test.serial('statistics of other shapes, and none at all, are the cpu backend’s', async (t) => {
  const x = numbers(1, 60, -2, 2, []);
  const stats = numbers(2, 60, 1, 2, []);
  const body = () => [
    tf.batchNorm(
      tensor(x, [1, 3, 4, 5]) as tf.Tensor4D,
      tensor(stats, [1, 3, 4, 5]) as tf.Tensor4D,
      tensor(stats, [1, 3, 4, 5]) as tf.Tensor4D,
    ),
    tf.batchNorm(tf.zeros([2, 0, 3, 5]), tf.ones([5]), tf.ones([5])),
  ];
  const [got, want] = [await on('native', body), await on('cpu', body)];
  t.is(mismatch(got[0]!, want[0]!, { relative: 1e-6, absolute: 1e-6 }), null);
  t.is(got[1]!.length, 0);
});
