// Tables laid out as the paper's, with its figures beside ours.
import { type DataSet } from './data-sets.js';
import { EXPERIMENTS, FOCAL, type Table } from './experiments.js';
import { keyOf, type Results } from './run-files.js';
import { deviation, mean, pairedTest } from '../statistics.js';

/** In the order of the page; no object, which would put the number 3 first. */
const TITLES: readonly (readonly [Table, string])[] = [
  ['prior', 'Cross-entropy with and without the prior (section 3.3; the paper: diverges without)'],
  ['1a', 'Table 1a: balanced cross-entropy'],
  ['1b', 'Table 1b: focal loss'],
  ['1c', 'Table 1c: anchors of a cell'],
  ['1d', 'Table 1d: mining of examples'],
  ['3', 'Table 3: FL*'],
];

/** What else a table shows, as the paper's do. */
const COMPARED: Partial<Record<Table, readonly string[]>> = {
  '1a': ['cross-entropy', FOCAL],
  '1b': ['balanced-0.75'],
  '1d': ['balanced-0.75', FOCAL],
  '3': ['balanced-0.75', FOCAL],
};
/** How those are called there. */
const NAMES: Record<string, string> = {
  'cross-entropy': 'no alpha',
  'balanced-0.75': 'cross-entropy, alpha 0.75',
  [FOCAL]: 'focal loss, gamma 2, alpha 0.25',
};

export function tablesOf(results: Results, sets: readonly DataSet[]): string {
  return TITLES.map(([table, title]) => tableOf(table, title, results, sets))
    .filter((text) => text !== '')
    .join('\n');
}

function tableOf(table: Table, title: string, results: Results, sets: readonly DataSet[]): string {
  const rows = EXPERIMENTS.filter((one) => one.table === table || COMPARED[table]?.includes(one.id));
  const done = rows.filter(({ id }) => sets.some(({ name }) => results.has(keyOf(id, name))));
  if (!done.some((one) => one.table === table)) return '';
  const head = [
    '',
    'paper: AP, AP50, AP75',
    ...sets.flatMap(({ title }) => [`${title}: AP`, 'AP50', 'AP75', 'rate', 'runs', 'p']),
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const body = done.map((experiment) => {
    const paper = (experiment.paper ?? [null, null, null]).map((value) => value?.toFixed(1) ?? '-').join(', ');
    const label = experiment.table === table ? experiment.label : (NAMES[experiment.id] ?? experiment.label);
    return line([label, paper, ...sets.flatMap(({ name }) => cellsOf(results, experiment.id, name))]);
  });
  return [`### ${title}`, '', line(head), line(head.map(() => '---')), ...body, ''].join('\n');
}

const percent = (values: readonly number[]) =>
  `${(100 * mean(values)).toFixed(1)}${values.length > 1 ? ` ± ${(100 * deviation(values)).toFixed(1)}` : ''}`;

function cellsOf(results: Results, id: string, dataSet: string): string[] {
  const runs = results.get(keyOf(id, dataSet));
  if (!runs) return ['-', '', '', '', '', ''];
  const focal = results.get(keyOf(FOCAL, dataSet)) ?? [];
  const pairs = runs.flatMap((run) => {
    const other = focal.find(({ seed }) => seed === run.seed);
    return other ? [run.AP - other.AP] : [];
  });
  const p = runs[0]!.experiment === FOCAL ? NaN : pairedTest(pairs);
  const lost = runs.filter(({ diverged }) => diverged !== undefined).length;
  return [
    percent(runs.map(({ AP }) => AP)) + (lost > 0 ? ` (${lost} of ${runs.length} diverged)` : ''),
    percent(runs.map(({ AP50 }) => AP50)),
    percent(runs.map(({ AP75 }) => AP75)),
    String(runs[0]!.learningRate),
    String(runs.length),
    Number.isNaN(p) ? '' : p < 0.001 ? '< 0.001' : p.toFixed(3),
  ];
}

/** How many runs there are, when and on what they were made, and how rare objects are. */
export function aboutRuns(results: Results, sets: readonly DataSet[]): string {
  const runs = [...new Set([...results.values()].flat())];
  if (runs.length === 0) return 'There are no runs yet.';
  const unique = (values: readonly string[]) => [...new Set(values)].sort();
  const dates = unique(runs.map(({ date }) => date));
  const seeds = unique(runs.map(({ seed }) => String(seed)));
  const machines = unique(runs.map(({ machine }) => machine));
  const lines = sets.flatMap(({ name, title, steps, frame }) => {
    const own = runs.filter(({ dataSet }) => dataSet === name);
    const [one] = results.get(keyOf(FOCAL, name)) ?? [];
    if (!one) return [];
    const { imageWidth, imageHeight } = frame;
    const rare = `of ${one.anchors.toLocaleString('en')} anchors of a picture, ${one.positives.toFixed(1)} have an object`;
    return [`- ${title}: ${own.length} runs of ${steps} steps on ${imageWidth} x ${imageHeight} pixels; ${rare}.`];
  });
  const about = `Measured ${dates.join(' and ')} on ${machines.join('; ')}; seeds ${seeds.join(', ')}.`;
  return [about, '', ...lines].join('\n');
}
