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
export function adamStep(slice: AdamSlice, { step, learningRate, gradientScale, averageDecay }: AdamStep): void {
  const { weights, gradient, firstMoment, secondMoment, average } = slice;
  const correction1 = 1 / (1 - BETA1 ** (step + 1));
  const correction2 = 1 / (1 - BETA2 ** (step + 1));
  for (let i = 0; i < weights.length; i++) {
    const g = gradient[i]! * gradientScale;
    const m = BETA1 * firstMoment[i]! + (1 - BETA1) * g;
    const v = BETA2 * secondMoment[i]! + (1 - BETA2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    const w = weights[i]! - (learningRate * m * correction1) / (Math.sqrt(v * correction2) + EPSILON);
    weights[i] = w;
    average[i] = averageDecay * average[i]! + (1 - averageDecay) * w;
  }
}

/** Adds `parts` element by element, times `scale`, into `out`; returns the sum of squares of the result. */
export function reduceGradients(parts: readonly Float32Array[], scale: number, out: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const part of parts) sum += part[i]!;
    const g = sum * scale;
    out[i] = g;
    squares += g * g;
  }
  return squares;
}

/** Factor that brings a gradient of the given norm down to `limit`; 1 where it is short enough. */
export function clipFactor(norm: number, limit: number): number {
  return norm > limit ? limit / norm : 1;
}
