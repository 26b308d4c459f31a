// What the runs say: AP by steps, steps that a goal takes, and lines of both.
import type { Figure, Point } from '../figures.js';
import { deviation, mean, pairedTest } from '../statistics.js';
import { type Numbers, type RunResult, type SourceResult, type StartName, TITLES } from './run.js';

/** Runs from one start. */
interface Row {
  start: StartName;
  runs: readonly RunResult[];
}

/** Steps after which a table shows AP, and all. */
const SHOWN = [50, 100, 150, 200];
const GOAL = 0.8;

const percent = (value: number) => (100 * value).toFixed(1);
const spread = (values: readonly number[]) =>
  values.length === 0 ? '-' : percent(mean(values)) + (values.length > 1 ? ` ± ${percent(deviation(values))}` : '');
const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

const after = ({ validations }: RunResult, step: number) => validations.find((one) => one.step === step);
const final = ({ validations }: RunResult) => validations.at(-1)!;

/** The first measurement at which `name` has come to `goal`, where there is one. */
export function stepsTo({ validations }: RunResult, name: keyof Numbers, goal: number): number | undefined {
  return validations.find((one) => one[name] >= goal)?.step;
}

/** Mean and range of the steps, and how many runs came there where it was not all of them. */
function stepsCell(runs: readonly RunResult[], name: keyof Numbers, goal: number): string {
  const steps = runs.flatMap((run) => stepsTo(run, name, goal) ?? []);
  if (steps.length === 0) return 'never';
  const [least, most] = [Math.min(...steps), Math.max(...steps)];
  const range = least === most ? `${least}` : `${Math.round(mean(steps))} (${least} to ${most})`;
  return steps.length === runs.length ? range : `${range}, ${steps.length} of ${runs.length} runs`;
}

function rowsOf(results: readonly RunResult[]): Row[] {
  const rows = (Object.keys(TITLES) as StartName[]).map((start) => ({
    start,
    runs: results.filter((run) => run.start === start),
  }));
  return rows.filter(({ runs }) => runs.length > 0);
}

/** @param results runs that were measured on the way */
export function tablesOf(results: readonly RunResult[], sources: readonly SourceResult[]): string {
  const done = rowsOf(results);
  if (done.length === 0) return '';
  const nothing = results.filter(({ start }) => start === 'nothing');
  const steps = [
    ...SHOWN.filter((step) => after(done[0]!.runs[0]!, step) && step < done[0]!.runs[0]!.steps),
    done[0]!.runs[0]!.steps,
  ];
  const bar = mean(nothing.map((run) => final(run).AP));
  const body = done.map(({ start, runs }) => [
    TITLES[start],
    runs[0]!.learningRate,
    ...steps.map((step) => spread(runs.flatMap((run) => after(run, step)?.AP ?? []))),
    stepsCell(runs, 'AP50', GOAL),
    stepsCell(runs, 'AP', bar),
    spread(runs.flatMap(({ test }) => test?.AP ?? [])),
    spread(runs.flatMap(({ test }) => test?.AP50 ?? [])),
  ]);
  const head = [
    'from',
    'rate',
    ...steps.map((step) => `AP after ${step}`),
    'steps to AP50 80',
    `steps to AP ${percent(bar)}`,
  ];
  const count = done[0]!.runs.length;
  return [
    `Mean and standard deviation of ${count} ${count === 1 ? 'seed' : 'seeds'}, in percent; the last two columns on the test split, all others on that of validation.`,
    table([...head, 'test: AP', 'AP50'], body),
    ...(done.length > 1 && nothing.length > 1
      ? ['AP more than from nothing, with the p of the paired t-test:', differences(done, nothing, steps)]
      : []),
    'What was learned first, and how well on its own validation split:',
    table(
      ['source', 'pictures', 'boxes', 'classes', 'steps', 'AP', 'AP50', 'seconds'],
      sources.map((one) => [
        TITLES[one.source],
        one.images,
        one.boxes,
        one.classes.join(', '),
        one.steps,
        percent(one.AP),
        percent(one.AP50),
        one.seconds,
      ]),
    ),
    '',
  ].join('\n\n');
}

function differences(done: readonly Row[], nothing: readonly RunResult[], steps: readonly number[]): string {
  const rows = done
    .filter(({ start }) => start !== 'nothing')
    .map(({ start, runs }) => [
      TITLES[start],
      ...steps.map((step) => {
        const pairs = runs.flatMap((run) => {
          const other = nothing.find(({ seed }) => seed === run.seed);
          const [own, its] = [after(run, step), other && after(other, step)];
          return own && its ? [own.AP - its.AP] : [];
        });
        const p = pairedTest(pairs);
        if (pairs.length === 0) return '-';
        const sign = mean(pairs) > 0 ? '+' : '';
        return `${sign}${percent(mean(pairs))}${Number.isNaN(p) ? '' : ` (p ${p < 0.001 ? '< 0.001' : p.toFixed(3)})`}`;
      }),
    ]);
  return table(['from', ...steps.map((step) => `after ${step}`)], rows);
}

/** Mean, least and most of the seeds at every measurement. */
export function figureOf(results: readonly RunResult[], name: 'AP' | 'AP50'): Figure {
  const rows = rowsOf(results);
  const points = rows.flatMap(({ start, runs }) =>
    runs[0]!.validations.map(({ step }): Point => {
      const values = runs.flatMap((run) => after(run, step)?.[name] ?? []);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return { x: step, y: mean(values), low, high, series: `from ${TITLES[start]}` };
    }),
  );
  const seeds = rows[0]?.runs.length ?? 0;
  const title = `BCCD, validation split, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  return { title, xTitle: 'step', yTitle: name, points };
}
