import { columnOf, Stat, sumOf } from './train-shared.js';

/** One step of a training run. Losses are divided as `normalizer` says: by default by the positives of the batch. */
export interface StepReport {
  /** Counts from 1. */
  step: number;
  /** Steps of the whole run; where `seconds` limits it, as many as there will be at the pace so far. */
  steps: number;
  /** classLoss + boxWeight * boxLoss. */
  loss: number;
  /** Loss of the class logits, divided. */
  classLoss: number;
  /** The box loss, divided; without `boxWeight`. */
  boxLoss: number;
  /** Positive anchors of the batch. */
  positives: number;
  /** Norm of the gradient over all weights, before it is clipped to `clipNorm`. */
  gradientNorm: number;
  /** That of the step. */
  learningRate: number;
  /** Images of the batch over `stepMs`. */
  imagesPerSecond: number;
  /** Wall-clock time of the step, milliseconds. */
  stepMs: number;
  /** The part of it that assignment and losses took, milliseconds; of the slowest thread. */
  opsMs: number;
  /** The part of it that was spent waiting for images, milliseconds. */
  waitMs: number;
  /** Time left by the mean step so far, or that `seconds` leaves, milliseconds. */
  etaMs: number;
  /** Wall-clock time of the run since its first step began, that before `resumeFrom` included, seconds. */
  seconds: number;
}

/** What the threads of a step say of it. */
export type StepNumbers = Pick<StepReport, 'loss' | 'classLoss' | 'boxLoss' | 'positives' | 'gradientNorm' | 'opsMs'>;

export function readStats(memory: SharedArrayBuffer, boxWeight: number): StepNumbers {
  const stats = new Float64Array(memory);
  const positives = sumOf(stats, Stat.positives);
  const divisor = Math.max(1, sumOf(stats, Stat.divisor));
  const [classLoss, boxLoss] = [sumOf(stats, Stat.classLoss) / divisor, sumOf(stats, Stat.boxLoss) / divisor];
  return {
    loss: classLoss + boxWeight * boxLoss,
    ...{ classLoss, boxLoss, positives },
    gradientNorm: Math.sqrt(sumOf(stats, Stat.squares)),
    opsMs: Math.max(...columnOf(stats, Stat.opsMs)),
  };
}
