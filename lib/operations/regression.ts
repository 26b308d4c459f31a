// The losses of a regression: predictions and targets of one shape, a loss for every `width` of them.
import type { Binding } from '../../binding.js';
import type { Call } from '../arguments/call.js';
import {
  divisorOf,
  normalizer,
  readWeights,
  REDUCTION,
  WEIGHTS,
  type Reduction,
  type ReductionOptions,
  type WeightOptions,
} from '../arguments/loss-options.js';
import { number, type Checked, type OptionsOf, type Table } from '../arguments/options.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import type { Floats } from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import { lossPlans, type LossPlans } from './loss.js';

/** By the name under which native code knows them. */
export type Regression = keyof Binding['regressions'];

export const NORMALIZER = {
  /** Divides every loss and gradient. Default 1. */
  normalizer,
};
export const REGRESSION_OPTIONS = { ...NORMALIZER, ...WEIGHTS, ...BACKEND };

/** The options of every regression loss; a row's weight multiplies all of its losses. */
export interface RegressionOptions<F extends Floats, R extends Reduction>
  extends OptionsOf<typeof NORMALIZER>, WeightOptions<F>, ReductionOptions<R>, BackendOptions {}

export const BETA = {
  /** Where the quadratic part ends, >= 0; 0 is plain L1. Default 1. */
  beta: number({ min: 0, default: 1 }),
};

/** The plans of one; `own` are the options that it has besides those of every regression loss. */
export function regressionPlans<T extends Table>(
  name: string,
  kind: Regression,
  width: number,
  own: T,
): LossPlans<T & typeof REGRESSION_OPTIONS> {
  return lossPlans({
    name,
    native: 'regressionLoss',
    width,
    options: { ...own, ...REGRESSION_OPTIONS },
    read(call: Call, predictions, targets, options) {
      const given = options as unknown as Checked<typeof REGRESSION_OPTIONS & typeof REDUCTION> & { beta?: number };
      call.operand('Float32Array', 'predictions', predictions);
      call.operand('Float32Array', 'targets', targets, predictions.length, 'like predictions');
      const { length } = predictions;
      if (length % width !== 0) {
        call.fail('ERR_SHAPE', 'predictions', `rows of ${String(width)} elements`, `${String(length)} elements`);
      }
      const fits = (count: number) => (count === 0 ? length === 0 : length % (count * width) === 0);
      const weights = readWeights(call, given, fits, `one weight per row of ${String(length)} predictions`);
      const rows = weights?.length ?? length / width; // without weights every loss has its own row
      return {
        backend: backendIndex(call, given.backend),
        kind: native().regressions[kind],
        rows,
        columns: rows === 0 ? 0 : length / rows,
        predictions,
        targets: targets as Floats,
        weights,
        beta: given.beta ?? 0,
        normalizer: divisorOf(given.normalizer, given.reduction, length / width).normalizer,
      };
    },
  });
}
