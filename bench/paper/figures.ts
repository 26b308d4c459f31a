// The paper's figures 1 and 4 from our operations and networks, and how cross-entropy begins with and without the prior.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { parse, View, type Spec } from 'vega';
import { sigmoidFocalLoss } from 'retinanet-ops';
import { outlineText } from '#lib/retinanet/drawing/text.js';
import type { CumulativeLoss } from 'retinanet-ops/retinanet';
import type { DataSet } from './data-sets.js';
import { type Experiment, EXPERIMENTS, FOCAL } from './experiments.js';
import { keyOf, type Results } from './run-files.js';

interface Point {
  x: number;
  y: number;
  series: string;
}

interface Figure {
  /** Of its files. */
  name: string;
  title: string;
  xTitle: string;
  yTitle: string;
  points: readonly Point[];
  yType?: 'linear' | 'log';
}

/** Labels of a logarithmic axis: vega's own are too many. */
const POWERS_OF_TEN = Array.from({ length: 12 }, (_, i) => 10 ** (i - 4));
const COLOURS = ['#0f7ddb', '#e0781a', '#12a594', '#7a4fd6', '#d6336c', '#3b4350'];

/** What the figure of the prior compares, from the runs of seed 0. */
const BEGINNINGS = EXPERIMENTS.filter(({ id, table }) => table === 'prior' || id === FOCAL);

/** The figures that the runs are enough for. */
export function figuresOf(results: Results, sets: readonly DataSet[]): Figure[] {
  const figures = [figure1()];
  for (const data of sets) {
    const run = results.get(keyOf(FOCAL, data.name))?.find(({ cumulative }) => cumulative);
    if (run?.cumulative) {
      figures.push(figure4(data, run.cumulative, 'foreground'), figure4(data, run.cumulative, 'background'));
    }
    const points = BEGINNINGS.flatMap((experiment) => beginning(experiment, results, data));
    const title = `${data.title}: class loss over positive anchors, mean of ten steps`;
    const axes = { xTitle: 'step', yTitle: 'class loss', yType: 'log' } as const;
    if (points.length > 0) figures.push({ name: `prior-${data.name}`, title, ...axes, points });
  }
  return figures;
}

export async function drawFigures(folder: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  for (const figure of figuresOf(results, sets)) await draw(folder, figure);
}

function figure4(
  { name, title }: DataSet,
  { gammas, fractions, ...sides }: CumulativeLoss,
  side: 'foreground' | 'background',
) {
  const points = gammas.flatMap((gamma, g) =>
    fractions.map((x, i) => ({ x, y: sides[side].shares[g]![i]!, series: `γ = ${gamma}` })),
  );
  const axes = { xTitle: `fraction of the ${side}, easiest first`, yTitle: 'cumulative normalized loss' };
  return { name: `figure-4-${side}-${name}`, title: `${title}: ${side}`, ...axes, points };
}

function beginning({ id, label }: Experiment, results: Results, { name }: DataSet): Point[] {
  const losses = results.get(keyOf(id, name))?.[0]?.classLoss ?? [];
  const series = id === FOCAL ? `focal, ${label}` : label;
  return losses.flatMap((y, i) => (y > 0 ? [{ x: 10 * i + 5, y, series }] : []));
}

/** The focal loss of a sample by the probability of its class (figure 1), from the operation itself. */
function figure1(): Figure {
  const probabilities = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const logits = Float32Array.from(probabilities, (p) => Math.log(p / (1 - p)));
  const labels = new Int32Array(logits.length);
  const points = [0, 0.5, 1, 2, 5].flatMap((gamma) => {
    const losses = sigmoidFocalLoss(logits, labels, { alpha: null, gamma, reduction: 'none', numClasses: 1 });
    return probabilities.map((x, i) => ({ x, y: losses[i]!, series: `γ = ${gamma}` }));
  });
  return {
    name: 'figure-1',
    title: 'Focal loss by γ',
    xTitle: 'probability of the true class',
    yTitle: 'loss',
    points,
  };
}

function specOf({ title, xTitle, yTitle, points, yType = 'linear' }: Figure): Spec {
  const ofSeries = { scale: 'colour', field: 'series' };
  return {
    ...{ width: 420, height: 280, padding: 14, background: 'white' },
    title: { text: title, anchor: 'start', fontSize: 15 },
    data: [{ name: 'points', values: [...points] }],
    scales: [
      { name: 'x', domain: { data: 'points', field: 'x' }, range: 'width', nice: true, zero: false },
      { name: 'y', type: yType, domain: { data: 'points', field: 'y' }, range: 'height', nice: true, zero: false },
      { name: 'colour', type: 'ordinal', domain: { data: 'points', field: 'series' }, range: COLOURS },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: xTitle, grid: true, gridColor: '#e7eaee' },
      {
        ...{ orient: 'left', scale: 'y', title: yTitle, grid: true, gridColor: '#e7eaee' },
        ...(yType === 'log' && { values: POWERS_OF_TEN, format: '~g' }),
      },
    ],
    legends: [{ stroke: 'colour', symbolType: 'stroke', labelLimit: 0 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'points', groupby: 'series' } },
        marks: [
          {
            type: 'line',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                stroke: ofSeries,
                strokeWidth: { value: 2 },
              },
            },
          },
        ],
      },
    ],
  };
}

async function draw(folder: string, figure: Figure): Promise<void> {
  const svg = await new View(parse(specOf(figure)), { renderer: 'none' }).toSVG();
  writeFileSync(join(folder, `${figure.name}.svg`), svg);
  // Text as outlines: a machine need not have fonts.
  await sharp(Buffer.from(outlineText(svg)), { density: 144 })
    .png({ palette: true, colours: 64 })
    .toFile(join(folder, `${figure.name}.png`));
}
