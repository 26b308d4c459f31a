// The sigmoid focal loss: value, gradient, or both in one pass.
import { backendIndex, type BackendName } from './backend.js';
import {
  gradOutputOf,
  lossesAndGradOut,
  lossesOut,
  normalizerOrPositives,
  reductionOf,
  type LossesAndGrad,
  type Reduction,
} from './loss-options.js';
import { plan, type Plan } from './plan.js';
import { Check, describe, FLOAT32_MAX, kindOf } from './validate.js';

export interface FocalLossOptions {
  /** K. Default: logits.length / targets.length for class labels; for dense targets only per-class options need it. */
  numClasses?: number;
  /** Weight of the positive class in [0, 1], one number or [K]; negatives weigh 1 - alpha; null = no weights. Default 0.25. */
  alpha?: number | Float32Array | null;
  /** Focusing parameter >= 0, one number or [K]. Default 2. */
  gamma?: number | Float32Array;
  /** Default 'sum'. */
  reduction?: Reduction;
  /** Divides every loss and gradient; 'positives' = max(1, number of positive anchors). Default 1. */
  normalizer?: number | 'positives';
  /** [N], finite and >= 0: multiplies an anchor's losses; an anchor of weight 0 is ignored and its logits are not read. */
  anchorWeights?: Float32Array;
  /** s in [0, 1]: a target t becomes t (1 - s) + s / 2 (as in Keras' binary losses). Default 0. */
  labelSmoothing?: number;
  /** [N, K], for reduction 'none': the array that receives the losses. */
  out?: Float32Array;
  backend?: BackendName;
}

export interface FocalLossBackwardOptions extends FocalLossOptions {
  /** Upstream gradient: a number, or with reduction 'none' also [N, K]. Default 1. */
  gradOutput?: number | Float32Array;
  /** [N, K]: the array that receives the gradient; may be `logits` itself. */
  out?: Float32Array;
}

export interface FocalLossValueAndGradOptions extends Omit<FocalLossOptions, 'out'> {
  /** [N, K]: receives the gradient. Or both outputs by name; `losses` only with reduction 'none'. */
  out?: Float32Array | LossesAndGrad;
}

export interface FocalLossValueAndGrad<Loss = number | Float32Array> {
  loss: Loss;
  /** [N, K]: the derivative of the summed `loss` by the logits. */
  grad: Float32Array;
  /** Anchors that are not ignored and have a class (dense targets: any target above 0). */
  numPositives: number;
}

/** Int32Array [N] of class labels (-1 background, -2 ignored), or Float32Array [N, K] of targets in [0, 1]. */
export type FocalLossTargets = Int32Array | Float32Array;

