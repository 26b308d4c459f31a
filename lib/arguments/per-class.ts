// The parameters of the focal loss, which may differ from class to class.
import { describe } from './describe.js';
import { byClass, number, type Checked, type NumberList, type OptionsOf } from './options.js';
import { FLOAT32_MAX, type ScalarCheck } from './scalar-check.js';
import { kindOf } from './typed-arrays.js';

/** One number for all classes, or [K] of them in an array of any kind, typed or not; on the host whatever else lies on a device. */
export type PerClass = number | ArrayLike<number>;

export const FOCAL_LOSS_PARAMETERS = {
  /** Weight of the positive class in [0, 1]; negatives weigh 1 - alpha; null = no weights. Default 0.25. */
  alpha: byClass<number | NumberList | null>(),
  /** Focusing parameter >= 0. Default 2; above 5 it is computed in float64, some 50 ns per logit. */
  gamma: byClass<number | NumberList>(),
  /** s in [0, 1]: a target t becomes t (1 - s) + s / 2 (as in Keras' binary losses). Default 0. */
  labelSmoothing: number({ min: 0, max: 1, default: 0 }),
};

/** The parameters of the focal loss (Lin et al. 2017, equation 5). */
export interface FocalLossParameterOptions extends OptionsOf<typeof FOCAL_LOSS_PARAMETERS> {}

/** By class as float64, which native code computes in. */
export interface FocalLossParameters {
  alpha: number | Float64Array | null;
  gamma: number | Float64Array;
  labelSmoothing: number;
}

/** As native code takes them; their defaults are those of the paper. */
export function focalLossParameters(
  check: ScalarCheck,
  given: Checked<typeof FOCAL_LOSS_PARAMETERS>,
  numClasses: number,
): FocalLossParameters {
  const { alpha = 0.25, gamma = 2, labelSmoothing } = given;
  return {
    alpha: alpha === null ? null : perClass(check, 'alpha', alpha, numClasses, 1),
    gamma: perClass(check, 'gamma', gamma, numClasses, FLOAT32_MAX),
    labelSmoothing,
  };
}

/** An array that may hold numbers: plain or typed, of any realm. */
export function isArray(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || kindOf(value) !== undefined;
}

function perClass(
  check: ScalarCheck,
  name: string,
  value: unknown,
  numClasses: number,
  max: number,
): number | Float64Array {
  const range = { min: 0, max };
  if (typeof value === 'number') return check.number(name, value, range);
  if (!isArray(value)) check.fail('ERR_DTYPE', name, 'a number or an array of numbers [K]', describe(value));
  check.length(name, value, numClasses, '(one per class)');
  return Float64Array.from(check.numbers(name, value, range, numClasses));
}
