// Runs the same tfjs computation on the cpu and wasm backends and compares.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';

export interface Values {
  shape: number[];
  data: Float32Array;
}

/** Uniform in [-1, 1), from a small generator (mulberry32), so that every run sees the same numbers. */
export function randomValues(shape: number[], seed: number): Values {
  let state = seed >>> 0;
  const data = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
  return { shape, data };
}

export const tensor = ({ shape, data }: Values): tf.Tensor => tf.tensor(data, shape, 'float32');

/** The results of `body` on one backend; every tensor made on the way is disposed. */
export async function runOn(backend: 'cpu' | 'wasm', body: () => tf.Tensor[]): Promise<Values[]> {
  await tf.setBackend(backend);
  const results = tf.tidy(body);
  const values = results.map((t) => ({ shape: t.shape, data: new Float32Array(t.dataSync()) }));
  tf.dispose(results);
  return values;
}

/** Largest difference relative to the largest expected magnitude; Infinity for different shapes or NaN. */
export function relativeError(actual: Values, expected: Values): number {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  let difference = 0;
  let magnitude = 1e-30;
  expected.data.forEach((value, i) => {
    const d = Math.abs((actual.data[i] ?? NaN) - value);
    difference = d <= difference ? difference : Number.isNaN(d) ? Infinity : d;
    magnitude = Math.max(magnitude, Math.abs(value));
  });
  return difference / magnitude;
}

/** The largest error over all results of `body`, wasm against cpu. */
export async function worstError(body: () => tf.Tensor[]): Promise<number> {
  const expected = await runOn('cpu', body);
  const actual = await runOn('wasm', body);
  return Math.max(...expected.map((e, i) => relativeError(actual[i] as Values, e)));
}

export const runKernel = (name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);

/** A scalar whose gradient depends on the result itself. */
export const energy = (y: tf.Tensor): tf.Scalar => tf.sum(tf.square(y));

/** Of the largest magnitude of each result. */
export const tolerance = 1e-5;
