// The losses of a regression: predictions and targets of one shape, a loss for every `width` of them.
import type { Call } from '../arguments/call.js';
import {
  divisorOf,
  normalizer,
  readWeights,
  REDUCTION,
  WEIGHTS,
  type GradOutputOptions,
  type LossesAndGrad,
  type Reduced,
  type Reduction,
  type ReductionOptions,
  type WeightOptions,
} from '../arguments/loss-options.js';
import { number, type Checked, type OptionsOf, type Table } from '../arguments/options.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import type { Floats, FloatsLike } from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import type { Plan } from '../runtime/plan.js';
import { lossPlans, type LossPlans } from './loss.js';

export const NORMALIZER = {
  /** Divides every loss and gradient. Default 1. */
  normalizer,
};
export const REGRESSION_OPTIONS = { ...NORMALIZER, ...WEIGHTS, ...BACKEND };

interface CommonOptions<F extends Floats, R extends Reduction>
  extends OptionsOf<typeof NORMALIZER>, WeightOptions<F>, ReductionOptions<R>, BackendOptions {}

/** Options of every regression loss; `weights` of n elements make the predictions n rows, and multiply all losses of a row. */
export interface RegressionOptions<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /** For reduction 'none': the array that receives the losses; must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of the gradient alone. */
export interface RegressionBackwardOptions<F extends Floats = Float32Array>
  extends CommonOptions<F, Reduction>, GradOutputOptions<F> {
  /** The array that receives the gradient; may be `predictions` itself, and must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of a regression loss and its gradient. */
export interface RegressionValueAndGradOptions<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /**
   * Receives the gradient; may be `predictions` itself, and must not overlap any other array of the call.
   * Or both outputs by name; `losses` only with reduction 'none'.
   */
  out?: FloatsLike<F> | LossesAndGrad<F>;
}

/** A regression loss and its gradient. */
export interface RegressionValueAndGrad<Loss = number | Float32Array, F extends Floats = Float32Array> {
  /** The reduced loss, or with reduction 'none' each loss. */
  loss: Loss;
  /** The derivative of the summed `loss` by the predictions, like them. */
  grad: FloatsLike<F>;
}

/** The plans of a loss that has the options of every regression loss and no more. */
export interface RegressionPlans extends Pick<LossPlans<typeof REGRESSION_OPTIONS>, 'options' | 'counts' | 'width'> {
  value: <F extends Floats, R extends Reduction = 'sum'>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: RegressionOptions<F, R>,
  ) => Plan<Reduced<F, R>>;
  backward: <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: RegressionBackwardOptions<F>,
  ) => Plan<FloatsLike<F>>;
  valueAndGrad: <F extends Floats, R extends Reduction = 'sum'>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: RegressionValueAndGradOptions<F, R>,
  ) => Plan<RegressionValueAndGrad<Reduced<F, R>, F>>;
}

export const BETA = {
  /** Where the quadratic part ends, >= 0; 0 is plain L1. Default 1. */
  beta: number({ min: 0, default: 1 }),
};

/**
 * The plans of one, which native code knows as `kind`; `own` are the options that it has besides those of every regression loss.
 * Results are typed by the operation: those of a loss without options of its own are `RegressionPlans`.
 */
export function regressionPlans<T extends Table>(
  name: string,
  kind: string,
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
        kind: regressionNumber(kind),
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

/** As native code takes it. */
export function regressionNumber(kind: string): number {
  return native().regressions[kind] as number;
}
