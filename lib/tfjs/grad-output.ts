// The upstream gradient that the Backward operations take.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Check } from '../arguments/validate.js';
import { expectShape, floats } from './tensors.js';

/** A number becomes an attribute, a tensor an input. */
export function gradOutputInput(
  check: Check,
  value: unknown,
  predictions: Tensor,
  name: string,
): { inputs: Record<string, Tensor>; number?: number } {
  if (value === undefined) return { inputs: {} };
  const gradOutput = floats(check, 'gradOutput', value);
  if (gradOutput.rank === 0) return { inputs: {}, number: gradOutput.dataSync()[0] };
  expectShape(check, 'gradOutput', gradOutput, predictions.shape, `like the ${name}, or a scalar`);
  return { inputs: { gradOutput } };
}
