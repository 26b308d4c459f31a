// The paper's figures 1 and 4 from our operations and networks, and how cross-entropy begins with and without the prior.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { parse, View, type Spec } from 'vega';
import { sigmoidFocalLoss } from 'retinanet-ops';
import { outlineText } from '#lib/retinanet/drawing/text.js';
import type { DataSet } from './data-sets.js';
import { keyOf, type Results } from './tables.js';

interface Point {
  x: number;
  y: number;
  series: string;
}

interface Figure {
  title: string;
  xTitle: string;
  yTitle: string;
  points: readonly Point[];
}

const COLOURS = ['#0f7ddb', '#e0781a', '#12a594', '#7a4fd6', '#d6336c', '#3b4350'];

export async function drawFigures(folder: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  await draw(folder, 'figure-1', figure1());
  for (const { name, title } of sets) {
    const run = results.get(keyOf('focal-2', name))?.find(({ cumulative }) => cumulative);
    for (const side of ['foreground', 'background'] as const) {
      const cumulative = run?.cumulative;
      if (!cumulative) continue;
      const points = cumulative.gammas.flatMap((gamma, g) =>
        cumulative.fractions.map((x, i) => ({ x, y: cumulative[side].shares[g]![i]!, series: `gamma ${gamma}` })),
      );
      const figure = {
        title: `${title}: ${side} samples`,
        xTitle: `fraction of ${side}`,
        yTitle: 'cumulative loss',
        points,
      };
      await draw(folder, `figure-4-${side}-${name}`, figure);
    }
    const points = ['cross-entropy-no-prior', 'cross-entropy', 'focal-2'].flatMap((id) =>
      (results.get(keyOf(id, name))?.[0]?.classLoss ?? []).flatMap((loss, i) =>
        loss > 0 ? [{ x: 10 * i + 5, y: Math.log10(loss), series: id }] : [],
      ),
    );
    if (points.length === 0) continue;
    await draw(folder, `prior-${name}`, {
      title: `${title}: class loss`,
      xTitle: 'step',
      yTitle: 'log10 of class loss',
      points,
    });
  }
}

/** The focal loss of a sample by the probability of its class (figure 1), from the operation itself. */
function figure1(): Figure {
  const probabilities = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const logits = Float32Array.from(probabilities, (p) => Math.log(p / (1 - p)));
  const labels = new Int32Array(logits.length);
  const points = [0, 0.5, 1, 2, 5].flatMap((gamma) => {
    const losses = sigmoidFocalLoss(logits, labels, { alpha: null, gamma, reduction: 'none', numClasses: 1 });
    return probabilities.map((x, i) => ({ x, y: losses[i]!, series: `gamma ${gamma}` }));
  });
  return { title: 'Focal loss by gamma', xTitle: 'probability of the class', yTitle: 'loss', points };
}

function specOf({ title, xTitle, yTitle, points }: Figure): Spec {
  const ofSeries = { scale: 'colour', field: 'series' };
  return {
    ...{ width: 420, height: 280, padding: 14, background: 'white' },
    title: { text: title, anchor: 'start', fontSize: 15 },
    data: [{ name: 'points', values: [...points] }],
    scales: [
      { name: 'x', domain: { data: 'points', field: 'x' }, range: 'width', nice: true, zero: false },
      { name: 'y', domain: { data: 'points', field: 'y' }, range: 'height', nice: true, zero: false },
      { name: 'colour', type: 'ordinal', domain: { data: 'points', field: 'series' }, range: COLOURS },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: xTitle, grid: true, gridColor: '#e7eaee' },
      { orient: 'left', scale: 'y', title: yTitle, grid: true, gridColor: '#e7eaee' },
    ],
    legends: [{ stroke: 'colour', symbolType: 'stroke' }],
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

async function draw(folder: string, name: string, figure: Figure): Promise<void> {
  const svg = await new View(parse(specOf(figure)), { renderer: 'none' }).toSVG();
  writeFileSync(join(folder, `${name}.svg`), svg);
  // Text as outlines: a machine need not have fonts.
  await sharp(Buffer.from(outlineText(svg)), { density: 144 })
    .png()
    .toFile(join(folder, `${name}.png`));
}
