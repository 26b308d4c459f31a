// The smooth L1 loss: value, gradient, or both in one pass.
import { backendIndex, type BackendName } from './backend.js';
import {
  gradOutputOf,
  lossesAndGradOut,
  lossesOut,
  normalizerOf,
  reductionOf,
  type LossesAndGrad,
  type Reduction,
} from './loss-options.js';
import { plan, type Plan } from './plan.js';
import { Check, FLOAT32_MAX } from './validate.js';

export interface SmoothL1Options {
  /** Where the quadratic part ends, >= 0; 0 is plain L1. Default 1. */
  beta?: number;
  /** Default 'sum'. */
  reduction?: Reduction;
  /** Divides every loss and gradient. Default 1. */
  normalizer?: number;
  /** [n] for predictions [n, m], finite and >= 0: multiplies a row's losses; a row of weight 0 is not read. */
  weights?: Float32Array;
  /** For reduction 'none': the array that receives the losses. */
  out?: Float32Array;
  backend?: BackendName;
}

export interface SmoothL1BackwardOptions extends SmoothL1Options {
  /** Upstream gradient: a number, or with reduction 'none' also an array like the predictions. Default 1. */
  gradOutput?: number | Float32Array;
  /** The array that receives the gradient; may be `predictions` itself. */
  out?: Float32Array;
}

export interface SmoothL1ValueAndGradOptions extends Omit<SmoothL1Options, 'out'> {
  /** Receives the gradient. Or both outputs by name; `losses` only with reduction 'none'. */
  out?: Float32Array | LossesAndGrad;
}

export interface SmoothL1ValueAndGrad<Loss = number | Float32Array> {
  loss: Loss;
  /** The derivative of the summed `loss` by the predictions. */
  grad: Float32Array;
}

const OPTIONS = ['beta', 'reduction', 'normalizer', 'weights', 'out', 'backend'] as const;

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss).
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @returns the reduced loss, or with reduction 'none' a loss for every element
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export function smoothL1Loss(
  predictions: Float32Array,
  targets: Float32Array,
  options: SmoothL1Options & { reduction: 'none' },
): Float32Array;
export function smoothL1Loss(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1Options & { reduction?: 'sum' | 'mean' },
): number;
export function smoothL1Loss(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1Options,
): number | Float32Array;
export function smoothL1Loss(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1Options,
): number | Float32Array {
  return planSmoothL1Loss(predictions, targets, options).runSync();
}

/**
 * The gradient of {@link smoothL1Loss} by the predictions.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossBackward(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1BackwardOptions,
): Float32Array {
  return planSmoothL1LossBackward(predictions, targets, options).runSync();
}

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossValueAndGrad(
  predictions: Float32Array,
  targets: Float32Array,
  options: SmoothL1ValueAndGradOptions & { reduction: 'none' },
): SmoothL1ValueAndGrad<Float32Array>;
export function smoothL1LossValueAndGrad(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1ValueAndGradOptions & { reduction?: 'sum' | 'mean' },
): SmoothL1ValueAndGrad<number>;
export function smoothL1LossValueAndGrad(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1ValueAndGradOptions,
): SmoothL1ValueAndGrad;
export function smoothL1LossValueAndGrad(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1ValueAndGradOptions,
): SmoothL1ValueAndGrad {
  return planSmoothL1LossValueAndGrad(predictions, targets, options).runSync();
}

export function planSmoothL1Loss(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1Options,
): Plan<number | Float32Array> {
  const check = new Check('smoothL1Loss');
  const given = check.options<SmoothL1Options>('options', options, OPTIONS);
  const input = readInput(check, predictions, targets, given);
  const losses = lossesOut(check, given.out, input.reduction, predictions.length);
  return planSmoothL1(input, { losses }, (lossSum) => losses ?? lossSum);
}

export function planSmoothL1LossBackward(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1BackwardOptions,
): Plan<Float32Array> {
  const check = new Check('smoothL1LossBackward');
  const given = check.options<SmoothL1BackwardOptions>('options', options, [...OPTIONS, 'gradOutput']);
  const input = readInput(check, predictions, targets, given);
  const gradOutput = gradOutputOf(check, given.gradOutput, input.reduction, predictions.length);
  const grad = check.out('Float32Array', 'out', given.out, predictions.length);
  return planSmoothL1(input, { gradOutput, grad }, () => grad);
}

export function planSmoothL1LossValueAndGrad(
  predictions: Float32Array,
  targets: Float32Array,
  options?: SmoothL1ValueAndGradOptions,
): Plan<SmoothL1ValueAndGrad> {
  const check = new Check('smoothL1LossValueAndGrad');
  const given = check.options<SmoothL1ValueAndGradOptions>('options', options, OPTIONS);
  const input = readInput(check, predictions, targets, given);
  const { losses, grad } = lossesAndGradOut(check, given.out, input.reduction, predictions.length);
  return planSmoothL1(input, { losses, grad }, (lossSum) => ({ loss: losses ?? lossSum, grad }));
}

interface SmoothL1Input {
  backend: number;
  rows: number;
  columns: number;
  predictions: Float32Array;
  targets: Float32Array;
  weights: Float32Array | null;
  beta: number;
  reduction: Reduction;
  normalizer: number;
}

function readInput(
  check: Check,
  predictions: Float32Array,
  targets: Float32Array,
  given: Omit<SmoothL1Options, 'out'>,
): SmoothL1Input {
  check.array('Float32Array', 'predictions', predictions);
  check.array('Float32Array', 'targets', targets, predictions.length, 'like predictions');
  let rows = predictions.length; // without weights every element is its own row
  let weights: Float32Array | null = null;
  if (given.weights !== undefined) {
    weights = check.array('Float32Array', 'weights', given.weights);
    rows = weights.length;
    if (rows === 0 ? predictions.length > 0 : predictions.length % rows !== 0) {
      check.fail('ERR_SHAPE', 'weights', `one a row of ${String(predictions.length)} predictions`, String(rows));
    }
    check.values('weights', weights, 0, FLOAT32_MAX);
  }
  const reduction = reductionOf(check, given.reduction);
  return {
    backend: backendIndex(check, given.backend),
    rows,
    columns: rows === 0 ? 0 : predictions.length / rows,
    predictions,
    targets,
    weights,
    beta: given.beta === undefined ? 1 : check.number('beta', given.beta, { min: 0 }),
    reduction,
    normalizer: normalizerOf(check, given.normalizer, reduction, predictions.length),
  };
}

interface SmoothL1Outputs {
  gradOutput?: Float32Array | null;
  losses?: Float32Array | null;
  grad?: Float32Array | null;
}

function planSmoothL1<Result>(
  input: SmoothL1Input,
  { gradOutput = null, losses = null, grad = null }: SmoothL1Outputs,
  finish: (lossSum: number) => Result,
): Plan<Result> {
  const scalars = new Float64Array(1);
  return plan(
    'smoothL1',
    [
      input.backend,
      input.rows,
      input.columns,
      input.predictions,
      input.targets,
      input.weights,
      input.beta,
      input.normalizer,
      gradOutput,
      losses,
      grad,
      scalars,
    ],
    () => finish(scalars[0] as number),
  );
}
