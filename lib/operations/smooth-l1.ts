// The smooth L1 loss: value, gradient, or both in one pass.
import type { Reduced, Reduction } from '../arguments/loss-options.js';
import type { OptionsOf } from '../arguments/options.js';
import type { Floats, FloatsLike } from '../runtime/device-tensor.js';
import { synchronous, type Plan } from '../runtime/plan.js';
import {
  BETA,
  regressionPlans,
  type RegressionBackwardOptions,
  type RegressionOptions,
  type RegressionValueAndGrad,
  type RegressionValueAndGradOptions,
} from './regression.js';

/** Options of `smoothL1Loss`. */
export interface SmoothL1Options<F extends Floats = Float32Array, R extends Reduction = Reduction>
  extends OptionsOf<typeof BETA>, RegressionOptions<F, R> {}

/** Options of `smoothL1LossBackward`. */
export interface SmoothL1BackwardOptions<F extends Floats = Float32Array>
  extends OptionsOf<typeof BETA>, RegressionBackwardOptions<F> {}

/** Options of `smoothL1LossValueAndGrad`. */
export interface SmoothL1ValueAndGradOptions<F extends Floats = Float32Array, R extends Reduction = Reduction>
  extends OptionsOf<typeof BETA>, RegressionValueAndGradOptions<F, R> {}

/** What `smoothL1LossValueAndGrad` gives. */
export interface SmoothL1ValueAndGrad<
  Loss = number | Float32Array,
  F extends Floats = Float32Array,
> extends RegressionValueAndGrad<Loss, F> {}

/** As the operations on tensors run them. */
export const smoothL1Plans = regressionPlans('smoothL1Loss', 'smooth-l1', 1, BETA);

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
