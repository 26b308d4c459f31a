// Curves over steps, few enough points for a page.
import type { StepRow } from './metrics.js';

/** Columns over the same steps; null where a curve has a gap. */
export interface StepCurves {
  step: number[];
  /** Means of the losses as they were. */
  rawLoss: (number | null)[];
  /** Smoothed. */
  loss: (number | null)[];
  classLoss: (number | null)[];
  boxLoss: (number | null)[];
  learningRate: (number | null)[];
}

/** Points of a curve; a wide screen shows no more. */
const POINTS = 500;
/** Share of a curve on either side over which its smoothed form is a mean. */
const SMOOTHING = 0.02;

/** The steps in at most 500 parts: of each its last step, and means. Losses also smoothed by a mean over 2 % on either side. */
export function stepCurves(rows: readonly StepRow[]): StepCurves {
  const size = Math.ceil(rows.length / POINTS);
  const parts = Array.from({ length: size === 0 ? 0 : Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
  const column = (name: 'loss' | 'classLoss' | 'boxLoss' | 'learningRate') =>
    parts.map((part) => meanOf(part.map((row) => row[name])));
  const rawLoss = column('loss');
  return {
    step: parts.map((part) => part.at(-1)!.step),
    rawLoss,
    loss: smooth(rawLoss),
    classLoss: smooth(column('classLoss')),
    boxLoss: smooth(column('boxLoss')),
    learningRate: column('learningRate'),
  };
}

/** Means over a window around each point, shorter at the ends; gaps stay. */
export function smooth(values: readonly (number | null)[]): (number | null)[] {
  const reach = Math.floor(values.length * SMOOTHING);
  return values.map((value, i) => {
    // As far to one side as to the other: else the ends of a slope would bend.
    const near = Math.min(reach, i, values.length - 1 - i);
    return value === null ? null : meanOf(values.slice(i - near, i + near + 1));
  });
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value)) as number[];
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
