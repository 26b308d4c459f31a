// What tests of the native tfjs backend share.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';
import { useNativeBackend } from 'retinanet-ops/tfjs';
import { random, uniform } from '../support/random.js';

/** Around the lanes of every instruction set, and around where work is cut for threads. */
export const LENGTHS = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 16384, 16385, 40000];

/** What arithmetic has rules of its own for. */
export const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, 1e-42, -1e-42, 1.17549435e-38, 3.4e38, -3.4e38, 1, -1];

/** Random numbers, with special ones among them where there is room. */
export function numbers(seed: number, length: number, low = -4, high = 4, special = SPECIAL): Float32Array {
  const next = random(seed);
  const values = uniform(next, length, low, high);
  for (const value of special) {
    if (length > special.length) values[Math.floor(next() * length)] = value;
  }
  return values;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export const tensor = (values: Float32Array, shape: number[]): tf.Tensor => tf.tensor(values, shape, 'float32');

/** The values of what `body` makes on a backend. */
export async function on(backend: 'native' | 'cpu', body: () => tf.Tensor | tf.Tensor[]): Promise<Float32Array[]> {
  if (backend === 'native') await useNativeBackend();
  else await tf.setBackend('cpu');
  const results = [tf.tidy(body)].flat();
  const values = results.map((result) => Float32Array.from(result.dataSync<'float32'>()));
  tf.dispose(results);
  return values;
}

export function runKernel(name: string, inputs: Record<string, tf.Tensor>, attrs: object = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
}
