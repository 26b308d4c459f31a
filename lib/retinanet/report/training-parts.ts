// The parts of a page about the training: its curves and its configuration.
import { baseOf, isAbsolutePath, plainPath } from '../data/files.js';
import { chartFigure, MOST_CURVES, SHOWN_CURVES, table, type Chart } from './charts.js';
import { stepCurves } from './curves.js';
import type { ReportData } from './data.js';
import { html, type Html } from './html.js';
import type { Metrics, ValidationRow } from './metrics.js';

/** A part of a page. */
export interface Part {
  id: string;
  title: string;
  content: Html;
  charts: Chart[];
}

export function trainingPart({ metrics }: ReportData): Part {
  const charts: { chart: Chart; title: string; note?: Html }[] = [];
  if (metrics.validations.length > 0) {
    charts.push({ chart: precisionChart(metrics.validations), title: 'Average precision at each validation' });
  }
  const classes = classChart(metrics.validations);
  if (classes) charts.push(classes);
  if (metrics.steps.length > 0) charts.push(...stepCharts(metrics));
  const hint = [
    metrics.steps.length === 0 && 'The run has no steps in metrics.jsonl.',
    metrics.validations.length === 0 && 'The run has no validations in metrics.jsonl.',
  ].filter((sentence) => sentence !== false);
  const content = html`${hint.map((sentence) => html`<p class="note">${sentence}</p>`)}
    <div class="charts">${charts.map(({ chart, title, note }) => chartFigure(chart, title, note))}</div>`;
  return { id: 'training', title: 'Training', content, charts: charts.map(({ chart }) => chart) };
}

function precisionChart(validations: readonly ValidationRow[]): Chart {
  const column = (name: 'AP' | 'AP50' | 'AP75') => ({
    label: name,
    values: counted(validations.map((row) => row[name])),
  });
  return {
    id: 'chart-ap',
    label: 'AP, AP50 and AP75 over steps',
    ...{ xLabel: 'step', yLabel: 'AP', scale: 'share' },
    x: validations.map(({ step }) => step),
    series: [column('AP'), column('AP50'), column('AP75')],
  };
}

/** -1 stands for no object that counts. */
const counted = (values: readonly (number | null | undefined)[]) =>
  values.map((value) => (typeof value === 'number' && value >= 0 ? value : null));

/** None where there is one class, whose curve is that of all. */
function classChart(validations: readonly ValidationRow[]): { chart: Chart; title: string; note?: Html } | undefined {
  const names = [...new Set(validations.flatMap(({ classes }) => classes.map(({ name }) => name)))];
  const rows = validations.map(({ classes }) => new Map(classes.map(({ name, AP }) => [name, AP])));
  const curves = names.map((label) => ({ label, values: counted(rows.map((row) => row.get(label))) }));
  const shown = curves.filter(({ values }) => values.some((value) => value !== null)).slice(0, MOST_CURVES);
  if (shown.length < 2) return undefined;
  const chart: Chart = {
    id: 'chart-class-ap',
    label: 'AP of each class over steps',
    ...{ xLabel: 'step', yLabel: 'AP', scale: 'share' },
    x: validations.map(({ step }) => step),
    series: shown.map((one, i) => ({ ...one, isHidden: i >= SHOWN_CURVES })),
  };
  const note = shown.length > SHOWN_CURVES ? html`the first ${SHOWN_CURVES}; choose others in the legend` : undefined;
  return { chart, title: 'Average precision of each class at each validation', note };
}

function stepCharts({ steps }: Metrics): { chart: Chart; title: string; note?: Html }[] {
  const curves = stepCurves(steps);
  const common = { xLabel: 'step', x: curves.step };
  return [
    {
      title: 'Loss',
      note: html`logarithmic and smoothed; pale: the whole loss as it was`,
      chart: {
        ...{
          ...common,
          id: 'chart-loss',
          label: 'Loss and its parts over steps',
          yLabel: 'loss',
          scale: 'logarithm' as const,
        },
        series: [
          { label: 'whole, unsmoothed', values: positive(curves.rawLoss), isPale: true },
          { label: 'whole', values: positive(curves.loss) },
          { label: 'classes', values: positive(curves.classLoss) },
          { label: 'boxes', values: positive(curves.boxLoss) },
        ],
      },
    },
    {
      title: 'Learning rate',
      chart: {
        ...{
          ...common,
          id: 'chart-rate',
          label: 'Learning rate over steps',
          yLabel: 'learning rate',
          scale: 'plain' as const,
        },
        series: [{ label: 'learning rate', values: curves.learningRate }],
      },
    },
  ];
}

/** What has a logarithm. */
const positive = (values: readonly (number | null)[]) =>
  values.map((value) => (value !== null && value > 0 ? value : null));

/** Characters of a value; a list of a thousand classes says enough by its beginning. */
const MOST = 300;

export function configPart({ config }: ReportData): Part {
  const rows = config === undefined ? [] : flatten('', config);
  const content =
    rows.length === 0
      ? html`<p class="note">The run has no config.json, or an empty one.</p>`
      : html`<div class="config">${table(['setting', 'value'], rows)}</div>`;
  return { id: 'configuration', title: 'Configuration', content, charts: [] };
}

/** Rows of names with dots and values. */
function flatten(name: string, value: unknown): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => flatten(name === '' ? key : `${name}.${key}`, inner));
  }
  return [[name === '' ? 'value' : name, textOf(value)]];
}

function textOf(value: unknown): string {
  const text = Array.isArray(value) ? value.map(plainText).join(', ') : plainText(value);
  return text.length <= MOST ? text : `${text.slice(0, MOST)}…`;
}

function plainText(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'string') return JSON.stringify(value);
  // A page goes to others, who need not know whose folders these were.
  return isAbsolutePath(value) ? baseOf(plainPath(value)) : value;
}
