import { Check } from '../../arguments/check.js';
import { plan } from '../../runtime/plan.js';

/** All the state of one slice of the weights; a slice belongs to one thread. */
export interface AdamSlice {
  weights: Float32Array;
  gradient: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  /** Exponential moving average of the weights. */
  average: Float32Array;
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
const EPSILON = 1e-8;

/** One step of Adam (Kingma and Ba, 2015) and of the weight average, in place. */
export function adamStep(slice: AdamSlice, step: AdamStep): void {
  const constants = { beta1: BETA1, beta2: BETA2, epsilon: EPSILON };
  plan(new Check('trainRetinaNet'), 'adam', { ...constants, ...step, ...slice }, () => undefined).runSync();
}

/** Adds `parts` element by element, times `scale`, into `out`; returns the sum of squares of the result. */
export function reduceGradients(parts: readonly Float32Array[], scale: number, out: Float32Array): number {
  const add = (a: Float32Array, b: Float32Array | null, factor: number): number =>
    plan(
      new Check('trainRetinaNet'),
      'scaledSum',
      { scale: factor, a, b, output: out },
      (squares) => squares,
    ).runSync();
  const [first, ...others] = parts as [Float32Array, ...Float32Array[]];
  const last = others.pop() ?? null;
  let sum = first;
  for (const part of others) {
    add(sum, part, 1);
    sum = out;
  }
  return add(sum, last, scale);
}

/** Factor that brings a gradient of the given norm down to `limit`; 1 where it is short enough. */
export function clipFactor(norm: number, limit: number): number {
  return norm > limit ? limit / norm : 1;
}
