// Focal losses as training has them, for tests and benchmarks.
import type { Next } from '../driver/case.js';

export interface FocalCase {
  name: string;
  alpha?: 'each' | null;
  gamma?: number | 'each';
  labelSmoothing?: number;
  /** Float32Array [N, K] of one-hot rows in place of class labels. */
  dense?: boolean;
}

export const focalCases: readonly FocalCase[] = [
  { name: 'gamma 2' },
  { name: 'gamma 1.5', gamma: 1.5 },
  { name: 'gamma 1', gamma: 1 },
  { name: 'gamma 0, no alpha', gamma: 0, alpha: null },
  { name: 'alpha a class', alpha: 'each' },
  { name: 'alpha and gamma a class', alpha: 'each', gamma: 'each' },
  { name: 'label smoothing', labelSmoothing: 0.1 },
  { name: 'dense targets', dense: true },
];

export interface FocalInputs {
  logits: Float32Array;
  targets: Int32Array | Float32Array;
  options: {
    numClasses: number;
    alpha: number | Float32Array | null;
    gamma: number | Float32Array;
    labelSmoothing: number;
  };
}

/** As in training: logits mostly far below zero, one anchor in 200 positive, one in 500 ignored (not in dense targets). */
export function focalInputs(next: Next, which: FocalCase, rows: number, numClasses: number): FocalInputs {
  const logits = new Float32Array(rows * numClasses);
  for (let i = 0; i < logits.length; i++) logits[i] = 10 * next() - 8;
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const kind = next();
    labels[row] = kind < 0.005 ? Math.floor(next() * numClasses) : kind < 0.007 && which.dense !== true ? -2 : -1;
  }
  const targets = which.dense ? oneHot(labels, numClasses) : labels;
  const { alpha, gamma = 2, labelSmoothing = 0 } = which;
  const each = (low: number, high: number) =>
    Float32Array.from({ length: numClasses }, () => low + (high - low) * next());
  return {
    logits,
    targets,
    options: {
      numClasses,
      labelSmoothing,
      alpha: alpha === 'each' ? each(0.1, 0.9) : alpha === null ? null : 0.25,
      gamma: gamma === 'each' ? each(0, 4) : gamma,
    },
  };
}

/** Rows without a class are zero. */
export function oneHot(labels: Int32Array, numClasses: number): Float32Array {
  const dense = new Float32Array(labels.length * numClasses);
  labels.forEach((label, row) => {
    if (label >= 0) dense[row * numClasses + label] = 1;
  });
  return dense;
}
