// What the runs say: AP by steps, steps that a goal takes, and lines of both.
import type { Figure, Point } from '../figures.js';
import { deviation, mean, pairedTest } from '../statistics.js';
import type { Numbers, RunResult, SourceResult, Start } from './run.js';

/** Runs by the name of their start. */
export type Results = ReadonlyMap<string, readonly RunResult[]>;

/** The start that is none. */
export const NOTHING: Start = { name: 'nothing', title: 'nothing' };
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

export function tablesOf(results: Results, starts: readonly Start[], sources: readonly SourceResult[]): string {
  const nothing = results.get(NOTHING.name) ?? [];
  const done = starts.flatMap((start) => {
    const runs = results.get(start.name) ?? [];
    return runs.length > 0 ? [{ start, runs }] : [];
  });
  if (done.length === 0) return '';
  const steps = [
    ...SHOWN.filter((step) => after(done[0]!.runs[0]!, step) && step < done[0]!.runs[0]!.steps),
    done[0]!.runs[0]!.steps,
  ];
  const bar = mean(nothing.map((run) => final(run).AP));
  const body = done.map(({ start, runs }) => [
    start.title,
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
        one.source,
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

function differences(
  done: readonly { start: Start; runs: readonly RunResult[] }[],
  nothing: readonly RunResult[],
  steps: readonly number[],
): string {
  const rows = done
    .filter(({ start }) => start.name !== NOTHING.name)
    .map(({ start, runs }) => [
      start.title,
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
export function figureOf(results: Results, starts: readonly Start[], name: 'AP' | 'AP50'): Figure {
  const points = starts.flatMap(({ name: start, title }) => {
    const runs = results.get(start) ?? [];
    return (runs[0]?.validations ?? []).flatMap(({ step }): Point[] => {
      const values = runs.flatMap((run) => after(run, step)?.[name] ?? []);
      return [
        { x: step, y: mean(values), low: Math.min(...values), high: Math.max(...values), series: `from ${title}` },
      ];
    });
  });
  const seeds = results.get(NOTHING.name)?.length ?? 0;
  const title = `BCCD, validation split, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  return { title, xTitle: 'step', yTitle: name, points };
}
