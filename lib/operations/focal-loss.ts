// The sigmoid focal loss: value, gradient, or both in one pass.
import type { Call } from '../arguments/call.js';
import { describe } from '../arguments/describe.js';
import {
  divisorOf,
  normalizerOrPositives,
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
import { readNumClasses } from '../arguments/num-classes.js';
import { number, type Checked, type OptionsOf } from '../arguments/options.js';
import { FOCAL_LOSS_PARAMETERS, focalLossParameters, type FocalLossParameterOptions } from '../arguments/per-class.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import {
  operandKind,
  type Floats,
  type FloatsLike,
  type Ints,
  type IntsLike,
  type NumberLike,
} from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import { synchronous, type Fields, type Plan } from '../runtime/plan.js';
import { lossPlans } from './loss.js';

export const FOCAL_LOSS_OPTIONS = {
  /**
   * K. Default: the last axis of tensors that have several; logits.length / targets.length for class labels; for dense targets what
   * `alpha`, `gamma` or `weights` tell by their length. Dense targets without any of these need it where positive anchors are
   * counted: with normalizer 'positives', and for numPositives.
   */
  numClasses: number({ min: 1, integer: true }),
  /** Divides every loss and gradient; 'positives' = max(1, number of positive anchors). Default 1. */
  normalizer: normalizerOrPositives(1),
};
const OPTIONS = { ...FOCAL_LOSS_OPTIONS, ...FOCAL_LOSS_PARAMETERS, ...WEIGHTS, ...BACKEND };

interface CommonOptions<F extends Floats, R extends Reduction>
  extends
    OptionsOf<typeof FOCAL_LOSS_OPTIONS, F>,
    FocalLossParameterOptions,
    WeightOptions<F>,
    ReductionOptions<R>,
    BackendOptions {}

/** Options of `sigmoidFocalLoss`. */
export interface FocalLossOptions<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /** [N, K], for reduction 'none': the array that receives the losses; must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of `sigmoidFocalLossBackward`. */
export interface FocalLossBackwardOptions<F extends Floats = Float32Array>
  extends CommonOptions<F, Reduction>, GradOutputOptions<F> {
  /** [N, K] the array that receives the gradient; may be `logits` itself, and must not overlap any other array of the call. */
  out?: FloatsLike<F>;
}

/** Options of `sigmoidFocalLossValueAndGrad`. */
export interface FocalLossValueAndGradOptions<
  F extends Floats = Float32Array,
  R extends Reduction = Reduction,
> extends CommonOptions<F, R> {
  /**
   * [N, K] receives the gradient; may be `logits` itself, and must not overlap any other array of the call.
   * Or both outputs by name; `losses` only with reduction 'none'.
   */
  out?: FloatsLike<F> | LossesAndGrad<F>;
}

/** What `sigmoidFocalLossValueAndGrad` gives. */
export interface FocalLossValueAndGrad<Loss = number | Float32Array, F extends Floats = Float32Array> {
  /** The reduced loss, or with reduction 'none' the losses [N, K]. */
  loss: Loss;
  /** [N, K] the derivative of the summed `loss` by the logits. */
  grad: FloatsLike<F>;
  /** Anchors that are not ignored and have a class (dense targets: any target above 0; see `numClasses`). */
  numPositives: NumberLike<F>;
}

/**
 * Int32Array [N] of class labels (-1 background, -2 ignored), or Float32Array [N, K] of targets in [0, 1]; with tensors, a tensor
 * of dtype int32 or float32.
 */
export type FocalLossTargets<F extends Floats = Float32Array> = IntsLike<F> | FloatsLike<F>;

/** As the operations on tensors run them. */
export const focalLossPlans = lossPlans({
  name: 'sigmoidFocalLoss',
  native: 'focalLoss',
  options: OPTIONS,
  counts: ['numPositives'],
  read: readFocalLoss,
});

export const planSigmoidFocalLoss: <F extends Floats, R extends Reduction = 'sum'>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossOptions<F, R>,
) => Plan<Reduced<F, R>> = focalLossPlans.value;

export const planSigmoidFocalLossBackward: <F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossBackwardOptions<F>,
) => Plan<FloatsLike<F>> = focalLossPlans.backward;

export const planSigmoidFocalLossValueAndGrad: <F extends Floats, R extends Reduction = 'sum'>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossValueAndGradOptions<F, R>,
) => Plan<FocalLossValueAndGrad<Reduced<F, R>, F>> = focalLossPlans.valueAndGrad;

/**
 * Sigmoid focal loss (Lin et al. 2017, equation 5; torchvision.ops.sigmoid_focal_loss), stable at any logit.
 *
 * @param logits [N, K], raw network outputs
 * @param targets class labels [N] or dense targets [N, K]; with soft targets t, p_t = p t + (1 - p)(1 - t) as in torchvision
 * @returns the reduced loss, or with reduction 'none' the losses [N, K]
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_LABEL, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export const sigmoidFocalLoss = synchronous(planSigmoidFocalLoss);

/**
 * The gradient of {@link sigmoidFocalLoss} by the logits, [N, K]; finite for every gamma >= 0, saturated or not.
 *
 * @throws as sigmoidFocalLoss
 */
export const sigmoidFocalLossBackward = synchronous(planSigmoidFocalLossBackward);

/**
 * Loss and gradient in one pass over the logits; each equals what the separate calls give, to the bit.
 *
 * @throws as sigmoidFocalLoss
 */
export const sigmoidFocalLossValueAndGrad = synchronous(planSigmoidFocalLossValueAndGrad);

function readFocalLoss(
  call: Call,
  logits: Floats,
  targets: Floats | Ints,
  given: Checked<typeof OPTIONS & typeof REDUCTION>,
  isCounted: boolean,
): Omit<Fields<'focalLoss'>, 'gradOutput' | 'losses' | 'grad' | 'numbers'> {
  call.activations('logits', logits);
  const kind = operandKind(targets);
  const isDense = kind === 'Float32Array';
  if (!isDense && kind !== 'Int32Array') {
    call.fail('ERR_DTYPE', 'targets', 'an Int32Array [N] or a Float32Array [N, K]', describe(targets));
  }
  call.operand(isDense ? 'Float32Array' : 'Int32Array', 'targets', targets, isDense ? logits.length : undefined);
  const told = readNumClasses(call, logits, targets, given);
  const classes = told ?? 1;
  const rows = logits.length / classes;
  if (isDense) call.values('targets', targets as Floats, 0, 1, classes);
  else call.labels('targets', targets as Ints, native().labels.ignored, classes);
  if (told === undefined && (isCounted || given.normalizer === 'positives') && logits.length > 1) {
    const expected = 'a number (positive anchors are counted, and dense targets do not tell where an anchor ends)';
    call.fail('ERR_OPTION', 'numClasses', expected, 'undefined');
  }
  const { alpha, gamma, labelSmoothing } = focalLossParameters(call, given, classes);
  const { normalizer, normalizeByPositives } = divisorOf(given.normalizer, given.reduction, logits.length);
  return {
    backend: backendIndex(call, given.backend),
    rows,
    classes,
    logits,
    labels: isDense ? null : (targets as Ints),
    targets: isDense ? (targets as Floats) : null,
    anchorWeights: readWeights(call, given, (count) => count === rows, `${String(rows)} elements (one per anchor)`),
    alpha,
    gamma,
    labelSmoothing,
    normalizer,
    normalizeByPositives,
  };
}
