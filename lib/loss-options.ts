// What the losses have in common: reductions, normalizers, the upstream gradient.
import { kindOf, type Check } from './validate.js';

/** 'none' keeps a loss for every element; 'mean' divides the sum by the number of elements (0 where there are none). */
export type Reduction = 'sum' | 'mean' | 'none';

export function reductionOf(check: Check, value: unknown): Reduction {
  return value === undefined ? 'sum' : check.oneOf('reduction', value, ['sum', 'mean', 'none'] as const);
}

/** What each loss is divided by: the option, and for 'mean' the number of elements as well. */
export function normalizerOf(check: Check, value: unknown, reduction: Reduction, elements: number): number {
  const given = value === undefined ? 1 : check.number('normalizer', value, { min: 0, exclusiveMin: true });
  return reduction === 'mean' ? given * Math.max(1, elements) : given;
}

/** The gradient that arrives from above: one number, or with reduction 'none' one an element. */
export function gradOutputOf(
  check: Check,
  value: unknown,
  reduction: Reduction,
  elements: number,
): Float32Array | null {
  if (value === undefined) return null;
  if (typeof value === 'number') return Float32Array.of(check.number('gradOutput', value));
  if (reduction !== 'none') check.fail('ERR_DTYPE', 'gradOutput', `a number with reduction '${reduction}'`, 'an array');
  return check.array('Float32Array', 'gradOutput', value, elements);
}

/** The output for a loss of every element; `out` without reduction 'none' would never be written and is refused. */
export function lossesOut(check: Check, out: unknown, reduction: Reduction, elements: number): Float32Array | null {
  if (reduction === 'none') return check.out('Float32Array', 'out', out, elements);
  if (out !== undefined) {
    check.fail('ERR_OPTION', 'out', "reduction 'none', the only one that fills an array", `reduction '${reduction}'`);
  }
  return null;
}

/** Outputs of a call that gives both. */
export interface LossesAndGrad {
  grad?: Float32Array;
  /** Only with reduction 'none'. */
  losses?: Float32Array;
}

/** The outputs for losses and gradient; `out` is the gradient's array, or names both. */
export function lossesAndGradOut(
  check: Check,
  out: unknown,
  reduction: Reduction,
  elements: number,
): { losses: Float32Array | null; grad: Float32Array } {
  const given =
    out === undefined || kindOf(out) !== undefined
      ? { grad: out, losses: undefined }
      : check.options<LossesAndGrad>('out', out, ['grad', 'losses']);
  return {
    losses: lossesOut(check, given.losses, reduction, elements),
    grad: check.out('Float32Array', 'out', given.grad, elements),
  };
}
