// Types and shapes of tensors on a device.
import type { Check } from '../arguments/check.js';

/** What an element of a device tensor is. */
export type DType = 'float32' | 'float16' | 'bfloat16' | 'int32' | 'float64';
export const DTYPES: readonly DType[] = ['float32', 'float16', 'bfloat16', 'int32', 'float64'];
export const BYTES: Record<DType, number> = { float32: 4, float16: 2, bfloat16: 2, int32: 4, float64: 8 };

/** What a tensor's elements are on the host; float16 and bfloat16 come and go as float32. */
export type TensorData = Float32Array | Int32Array | Float64Array;
export const KINDS = {
  float32: 'Float32Array',
  float16: 'Float32Array',
  bfloat16: 'Float32Array',
  int32: 'Int32Array',
  float64: 'Float64Array',
} as const;

/** How many elements a shape has. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A shape as a list of its own; [] is that of a single number. */
export function readShape(check: Check, name: string, shape: unknown): number[] {
  if (Array.isArray(shape) && shape.length === 0) return [];
  const sizes = check.numbers(name, shape, { min: 0, integer: true }, 16);
  if (!(elements(sizes) < 2 ** 53)) {
    check.fail('ERR_SHAPE', name, 'a shape of fewer than 2^53 elements', `[${sizes.join(', ')}]`);
  }
  return sizes;
}
