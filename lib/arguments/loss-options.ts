// What the losses have in common: reductions, normalizers, the upstream gradient.
import type { Call } from './call.js';
import { describe } from './describe.js';
import { DeviceTensor, operandKind, type Floats, type FloatsLike } from '../runtime/device-tensor.js';
import { FLOAT32_MAX, type Check } from './validate.js';

/** 'none' keeps a loss for every element; 'mean' divides the sum by the number of elements (0 where there are none). */
export type Reduction = 'sum' | 'mean' | 'none';

export function reductionOf(check: Check, value: unknown): Reduction {
  return value === undefined ? 'sum' : check.oneOf('reduction', value, ['sum', 'mean', 'none'] as const);
}

/** Weights of the losses. */
export interface WeightOptions<Weights> {
  /** One a row of the predictions (an anchor), finite and >= 0: multiplies its losses; a row of weight 0 is ignored and not read. */
  weights?: Weights;
  /** The former name of `weights`; only one of them may be given. */
  anchorWeights?: Weights;
}

/** The weights, by whichever name they came; and that name. */
export function givenWeights<Weights>(
  check: Check,
  { weights, anchorWeights }: WeightOptions<Weights>,
): { name: keyof WeightOptions<unknown>; weights: Weights | undefined } {
  if (anchorWeights === undefined) return { name: 'weights', weights };
  if (weights === undefined) return { name: 'anchorWeights', weights: anchorWeights };
  check.fail('ERR_OPTION', 'anchorWeights', 'weights alone, whose former name it is,', 'both');
}

/** The weights of as many rows as there may be. */
export function weightsOf(
  check: Call,
  given: WeightOptions<Floats>,
  fits: (rows: number) => boolean,
  expected: string,
): Floats | null {
  const { name, weights } = givenWeights(check, given);
  if (weights === undefined) return null;
  const operand = check.operand('Float32Array', name, weights);
  if (!fits(operand.length)) check.fail('ERR_SHAPE', name, expected, String(operand.length));
  check.values(name, operand, 0, FLOAT32_MAX);
  return operand;
}

/** The least normal float64: 1 over a smaller one may be infinite. */
const LEAST_NORMALIZER = 2 ** -1022;

/** What each loss is divided by: the option, and for 'mean' the number of elements as well. */
export function normalizerOf(check: Check, value: unknown, reduction: Reduction, elements: number): number {
  const given = value === undefined ? 1 : check.number('normalizer', value, { min: LEAST_NORMALIZER });
  return reduction === 'mean' ? given * Math.max(1, elements) : given;
}

/** What losses are divided by: a number, and for `byPositives` max(1, number of positives) as well. */
export interface Divisor {
  normalizer: number;
  byPositives: boolean;
}

/** As normalizerOf, where 'positives' is allowed besides numbers. */
export function normalizerOrPositives(check: Check, value: unknown, reduction: Reduction, elements: number): Divisor {
  const byPositives = value === 'positives';
  if (value !== undefined && typeof value !== 'number' && !byPositives) {
    check.fail('ERR_DTYPE', 'normalizer', "a finite number or 'positives'", describe(value));
  }
  return { normalizer: normalizerOf(check, byPositives ? 1 : value, reduction, elements), byPositives };
}

/** The gradient that arrives from above: one number, or with reduction 'none' one an element. */
export function gradOutputOf(
  check: Call,
  value: unknown,
  reduction: Reduction,
  elements: number,
): number | Floats | null {
  if (value === undefined) return null;
  if (typeof value === 'number') return check.number('gradOutput', value, { min: -FLOAT32_MAX, max: FLOAT32_MAX });
  if (reduction !== 'none')
    check.fail('ERR_DTYPE', 'gradOutput', `a number with reduction '${reduction}'`, describe(value));
  return check.operand('Float32Array', 'gradOutput', value, elements);
}

/**
 * The output for a loss of every element, in the predictions' shape; `out` without reduction 'none' would never be written and is
 * refused.
 */
export function lossesOut(
  check: Call,
  out: unknown,
  reduction: Reduction,
  predictions: Floats,
  argument = 'out',
): Floats | null {
  const { length } = predictions;
  if (reduction === 'none') {
    const shape = DeviceTensor.is(predictions) ? predictions.shape : [length];
    return check.out('Float32Array', argument, out, length, shape);
  }
  if (out !== undefined) {
    const expected = "reduction 'none', the only one that fills an array,";
    check.fail('ERR_OPTION', argument, expected, `reduction '${reduction}'`);
  }
  return null;
}

/** Outputs of a call that gives both. */
export interface LossesAndGrad<F extends Floats = Float32Array> {
  grad?: FloatsLike<F>;
  /** Only with reduction 'none'. */
  losses?: FloatsLike<F>;
}

/** The outputs for losses and gradient; `out` is the gradient's array, or names both. */
export function lossesAndGradOut(
  check: Call,
  out: unknown,
  reduction: Reduction,
  predictions: Floats,
): { losses: Floats | null; grad: Floats } {
  if (out === undefined || operandKind(out) !== undefined) {
    return {
      losses: lossesOut(check, undefined, reduction, predictions),
      grad: check.outLike('out', out, predictions),
    };
  }
  const given = check.options<LossesAndGrad<Floats>>('out', out, ['grad', 'losses']);
  const losses = lossesOut(check, given.losses, reduction, predictions, 'out.losses');
  const grad = check.outLike('out.grad', given.grad, predictions);
  return { losses, grad };
}
