// What follows the gradients in a step, on the weights that belong to one thread.
import { Check } from '../../arguments/check.js';
import { plan } from '../../runtime/plan.js';

/** The state of all weights, [P] each, and which of them belong to this thread: [first, end). */
export interface OptimizerState {
  weights: Float32Array;
  gradient: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  /** Exponential moving average of the weights. */
  average: Float32Array;
  first: number;
  end: number;
}

export interface AdamStep {
  /** Counts from 0. */
  step: number;
  learningRate: number;
  /** Factor on the gradient: clipping by the global norm. */
  gradientScale: number;
  /** Share of the old average that stays; 0 = the average is the weights. */
  averageDecay: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const check = new Check('trainRetinaNet');

/** One step of Adam (Kingma and Ba, 2015) and of the weight average, in place. */
export function adamStep(state: OptimizerState, { step, learningRate, gradientScale, averageDecay }: AdamStep): void {
  plan(
    check,
    'adam',
    {
      ...state,
      length: state.weights.length,
      beta1: BETA1,
      beta2: BETA2,
      learningRate: learningRate / (1 - BETA1 ** (step + 1)),
      secondCorrection: 1 / (1 - BETA2 ** (step + 1)),
      gradientScale,
      averageDecay,
    },
    () => undefined,
  ).runSync();
}

/**
 * Adds the gradients of all threads, times `scale`, into `gradient`; returns the sum of its squares.
 *
 * @param partials [threads, P]
 */
export function reduceGradients(
  { gradient, first, end }: OptimizerState,
  partials: Float32Array,
  scale: number,
): number {
  const { length } = gradient;
  const parts = length === 0 ? 0 : partials.length / length;
  const fields = { length, first, end, parts, partials, scale, gradient };
  return plan(check, 'sumGradients', fields, (squares) => squares).runSync();
}

/** Factor that brings a gradient of the given norm down to `limit`; 1 where it is short enough. */
export function clipFactor(norm: number, limit: number): number {
  return norm > limit ? limit / norm : 1;
}