const OPTIONS = [
  'numClasses',
  'alpha',
  'gamma',
  'reduction',
  'normalizer',
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
export function sigmoidFocalLoss(
  logits: Float32Array,
  targets: FocalLossTargets,
  options: FocalLossOptions & { reduction: 'none' },
): Float32Array;
export function sigmoidFocalLoss(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossOptions & { reduction?: 'sum' | 'mean' },
): number;
export function sigmoidFocalLoss(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossOptions,
): number | Float32Array;
export function sigmoidFocalLoss(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossOptions,
): number | Float32Array {
  return planSigmoidFocalLoss(logits, targets, options).runSync();
}

/**
 * The gradient of {@link sigmoidFocalLoss} by the logits, [N, K]; finite for every gamma >= 0, saturated or not.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossBackward(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossBackwardOptions,
): Float32Array {
  return planSigmoidFocalLossBackward(logits, targets, options).runSync();
}

/**
 * Loss and gradient in one pass over the logits; each equals what the separate calls give, to the bit.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossValueAndGrad(
  logits: Float32Array,
  targets: FocalLossTargets,
  options: FocalLossValueAndGradOptions & { reduction: 'none' },
): FocalLossValueAndGrad<Float32Array>;
export function sigmoidFocalLossValueAndGrad(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossValueAndGradOptions & { reduction?: 'sum' | 'mean' },
): FocalLossValueAndGrad<number>;
export function sigmoidFocalLossValueAndGrad(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossValueAndGradOptions,
): FocalLossValueAndGrad;
export function sigmoidFocalLossValueAndGrad(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossValueAndGradOptions,
): FocalLossValueAndGrad {
  return planSigmoidFocalLossValueAndGrad(logits, targets, options).runSync();
}

export function planSigmoidFocalLoss(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossOptions,
): Plan<number | Float32Array> {
  const check = new Check('sigmoidFocalLoss');
  const given = check.options<FocalLossOptions>('options', options, OPTIONS);
  const input = readInput(check, logits, targets, given);
  const losses = lossesOut(check, given.out, input.reduction, logits.length);
  return planFocalLoss(input, { losses }, ({ lossSum }) => losses ?? lossSum);
}

export function planSigmoidFocalLossBackward(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossBackwardOptions,
): Plan<Float32Array> {
  const check = new Check('sigmoidFocalLossBackward');
  const given = check.options<FocalLossBackwardOptions>('options', options, [...OPTIONS, 'gradOutput']);
  const input = readInput(check, logits, targets, given);
  const gradOutput = gradOutputOf(check, given.gradOutput, input.reduction, logits.length);
  const grad = check.out('Float32Array', 'out', given.out, logits.length);
  return planFocalLoss(input, { gradOutput, grad }, () => grad);
}

export function planSigmoidFocalLossValueAndGrad(
  logits: Float32Array,
  targets: FocalLossTargets,
  options?: FocalLossValueAndGradOptions,
): Plan<FocalLossValueAndGrad> {
  const check = new Check('sigmoidFocalLossValueAndGrad');
  const given = check.options<FocalLossValueAndGradOptions>('options', options, OPTIONS);
  const input = readInput(check, logits, targets, given);
  const { losses, grad } = lossesAndGradOut(check, given.out, input.reduction, logits.length);
  return planFocalLoss(input, { losses, grad }, ({ lossSum, numPositives }) => ({
    loss: losses ?? lossSum,
    grad,
    numPositives,
  }));
}

interface FocalLossInput extends FocalLossParameters {
  backend: number;
  rows: number;
  numClasses: number;
  logits: Float32Array;
  targets: FocalLossTargets;
  anchorWeights: Float32Array | null;
  reduction: Reduction;
  normalizer: number;
  byPositives: boolean;
}

function readInput(
  check: Check,
  logits: Float32Array,
  targets: FocalLossTargets,
  given: Omit<FocalLossOptions, 'out'>,
): FocalLossInput {
  check.array('Float32Array', 'logits', logits);
  const kind = kindOf(targets);
  const dense = kind === 'Float32Array';
  if (!dense && kind !== 'Int32Array') {
    check.fail('ERR_DTYPE', 'targets', 'an Int32Array [N] or a Float32Array [N, K]', describe(targets));
  }
  check.array(dense ? 'Float32Array' : 'Int32Array', 'targets', targets, dense ? logits.length : undefined);
  const numClasses = readNumClasses(check, logits, targets, dense, given);
  const rows = logits.length / numClasses;
  if (dense) check.values('targets', targets as Float32Array, 0, 1, numClasses);
  else check.labels('targets', targets as Int32Array, -2, numClasses);
  let anchorWeights: Float32Array | null = null;
  if (given.anchorWeights !== undefined) {
    anchorWeights = check.array('Float32Array', 'anchorWeights', given.anchorWeights, rows, 'one an anchor');
    check.values('anchorWeights', anchorWeights, 0, FLOAT32_MAX);
  }
  const reduction = reductionOf(check, given.reduction);
  return {
    backend: backendIndex(check, given.backend),
    rows,
    numClasses,
    logits,
    targets,
    anchorWeights,
    reduction,
    ...readFocalLossParameters(check, given, numClasses),
    ...normalizerOrPositives(check, given.normalizer, reduction, logits.length),
  };
}

/** K: the option, else what the shapes tell. Dense targets alone do not tell it, and only per-class options need it then. */
function readNumClasses(
  check: Check,
  logits: Float32Array,
  targets: FocalLossTargets,
  dense: boolean,
  given: Omit<FocalLossOptions, 'out'>,
): number {
  let anchors = targets.length;
  let numClasses: number;
  if (given.numClasses !== undefined) {
    numClasses = check.number('numClasses', given.numClasses, { min: 1, integer: true });
  } else if (dense) {
    const weights = lengthOf(given.anchorWeights);
    numClasses = lengthOf(given.alpha) || lengthOf(given.gamma) || (weights ? logits.length / weights : 1);
  } else {
    numClasses = anchors === 0 ? 1 : logits.length / anchors;
  }
  if (dense) anchors = Math.floor(logits.length / numClasses);
  if (Number.isInteger(numClasses) && numClasses >= 1 && anchors * numClasses === logits.length) return numClasses;
  const expected =
    given.numClasses === undefined && !dense
      ? `a multiple of ${String(anchors)} elements, one row a label`
      : `${dense ? 'a multiple of' : `${String(anchors)} rows of`} ${String(numClasses)} elements`;
  check.fail('ERR_SHAPE', 'logits', expected, `${String(logits.length)} elements`);
}

function lengthOf(value: unknown): number {
  return kindOf(value) === undefined ? 0 : (value as Float32Array).length;
}

export interface FocalLossParameters {
  alpha: number | Float64Array | null;
  gamma: number | Float64Array;
  labelSmoothing: number;
}

/** alpha, gamma and labelSmoothing with their defaults; by class as float64, which native code computes in. */
export function readFocalLossParameters(
  check: Check,
  given: Pick<FocalLossOptions, 'alpha' | 'gamma' | 'labelSmoothing'>,
  numClasses: number,
): FocalLossParameters {
  const { alpha = 0.25, gamma = 2, labelSmoothing = 0 } = given;
  return {
    alpha: alpha === null ? null : perClass(check, 'alpha', alpha, numClasses, 1),
    gamma: perClass(check, 'gamma', gamma, numClasses, FLOAT32_MAX),
    labelSmoothing: check.number('labelSmoothing', labelSmoothing, { min: 0, max: 1 }),
  };
}

function perClass(check: Check, name: string, value: unknown, numClasses: number, max: number): number | Float64Array {
  if (typeof value === 'number') return check.number(name, value, { min: 0, max });
  if (kindOf(value) !== 'Float32Array') {
    check.fail('ERR_DTYPE', name, 'a number or a Float32Array [K]', describe(value));
  }
  const array = check.array('Float32Array', name, value, numClasses, 'one a class');
  check.values(name, array, 0, max);
  return Float64Array.from(array);
}

interface FocalLossOutputs {
  gradOutput?: Float32Array | null;
  losses?: Float32Array | null;
  grad?: Float32Array | null;
}

function planFocalLoss<Result>(
  input: FocalLossInput,
  { gradOutput = null, losses = null, grad = null }: FocalLossOutputs,
  finish: (sums: { lossSum: number; numPositives: number }) => Result,
): Plan<Result> {
  const scalars = new Float64Array(2);
  const labels = kindOf(input.targets) === 'Int32Array' ? (input.targets as Int32Array) : null;
  return plan(
    'focalLoss',
    [
      input.backend,
      input.rows,
      input.numClasses,
      input.logits,
      labels,
      labels === null ? (input.targets as Float32Array) : null,
      input.anchorWeights,
      input.alpha,
      input.gamma,
      input.labelSmoothing,
      input.normalizer,
      input.byPositives,
      gradOutput,
      losses,
      grad,
      scalars,
    ],
    () => finish({ lossSum: scalars[0] as number, numPositives: scalars[1] as number }),
  );
}
