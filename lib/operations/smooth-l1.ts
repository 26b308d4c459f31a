// The smooth L1 loss: value, gradient, or both in one pass.
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import { discard, type DeviceTensor, type Floats, type FloatsLike, type NumberLike } from '../runtime/device-tensor.js';
import {
  gradOutputOf,
  lossesAndGradOut,
  lossesOut,
  normalizerOf,
  reductionOf,
  weightsOf,
  type LossesAndGrad,
  type Reduction,
  type WeightOptions,
} from '../arguments/loss-options.js';
import { native } from '../runtime/native.js';
import { plan, type Plan } from '../runtime/plan.js';

/** `weights` of n elements make rows of predictions [n, m]. */
export interface SmoothL1Options<F extends Floats = Float32Array> extends WeightOptions<FloatsLike<F>> {
  /** Where the quadratic part ends, >= 0; 0 is plain L1. Default 1. */
  beta?: number;
  /** Default 'sum'. */
  reduction?: Reduction;
  /** Divides every loss and gradient. Default 1. */
  normalizer?: number;
  /** For reduction 'none': the array that receives the losses; apart from every other array of the call. */
  out?: FloatsLike<F>;
  backend?: BackendName;
}

export interface SmoothL1BackwardOptions<F extends Floats = Float32Array> extends SmoothL1Options<F> {
  /** Upstream gradient: a finite float32 number, or with reduction 'none' also an array like the predictions. Default 1. */
  gradOutput?: number | FloatsLike<F>;
  /** The array that receives the gradient; may be `predictions` itself, and lies apart from every other array of the call. */
  out?: FloatsLike<F>;
}

export interface SmoothL1ValueAndGradOptions<F extends Floats = Float32Array> extends Omit<SmoothL1Options<F>, 'out'> {
  /**
   * Receives the gradient; may be `predictions` itself, and lies apart from every other array of the call. Or both outputs by
   * name; `losses` only with reduction 'none'.
   */
  out?: FloatsLike<F> | LossesAndGrad<F>;
}

export interface SmoothL1ValueAndGrad<Loss = number | Float32Array, F extends Floats = Float32Array> {
  loss: Loss;
  /** The derivative of the summed `loss` by the predictions. */
  grad: FloatsLike<F>;
}

export const SMOOTH_L1_OPTIONS = [
  'beta',
  'reduction',
  'normalizer',
  'weights',
  'anchorWeights',
  'out',
  'backend',
] as const;

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss).
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @returns the reduced loss, or with reduction 'none' a loss for every element
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export function smoothL1Loss<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options: SmoothL1Options<F> & { reduction: 'none' },
): FloatsLike<F>;
export function smoothL1Loss<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1Options<F> & { reduction?: 'sum' | 'mean' },
): NumberLike<F>;
export function smoothL1Loss<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1Options<F>,
): NumberLike<F> | FloatsLike<F>;
export function smoothL1Loss<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1Options<F>,
): NumberLike<F> | FloatsLike<F> {
  return planSmoothL1Loss(predictions, targets, options).runSync();
}

