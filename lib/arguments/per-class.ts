// The parameters of the focal loss, which may differ from class to class.
import { describe } from './describe.js';
import { kindOf } from './typed-arrays.js';
import { FLOAT32_MAX, type Check } from './validate.js';

/** One number for all classes, or [K] of them in an array of any kind, typed or not; on the host whatever else lies on a device. */
export type PerClass = number | ArrayLike<number>;

export interface FocalLossParameterOptions {
  /** Weight of the positive class in [0, 1]; negatives weigh 1 - alpha; null = no weights. Default 0.25. */
  alpha?: PerClass | null;
  /** Focusing parameter >= 0. Default 2; above 5 in float64, some 50 ns a logit. */
  gamma?: PerClass;
  /** s in [0, 1]: a target t becomes t (1 - s) + s / 2 (as in Keras' binary losses). Default 0. */
  labelSmoothing?: number;
}

export interface FocalLossParameters {
  alpha: number | Float64Array | null;
  gamma: number | Float64Array;
  labelSmoothing: number;
}

/** With their defaults; by class as float64, which native code computes in. */
export function readFocalLossParameters(
  check: Check,
  given: FocalLossParameterOptions,
  numClasses: number,
): FocalLossParameters {
  const { alpha = 0.25, gamma = 2, labelSmoothing = 0 } = given;
  return {
    alpha: alpha === null ? null : perClass(check, 'alpha', alpha, numClasses, 1),
    gamma: perClass(check, 'gamma', gamma, numClasses, FLOAT32_MAX),
    labelSmoothing: check.number('labelSmoothing', labelSmoothing, { min: 0, max: 1 }),
  };
}

/** An array that may hold numbers: plain or typed, of any realm. */
export function isArray(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || kindOf(value) !== undefined;
}

function perClass(check: Check, name: string, value: unknown, numClasses: number, max: number): number | Float64Array {
  const range = { min: 0, max };
  if (typeof value === 'number') return check.number(name, value, range);
  if (!isArray(value)) check.fail('ERR_DTYPE', name, 'a number or an array of numbers [K]', describe(value));
  check.length(name, value, numClasses, 'one a class');
  return Float64Array.from(check.numbers(name, value, range, numClasses));
}
