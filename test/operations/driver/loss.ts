// A loss has three forms: value, gradient, and both at once. A case says what the loss of each row or element is; reductions, divisors
// and upstream gradients are the same for every loss.
import type { Tolerance } from '../../support/compare.js';
import { pick, random, uniform } from '../../support/random.js';
import { operationCase, type BadCall, type Case, type Next } from './case.js';

type Numbers = Float32Array | Int32Array;
export interface LossOptions {
  reduction?: 'none' | 'sum' | 'mean';
  normalizer?: number | 'positives';
  gradOutput?: number | Float32Array;
  weights?: Float32Array;
  anchorWeights?: Float32Array;
}

/** Unreduced: what a reference works out in float64. The gradient is of the first argument, and has as many rows as values. */
export interface Losses {
  value: ArrayLike<number>;
  grad: ArrayLike<number>;
  numPositives?: number;
}

export interface Loss<Targets extends Numbers, Options extends object> {
  name: string;
  options: readonly string[];
  rows: Case['rows'];
  rounds?: number;
  inputs(next: Next, rows: number): [predictions: Float32Array, targets: Targets, options: Options];
  /** `at`: the predictions at which is worked out what the gradient takes for a constant. */
  reference(predictions: ArrayLike<number>, targets: Targets, options: Options, at?: ArrayLike<number>): Losses;
  tolerance(of: 'loss' | 'grad', predictions: Float32Array, targets: Targets, options: Options): Tolerance;
  /** How near finite differences are, where the loss bends. */
  slopes?: Tolerance;
  /** Whether losses can be divided by the number of positives. */
  positives?: boolean;
  shapes(predictions: Float32Array, targets: Targets, options: Options): Record<string, number[]>;
  example(): [Float32Array, Targets, Options];
  /** Bad calls of all three forms, and of one. */
  bad: readonly BadCall[];
  badOf?: { value?: readonly BadCall[]; backward?: readonly BadCall[]; both?: readonly BadCall[] };
}

export const LOSS_OPTIONS = ['reduction', 'normalizer', 'weights', 'anchorWeights', 'out'] as const;

/** No weights, or one of each row, a quarter of them 0; `anchorWeights` is their former name. */
export function someWeights(next: Next, rows: number): { weights?: Float32Array; anchorWeights?: Float32Array } {
  const weights = uniform(next, rows, -0.5, 1.5).map((v) => Math.max(v, 0));
  return pick(next, [{}, { weights }, { anchorWeights: weights }]);
}

export interface LossCases {
  loss: Loss<Numbers, object>;
  cases: readonly [value: Case, backward: Case, both: Case];
}

type Args<Targets, Options> = [Float32Array, Targets, Options & LossOptions];

/** Value and gradient as a call's options reduce them. */
export function reduced<Targets extends Numbers, Options extends object>(
  loss: Loss<Targets, Options>,
  ...[predictions, targets, options]: Args<Targets, Options>
): { loss: number | number[]; grad: number[]; numPositives?: number } {
  const { reduction = 'sum', normalizer = 1, gradOutput = 1 } = options;
  const { value, grad, numPositives } = loss.reference(predictions, targets, options);
  const divisor =
    (normalizer === 'positives' ? Math.max(1, numPositives!) : normalizer) *
    (reduction === 'mean' ? Math.max(1, value.length) : 1);
  const width = grad.length / value.length;
  const upstream = (i: number) => (typeof gradOutput === 'number' ? gradOutput : gradOutput[Math.floor(i / width)]!);
  const losses = Array.from(value, (v) => v / divisor);
  return {
    loss: reduction === 'none' ? losses : losses.reduce((a, b) => a + b, 0),
    grad: Array.from(grad, (g, i) => (upstream(i) * g) / divisor),
    ...(loss.positives === true ? { numPositives } : {}),
  };
}

export function lossCases<Targets extends Numbers, Options extends object>(given: Loss<Targets, Options>): LossCases {
  const { name, options, bad, badOf = {}, positives = false } = given;
  const loss: typeof given = {
    ...given,
    reference: (predictions, targets, { ...more }: Options & LossOptions, at) =>
      given.reference(predictions, targets, { ...more, weights: more.weights ?? more.anchorWeights }, at),
  };
  const divisors = [{}, { normalizer: 3.5 }, ...(positives ? [{ normalizer: 'positives' }] : [])];
  const variants = (['none', 'sum', 'mean'] as const).flatMap((reduction) =>
    divisors.map((divisor) => ({ reduction, ...divisor })),
  );
  const upstreams = (...args: Args<Targets, Options>) => {
    const gradOutput = uniform(random(7), loss.reference(...args).value.length, -2, 2);
    return [
      { gradOutput: -2.5 },
      { reduction: 'none', gradOutput },
      { reduction: 'mean', normalizer: 2, gradOutput: 3 },
    ];
  };
  const form = (
    suffix: string,
    result: (of: ReturnType<typeof reduced>) => unknown,
    outputs: (reduction: LossOptions['reduction']) => Record<string, string | null>,
    more: Partial<Case<Args<Targets, Options>>>,
  ) =>
    operationCase<Args<Targets, Options>>({
      name: name + suffix,
      options,
      rows: loss.rows,
      rounds: loss.rounds,
      variants: () => variants,
      inputs: (next, rows) => loss.inputs(next, rows),
      example: () => loss.example(),
      reference: (...args) => result(reduced(loss, ...args)),
      tolerance: (key, ...args) => loss.tolerance(key === 'grad' || suffix === 'Backward' ? 'grad' : 'loss', ...args),
      outputs: (...args) => outputs(args[2].reduction),
      shapes: (...args) => loss.shapes(...args),
      bad,
      ...more,
    });
  type Outputs = Record<string, string | null>;
  const value = form(
    '',
    ({ loss: losses }) => losses,
    (reduction): Outputs => (reduction === 'none' ? { out: null } : {}),
    { bad: [...bad, ...(badOf.value ?? [])] },
  );
  const backward = form(
    'Backward',
    ({ grad }) => grad,
    () => ({ out: '0' }),
    {
      options: [...options, 'gradOutput'],
      variants: (...args) => [...variants, ...upstreams(...args)],
      bad: [...bad, ...(badOf.backward ?? [])],
    },
  );
  const both = form(
    'ValueAndGrad',
    (of) => of,
    (reduction) => ({ out: '0', 'out.grad': '0', ...(reduction === 'none' ? { 'out.losses': null } : {}) }),
    { bad: [...bad, ...(badOf.both ?? [])] },
  );
  return { loss, cases: [value, backward, both] };
}
