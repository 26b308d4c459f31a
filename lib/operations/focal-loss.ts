// The sigmoid focal loss: value, gradient, or both in one pass.
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import { describe } from '../arguments/describe.js';
import {
  discard,
  operandKind,
  type DeviceTensor,
  type Floats,
  type FloatsLike,
  type Ints,
  type IntsLike,
  type NumberLike,
} from '../runtime/device-tensor.js';
import {
  gradOutputOf,
  lossesAndGradOut,
  lossesOut,
  normalizerOrPositives,
  reductionOf,
  weightsOf,
  type Divisor,
  type LossesAndGrad,
  type Reduction,
  type WeightOptions,
} from '../arguments/loss-options.js';
import { readNumClasses } from '../arguments/num-classes.js';
import {
  readFocalLossParameters,
  type FocalLossParameterOptions,
  type FocalLossParameters,
} from '../arguments/per-class.js';
import { plan, type Plan } from '../runtime/plan.js';

export interface FocalLossOptions<F extends Floats = Float32Array>
  extends FocalLossParameterOptions, WeightOptions<FloatsLike<F>> {
  /**
   * K. Default: the last axis of tensors that have several; logits.length / targets.length for class labels; for dense targets what
   * `alpha`, `gamma` or `weights` tell by their length. Dense targets without any of these need it where positive anchors are
   * counted: with normalizer 'positives', and for numPositives.
   */
  numClasses?: number;
  /** Default 'sum'. */
  reduction?: Reduction;
  /** Divides every loss and gradient; 'positives' = max(1, number of positive anchors). Default 1. */
  normalizer?: number | 'positives';
  /** [N, K], for reduction 'none': the array that receives the losses; apart from every other array of the call. */
  out?: FloatsLike<F>;
  backend?: BackendName;
}

export interface FocalLossBackwardOptions<F extends Floats = Float32Array> extends FocalLossOptions<F> {
  /** Upstream gradient: a finite float32 number, or with reduction 'none' also [N, K]. Default 1. */
  gradOutput?: number | FloatsLike<F>;
  /** [N, K]: the array that receives the gradient; may be `logits` itself, and lies apart from every other array of the call. */
  out?: FloatsLike<F>;
}

export interface FocalLossValueAndGradOptions<F extends Floats = Float32Array> extends Omit<
  FocalLossOptions<F>,
  'out'
> {
  /**
   * [N, K]: receives the gradient; may be `logits` itself, and lies apart from every other array of the call. Or both outputs by
   * name; `losses` only with reduction 'none'.
   */
  out?: FloatsLike<F> | LossesAndGrad<F>;
}

export interface FocalLossValueAndGrad<Loss = number | Float32Array, F extends Floats = Float32Array> {
  loss: Loss;
  /** [N, K]: the derivative of the summed `loss` by the logits. */
  grad: FloatsLike<F>;
  /** Anchors that are not ignored and have a class (dense targets: any target above 0; see `numClasses`). */
  numPositives: NumberLike<F>;
}

/**
 * Int32Array [N] of class labels (-1 background, -2 ignored), or Float32Array [N, K] of targets in [0, 1]; with tensors, a tensor
 * of dtype int32 or float32.
 */
export type FocalLossTargets<F extends Floats = Float32Array> = IntsLike<F> | FloatsLike<F>;

export const FOCAL_LOSS_OPTIONS = [
  'numClasses',
  'alpha',
  'gamma',
  'reduction',
  'normalizer',
  'weights',
  'anchorWeights',
  'labelSmoothing',
  'out',
  'backend',
] as const;

