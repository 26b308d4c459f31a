import type { Evaluation, StepReport } from 'retinanet-ops/retinanet';
import { minutes } from '#lib/cli/progress.js';

/** 0.873 as ".873", as papers print it; a class without true boxes has none. */
export function apText(ap: number): string {
  return Number.isNaN(ap) ? '-' : ap.toFixed(3).replace(/^0/, '');
}

/** What stands behind the bar while it trains. */
export function stepText({ loss, stepMs, etaMs }: StepReport): string {
  return `loss ${loss.toFixed(3)}  ${stepMs.toFixed(0)} ms/step  ${minutes(etaMs)} left`;
}

/** AP50 by class and their mean. */
export function apTable({ classes, meanAp }: Evaluation): string {
  const width = Math.max(5, ...classes.map(({ name }) => name.length));
  const bar = (ap: number) => '█'.repeat(Math.round((ap || 0) * 24)).padEnd(24, '░');
  const line = (name: string, ap: number, boxes: number) =>
    `  ${name.padEnd(width)}  ${apText(ap).padStart(5)}  ${bar(ap)}  ${String(boxes).padStart(10)}`;
  const total = classes.reduce((sum, { numGroundTruth }) => sum + numGroundTruth, 0);
  return [
    `  ${'class'.padEnd(width)}   AP50  ${' '.repeat(24)}  true boxes`,
    ...classes.map(({ name, ap, numGroundTruth }) => line(name, ap, numGroundTruth)),
    line('mean', meanAp, total),
  ].join('\n');
}

export interface StepTimes {
  /** Mean wall-clock time of a step. */
  stepMs: number;
  /** The part of it in native assignment and losses. */
  opsMs: number;
  share: number;
}

/** Mean times over a run, without its first steps, in which engines warm up. */
export function stepTimes(history: readonly StepReport[]): StepTimes {
  const steady = history.length > 10 ? history.slice(3) : history;
  const mean = (key: 'stepMs' | 'opsMs') => steady.reduce((sum, step) => sum + step[key], 0) / steady.length;
  const [stepMs, opsMs] = [mean('stepMs'), mean('opsMs')];
  return { stepMs, opsMs, share: opsMs / stepMs };
}

export function timesText({ stepMs, opsMs, share }: StepTimes): string {
  return (
    `Native assignment and losses, gradients included: ${opsMs.toFixed(1)} ms of ${stepMs.toFixed(0)} ms a step ` +
    `(${(share * 100).toFixed(2)} %).`
  );
}
