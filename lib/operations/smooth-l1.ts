// The smooth L1 loss: value, gradient, or both in one pass.
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
import { number, type Checked, type OptionsOf } from '../arguments/options.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import type { Floats, FloatsLike, Ints } from '../runtime/device-tensor.js';
import { synchronous, type Fields, type Plan } from '../runtime/plan.js';
import { lossPlans } from './loss.js';

export const SMOOTH_L1_OPTIONS = {
  /** Where the quadratic part ends, >= 0; 0 is plain L1. Default 1. */
  beta: number({ min: 0, default: 1 }),
  /** Divides every loss and gradient. Default 1. */
  normalizer,
};
const OPTIONS = { ...SMOOTH_L1_OPTIONS, ...WEIGHTS, ...BACKEND };

interface CommonOptions<F extends Floats, R extends Reduction>
  extends OptionsOf<typeof SMOOTH_L1_OPTIONS, F>, WeightOptions<F>, ReductionOptions<R>, BackendOptions {}

/** Options of `smoothL1Loss`; `weights` of n elements make the predictions n rows. */
export interface SmoothL1Options<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /** For reduction 'none': the array that receives the losses; must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of `smoothL1LossBackward`. */
export interface SmoothL1BackwardOptions<F extends Floats = Float32Array>
  extends CommonOptions<F, Reduction>, GradOutputOptions<F> {
  /** The array that receives the gradient; may be `predictions` itself, and must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of `smoothL1LossValueAndGrad`. */
export interface SmoothL1ValueAndGradOptions<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /**
   * Receives the gradient; may be `predictions` itself, and must not overlap any other array of the call.
   * Or both outputs by name; `losses` only with reduction 'none'.
   */
  out?: FloatsLike<F> | LossesAndGrad<F>;
}

/** What `smoothL1LossValueAndGrad` gives. */
export interface SmoothL1ValueAndGrad<Loss = number | Float32Array, F extends Floats = Float32Array> {
  /** The reduced loss, or with reduction 'none' a loss for every element. */
  loss: Loss;
  /** The derivative of the summed `loss` by the predictions. */
  grad: FloatsLike<F>;
}

/** As the operations on tensors run them. */
export const smoothL1Plans = lossPlans({
  name: 'smoothL1Loss',
  native: 'smoothL1',
  options: OPTIONS,
  read: readSmoothL1,
});

export const planSmoothL1Loss: <F extends Floats, R extends Reduction = 'sum'>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1Options<F, R>,
) => Plan<Reduced<F, R>> = smoothL1Plans.value;

export const planSmoothL1LossBackward: <F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1BackwardOptions<F>,
) => Plan<FloatsLike<F>> = smoothL1Plans.backward;

export const planSmoothL1LossValueAndGrad: <F extends Floats, R extends Reduction = 'sum'>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1ValueAndGradOptions<F, R>,
) => Plan<SmoothL1ValueAndGrad<Reduced<F, R>, F>> = smoothL1Plans.valueAndGrad;

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss).
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @returns the reduced loss, or with reduction 'none' a loss for every element
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export const smoothL1Loss = synchronous(planSmoothL1Loss);

/**
 * The gradient of {@link smoothL1Loss} by the predictions.
 *
 * @throws as smoothL1Loss
 */
export const smoothL1LossBackward = synchronous(planSmoothL1LossBackward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as smoothL1Loss
 */
export const smoothL1LossValueAndGrad = synchronous(planSmoothL1LossValueAndGrad);

function readSmoothL1(
  call: Call,
  predictions: Floats,
  targets: Floats | Ints,
  given: Checked<typeof OPTIONS & typeof REDUCTION>,
): Omit<Fields<'smoothL1'>, 'gradOutput' | 'losses' | 'grad' | 'numbers'> {
  call.operand('Float32Array', 'predictions', predictions);
  call.operand('Float32Array', 'targets', targets, predictions.length, 'like predictions');
  const { length } = predictions;
  const fits = (count: number) => (count === 0 ? length === 0 : length % count === 0);
  const weights = readWeights(call, given, fits, `one a row of ${String(length)} predictions`);
  const rows = weights?.length ?? length; // without weights every element is its own row
  return {
    backend: backendIndex(call, given.backend),
    rows,
    columns: rows === 0 ? 0 : length / rows,
    predictions,
    targets: targets as Floats,
    weights,
    beta: given.beta,
    normalizer: divisorOf(given.normalizer, given.reduction, length).normalizer,
  };
}