/**
 * The gradient of {@link smoothL1Loss} by the predictions.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossBackward<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1BackwardOptions<F>,
): FloatsLike<F> {
  return planSmoothL1LossBackward(predictions, targets, options).runSync();
}

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossValueAndGrad<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options: SmoothL1ValueAndGradOptions<F> & { reduction: 'none' },
): SmoothL1ValueAndGrad<FloatsLike<F>, F>;
export function smoothL1LossValueAndGrad<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1ValueAndGradOptions<F> & { reduction?: 'sum' | 'mean' },
): SmoothL1ValueAndGrad<NumberLike<F>, F>;
export function smoothL1LossValueAndGrad<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1ValueAndGradOptions<F>,
): SmoothL1ValueAndGrad<NumberLike<F> | FloatsLike<F>, F>;
export function smoothL1LossValueAndGrad<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1ValueAndGradOptions<F>,
): SmoothL1ValueAndGrad<NumberLike<F> | FloatsLike<F>, F> {
  return planSmoothL1LossValueAndGrad(predictions, targets, options).runSync();
}

export function planSmoothL1Loss<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1Options<F>,
): Plan<NumberLike<F> | FloatsLike<F>> {
  const check = new Call('smoothL1Loss');
  const given = check.options<SmoothL1Options<Floats>>('options', options, SMOOTH_L1_OPTIONS);
  const input = readInput(check, predictions, targets, given);
  const losses = lossesOut(check, given.out, input.reduction, predictions);
  return planSmoothL1(check, input, { losses }, (loss) => loss as NumberLike<F> | FloatsLike<F>);
}

export function planSmoothL1LossBackward<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1BackwardOptions<F>,
): Plan<FloatsLike<F>> {
  const check = new Call('smoothL1LossBackward');
  const given = check.options<SmoothL1BackwardOptions<Floats>>('options', options, [
    ...SMOOTH_L1_OPTIONS,
    'gradOutput',
  ]);
  const input = readInput(check, predictions, targets, given);
  const gradOutput = gradOutputOf(check, given.gradOutput, input.reduction, predictions.length);
  const grad = check.outLike('out', given.out, predictions);
  return planSmoothL1(check, input, { gradOutput, grad }, (loss) => {
    discard(loss);
    return grad as FloatsLike<F>;
  });
}

export function planSmoothL1LossValueAndGrad<F extends Floats>(
  predictions: F,
  targets: FloatsLike<F>,
  options?: SmoothL1ValueAndGradOptions<F>,
): Plan<SmoothL1ValueAndGrad<NumberLike<F> | FloatsLike<F>, F>> {
  const check = new Call('smoothL1LossValueAndGrad');
  const given = check.options<SmoothL1ValueAndGradOptions<Floats>>('options', options, SMOOTH_L1_OPTIONS);
  const input = readInput(check, predictions, targets, given);
  const { losses, grad } = lossesAndGradOut(check, given.out, input.reduction, predictions);
  return planSmoothL1(
    check,
    input,
    { losses, grad },
    (loss) => ({ loss, grad }) as SmoothL1ValueAndGrad<NumberLike<F> | FloatsLike<F>, F>,
  );
}

interface SmoothL1Input {
  backend: number;
  rows: number;
  columns: number;
  predictions: Floats;
  targets: Floats;
  weights: Floats | null;
  beta: number;
  reduction: Reduction;
  normalizer: number;
}

function readInput(
  check: Call,
  predictions: Floats,
  targets: Floats,
  given: Omit<SmoothL1Options<Floats>, 'out'>,
): SmoothL1Input {
  check.operand('Float32Array', 'predictions', predictions);
  check.operand('Float32Array', 'targets', targets, predictions.length, 'like predictions');
  const { length } = predictions;
  const fits = (count: number) => (count === 0 ? length === 0 : length % count === 0);
  const weights = weightsOf(check, given, fits, `one a row of ${String(length)} predictions`);
  const rows = weights?.length ?? length; // without weights every element is its own row
  const reduction = reductionOf(check, given.reduction);
  return {
    backend: backendIndex(check, given.backend),
    rows,
    columns: rows === 0 ? 0 : length / rows,
    predictions,
    targets,
    weights,
    beta: given.beta === undefined ? 1 : check.number('beta', given.beta, { min: 0 }),
    reduction,
    normalizer: normalizerOf(check, given.normalizer, reduction, length),
  };
}

interface SmoothL1Outputs {
  gradOutput?: number | Floats | null;
  losses?: Floats | null;
  grad?: Floats | null;
}

/** `finish` gets the array of losses where there is one, else their sum. */
function planSmoothL1<Result>(
  check: Call,
  input: SmoothL1Input,
  { gradOutput = null, losses = null, grad = null }: SmoothL1Outputs,
  finish: (loss: number | Floats) => Result,
): Plan<Result> {
  const scalars = check.scalars(1);
  return plan(
    check,
    'regressionLoss',
    {
      backend: input.backend,
      kind: native().regressions['smooth-l1'],
      rows: input.rows,
      columns: input.columns,
      predictions: input.predictions,
      targets: input.targets,
      weights: input.weights,
      beta: input.beta,
      normalizer: input.normalizer,
      gradOutput,
      losses,
      grad,
      numbers: scalars,
    },
    (numbers) => {
      const [sum] = (numbers ?? scalars) as [number | DeviceTensor];
      if (losses !== null) discard(sum);
      return finish(losses ?? sum);
    },
  );
}
