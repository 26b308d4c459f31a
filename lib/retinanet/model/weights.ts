import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

type LayerVariables = LayersModel['weights'];

/** Copies the values of variables. */
export function readWeights(variables: LayerVariables): Float32Array[] {
  return variables.map((variable) => Float32Array.from(variable.read().dataSync()));
}

/**
 * Gives variables new values, in arrays that the backend may keep. Each gets a new tensor: the WebAssembly backend packs a
 * convolution's filter when it first sees it and would not notice new values in the same memory.
 */
export function writeWeights(variables: LayerVariables, values: readonly Float32Array[]): void {
  for (const [i, variable] of variables.entries()) {
    const tensor = tf.tensor(values[i]!, variable.shape as number[]);
    variable.write(tensor);
    tensor.dispose();
  }
}

/** Values of all variables one after the other. */
export function flatten(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Views on the values of each variable. */
export function unflatten(variables: LayerVariables, flat: Float32Array): Float32Array[] {
  let offset = 0;
  return variables.map(({ shape }) => {
    const size = tf.util.sizeFromShape(shape as number[]);
    offset += size;
    return flat.subarray(offset - size, offset);
  });
}

/** Values of all variables together. */
export function sizeOf(variables: LayerVariables): number {
  return variables.reduce((size, { shape }) => size + tf.util.sizeFromShape(shape as number[]), 0);
}
