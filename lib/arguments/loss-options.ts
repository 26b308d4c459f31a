// What the losses have in common: reductions, weights, normalizers, the upstream gradient.
import { DeviceTensor, type Floats, type FloatsLike, type NumberLike } from '../runtime/device-tensor.js';
import type { Call } from './call.js';
import { describe } from './describe.js';
import { array, oneOf, output, value, type Checked, type FloatArray, type OptionsOf } from './options.js';
import { FLOAT32_MAX, type ScalarCheck } from './scalar-check.js';

/**
 * 'none' keeps every loss: one for each element of the predictions or, of losses of boxes, for each box. 'mean' divides the sum by
 * their number (0 where there are none).
 */
export type Reduction = 'sum' | 'mean' | 'none';
const REDUCTIONS: readonly Reduction[] = ['sum', 'mean', 'none'];

/** What a reduction gives: every loss, or one number. */
export type Reduced<F extends Floats, R extends Reduction> = R extends 'none' ? FloatsLike<F> : NumberLike<F>;

export const WEIGHTS = {
  /** [N], one weight per row of the predictions (an anchor), finite and >= 0; rows of weight 0 are ignored and not read. */
  weights: array<FloatArray>(),
  /** The former name of `weights`; only one of them may be given. */
  anchorWeights: array<FloatArray>(),
};

/** Weights of the losses. */
export interface WeightOptions<F extends Floats = Float32Array> extends OptionsOf<typeof WEIGHTS, F> {}

export const REDUCTION = { reduction: oneOf(REDUCTIONS, 'sum') };

/** How a loss is reduced. */
export interface ReductionOptions<R extends Reduction = Reduction> {
  /** Default 'sum'. */
  reduction?: R;
}

export const GRAD_OUTPUT = {
  /** Upstream gradient: a finite float32 number, or with reduction 'none' also an array of one for each loss. Default 1. */
  gradOutput: array<number | FloatArray>(),
};

/** The upstream gradient of a backward pass. */
export interface GradOutputOptions<F extends Floats = Float32Array> extends OptionsOf<typeof GRAD_OUTPUT, F> {}

/** The least normal float64: 1 over a smaller one may be infinite. */
const LEAST_NORMALIZER = 2 ** -1022;

/** What every loss and gradient is divided by. */
export const normalizer = value(
  (check, argument, given) => check.number(argument, given, { min: LEAST_NORMALIZER }),
  1,
);

/** As normalizer; 'positives' stands for max(1, number of positive anchors). */
export const normalizerOrPositives = (byDefault: number | 'positives') =>
  value<number | 'positives', number | 'positives'>(readNormalizer, byDefault);

export function readNormalizer(check: ScalarCheck, argument: string, given: unknown): number | 'positives' {
  if (given === 'positives') return given;
  if (typeof given === 'number') return check.number(argument, given, { min: LEAST_NORMALIZER });
  check.fail('ERR_DTYPE', argument, "a finite number or 'positives'", describe(given));
}

/** As native code takes it: a number, and whether losses are divided by max(1, number of positives) as well. */
export interface Divisor {
  normalizer: number;
  normalizeByPositives: boolean;
}

/** For 'mean', the number of elements divides as well. */
export function divisorOf(given: number | 'positives', reduction: Reduction, elements: number): Divisor {
  const normalizeByPositives = given === 'positives';
  const number = normalizeByPositives ? 1 : given;
  return { normalizer: reduction === 'mean' ? number * Math.max(1, elements) : number, normalizeByPositives };
}

/** The weights, by whichever name they came; and that name. */
export function givenWeights<Weights>(
  check: ScalarCheck,
  { weights, anchorWeights }: { weights?: Weights; anchorWeights?: Weights },
): { name: keyof typeof WEIGHTS; weights: Weights | undefined } {
  if (anchorWeights === undefined) return { name: 'weights', weights };
  if (weights === undefined) return { name: 'anchorWeights', weights: anchorWeights };
  check.fail('ERR_OPTION', 'anchorWeights', 'weights alone, whose former name it is,', 'both');
}

/** The weights of as many rows as there may be. */
export function readWeights(
  call: Call,
  given: Checked<typeof WEIGHTS>,
  fits: (rows: number) => boolean,
  expected: string,
): Floats | null {
  const { name, weights } = givenWeights(call, given);
  if (weights === undefined) return null;
  const operand = call.operand('Float32Array', name, weights);
  if (!fits(operand.length)) call.fail('ERR_SHAPE', name, expected, String(operand.length));
  call.values(name, operand, 0, FLOAT32_MAX);
  return operand;
}

/** The gradient that arrives from above: one number, or with reduction 'none' one number per element. */
export function readGradOutput(
  call: Call,
  given: unknown,
  reduction: Reduction,
  elements: number,
): number | Floats | null {
  if (given === undefined) return null;
  if (typeof given === 'number') return call.number('gradOutput', given, { min: -FLOAT32_MAX, max: FLOAT32_MAX });
  if (reduction !== 'none') {
    call.fail('ERR_DTYPE', 'gradOutput', `a number with reduction '${reduction}'`, describe(given));
  }
  return call.operand('Float32Array', 'gradOutput', given, elements);
}

export const LOSSES_AND_GRAD = {
  /** Like the predictions: receives the gradient. */
  grad: output<FloatArray>(),
  /** Receives the losses, one for each element or box; only with reduction 'none'. */
  losses: output<FloatArray>(),
};

/** Outputs of a call that gives both. */
export interface LossesAndGrad<F extends Floats = Float32Array> extends OptionsOf<typeof LOSSES_AND_GRAD, F> {}

/** The shape of a tensor of losses, one for every `width` predictions. */
function lossShape(predictions: Floats, width: number): readonly number[] {
  const shape = DeviceTensor.is(predictions) ? predictions.shape : [predictions.length];
  if (width === 1) return shape;
  return shape.length > 1 && shape.at(-1) === width ? shape.slice(0, -1) : [predictions.length / width];
}

/**
 * The output for the losses: one for every element, in the predictions' shape, or for every row of `width` of them.
 * `out` without reduction 'none' would never be written and is refused.
 */
export function lossesOut(
  call: Call,
  out: unknown,
  reduction: Reduction,
  predictions: Floats,
  width: number,
  argument = 'out',
): Floats | null {
  const length = predictions.length / width;
  if (reduction === 'none') {
    return call.out('Float32Array', argument, out, length, lossShape(predictions, width));
  }
  if (out !== undefined) {
    const expected = "reduction 'none', the only one that fills an array,";
    call.fail('ERR_OPTION', argument, expected, `reduction '${reduction}'`);
  }
  return null;
}