/**
 * Sigmoid focal loss (Lin et al. 2017, equation 5; torchvision.ops.sigmoid_focal_loss), stable at any logit.
 *
 * @param logits [N, K], raw network outputs
 * @param targets class labels [N] or dense targets [N, K]; with soft targets t, p_t = p t + (1 - p)(1 - t) as in torchvision
 * @returns the reduced loss, or with reduction 'none' the losses [N, K]
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_LABEL, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export function sigmoidFocalLoss<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options: FocalLossOptions<F> & { reduction: 'none' },
): FloatsLike<F>;
export function sigmoidFocalLoss<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossOptions<F> & { reduction?: 'sum' | 'mean' },
): NumberLike<F>;
export function sigmoidFocalLoss<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossOptions<F>,
): NumberLike<F> | FloatsLike<F>;
export function sigmoidFocalLoss<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossOptions<F>,
): NumberLike<F> | FloatsLike<F> {
  return planSigmoidFocalLoss(logits, targets, options).runSync();
}

/**
 * The gradient of {@link sigmoidFocalLoss} by the logits, [N, K]; finite for every gamma >= 0, saturated or not.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossBackward<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossBackwardOptions<F>,
): FloatsLike<F> {
  return planSigmoidFocalLossBackward(logits, targets, options).runSync();
}

/**
 * Loss and gradient in one pass over the logits; each equals what the separate calls give, to the bit.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossValueAndGrad<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options: FocalLossValueAndGradOptions<F> & { reduction: 'none' },
): FocalLossValueAndGrad<FloatsLike<F>, F>;
export function sigmoidFocalLossValueAndGrad<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossValueAndGradOptions<F> & { reduction?: 'sum' | 'mean' },
): FocalLossValueAndGrad<NumberLike<F>, F>;
export function sigmoidFocalLossValueAndGrad<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossValueAndGradOptions<F>,
): FocalLossValueAndGrad<NumberLike<F> | FloatsLike<F>, F>;
export function sigmoidFocalLossValueAndGrad<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossValueAndGradOptions<F>,
): FocalLossValueAndGrad<NumberLike<F> | FloatsLike<F>, F> {
  return planSigmoidFocalLossValueAndGrad(logits, targets, options).runSync();
}

export function planSigmoidFocalLoss<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossOptions<F>,
): Plan<NumberLike<F> | FloatsLike<F>> {
  const check = new Call('sigmoidFocalLoss');
  const given = check.options<FocalLossOptions<Floats>>('options', options, FOCAL_LOSS_OPTIONS);
  const input = readInput(check, logits, targets, given);
  const losses = lossesOut(check, given.out, input.reduction, logits);
  return planFocalLoss(check, input, { losses }, ({ loss, numPositives }) => {
    discard(numPositives);
    return loss as NumberLike<F> | FloatsLike<F>;
  });
}

export function planSigmoidFocalLossBackward<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossBackwardOptions<F>,
): Plan<FloatsLike<F>> {
  const check = new Call('sigmoidFocalLossBackward');
  const given = check.options<FocalLossBackwardOptions<Floats>>('options', options, [
    ...FOCAL_LOSS_OPTIONS,
    'gradOutput',
  ]);
  const input = readInput(check, logits, targets, given);
  const gradOutput = gradOutputOf(check, given.gradOutput, input.reduction, logits.length);
  const grad = check.outLike('out', given.out, logits);
  return planFocalLoss(check, input, { gradOutput, grad }, ({ loss, numPositives }) => {
    discard(loss);
    discard(numPositives);
    return grad as FloatsLike<F>;
  });
}

export function planSigmoidFocalLossValueAndGrad<F extends Floats>(
  logits: F,
  targets: FocalLossTargets<F>,
  options?: FocalLossValueAndGradOptions<F>,
): Plan<FocalLossValueAndGrad<NumberLike<F> | FloatsLike<F>, F>> {
  const check = new Call('sigmoidFocalLossValueAndGrad');
  const given = check.options<FocalLossValueAndGradOptions<Floats>>('options', options, FOCAL_LOSS_OPTIONS);
  const input = readInput(check, logits, targets, given, true);
  const { losses, grad } = lossesAndGradOut(check, given.out, input.reduction, logits);
  return planFocalLoss(
    check,
    input,
    { losses, grad },
    ({ loss, numPositives }) =>
      ({ loss, grad, numPositives }) as FocalLossValueAndGrad<NumberLike<F> | FloatsLike<F>, F>,
  );
}

interface FocalLossInput {
  backend: number;
  rows: number;
  numClasses: number;
  logits: Floats;
  targets: Floats | Ints;
  weights: Floats | null;
  parameters: FocalLossParameters;
  reduction: Reduction;
  divisor: Divisor;
}

function readInput(
  check: Call,
  logits: Floats,
  targets: Floats | Ints,
  given: Omit<FocalLossOptions<Floats>, 'out'>,
  countsPositives = given.normalizer === 'positives',
): FocalLossInput {
  check.activations('logits', logits);
  const kind = operandKind(targets);
  const dense = kind === 'Float32Array';
  if (!dense && kind !== 'Int32Array') {
    check.fail('ERR_DTYPE', 'targets', 'an Int32Array [N] or a Float32Array [N, K]', describe(targets));
  }
  check.operand(dense ? 'Float32Array' : 'Int32Array', 'targets', targets, dense ? logits.length : undefined);
  const told = readNumClasses(check, logits, targets, given);
  const numClasses = told ?? 1;
  const rows = logits.length / numClasses;
  if (dense) check.values('targets', targets as Floats, 0, 1, numClasses);
  else check.labels('targets', targets as Ints, -2, numClasses);
  if (told === undefined && countsPositives && logits.length > 1) {
    const expected = 'a number (positive anchors are counted, and dense targets do not tell where an anchor ends)';
    check.fail('ERR_OPTION', 'numClasses', expected, 'undefined');
  }
  const reduction = reductionOf(check, given.reduction);
  return {
    backend: backendIndex(check, given.backend),
    rows,
    numClasses,
    logits,
    targets,
    weights: weightsOf(check, given, (count) => count === rows, `${String(rows)} elements one an anchor`),
    reduction,
    parameters: readFocalLossParameters(check, given, numClasses),
    divisor: normalizerOrPositives(check, given.normalizer, reduction, logits.length),
  };
}

interface FocalLossOutputs {
  gradOutput?: number | Floats | null;
  losses?: Floats | null;
  grad?: Floats | null;
}

/** `loss` is the array of losses where there is one, else their sum. */
function planFocalLoss<Result>(
  check: Call,
  input: FocalLossInput,
  { gradOutput = null, losses = null, grad = null }: FocalLossOutputs,
  finish: (result: { loss: number | Floats; numPositives: number | DeviceTensor }) => Result,
): Plan<Result> {
  const scalars = check.scalars(2);
  const isLabels = operandKind(input.targets) === 'Int32Array';
  return plan(
    check,
    'focalLoss',
    {
      backend: input.backend,
      rows: input.rows,
      classes: input.numClasses,
      logits: input.logits,
      labels: isLabels ? (input.targets as Ints) : null,
      targets: isLabels ? null : (input.targets as Floats),
      anchorWeights: input.weights,
      alpha: input.parameters.alpha,
      gamma: input.parameters.gamma,
      labelSmoothing: input.parameters.labelSmoothing,
      normalizer: input.divisor.normalizer,
      normalizeByPositives: input.divisor.byPositives,
      gradOutput,
      losses,
      grad,
      numbers: scalars,
    },
    (numbers) => {
      const [sum, numPositives] = (numbers ?? scalars) as [number | DeviceTensor, number | DeviceTensor];
      if (losses !== null) discard(sum);
      return finish({ loss: losses ?? sum, numPositives });
    },
  );
}
