// Lines over a number, each with a band around it where there is one, as SVG and PNG.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Mark, parse, type Spec, View } from 'vega';
import { outlineText } from '#lib/retinanet/drawing/text.js';

/** A point of a line; `low` and `high` bound its band. */
export interface Point {
  x: number;
  y: number;
  low?: number;
  high?: number;
  series: string;
}

export interface Figure {
  /** Of its files. */
  name: string;
  title: string;
  xTitle: string;
  yTitle: string;
  points: readonly Point[];
  /** Linear unless given. */
  yType?: 'linear' | 'log';
}

/** Labels of a logarithmic axis: vega's own are too many. */
const POWERS_OF_TEN = Array.from({ length: 12 }, (_, i) => 10 ** (i - 4));
/** Around a picture, in its pixels. */
const PADDING = 28;
const COLOURS = ['#0f7ddb', '#e0781a', '#12a594', '#7a4fd6', '#d6336c', '#3b4350'];

/** Writes NAME.svg and NAME.png. */
export async function drawFigure(folder: string, figure: Figure): Promise<void> {
  const svg = await new View(parse(specOf(figure)), { renderer: 'none' }).toSVG();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${figure.name}.svg`), svg);
  // Text as outlines: a machine need not have fonts. Without a canvas vega takes text for wider than it is, and leaves room beside it.
  await sharp(Buffer.from(outlineText(svg)), { density: 144 })
    .trim({ background: 'white' })
    .extend({ top: PADDING, bottom: PADDING, left: PADDING, right: PADDING, background: 'white' })
    .png({ palette: true, colours: 64 })
    .toFile(join(folder, `${figure.name}.png`));
}

function specOf({ title, xTitle, yTitle, points, yType = 'linear' }: Figure): Spec {
  const hasBands = points.some(({ low }) => low !== undefined);
  return {
    ...{ width: 420, height: 280, padding: 14, background: 'white' },
    title: { text: title, anchor: 'start', fontSize: 15 },
    data: [{ name: 'points', values: [...points] }],
    scales: [
      { name: 'x', domain: { data: 'points', field: 'x' }, range: 'width', nice: true, zero: false },
      {
        ...{ name: 'y', type: yType, range: 'height', nice: true, zero: false },
        domain: hasBands ? { data: 'points', fields: ['low', 'high'] } : { data: 'points', field: 'y' },
      },
      { name: 'colour', type: 'ordinal', domain: { data: 'points', field: 'series' }, range: COLOURS },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: xTitle, grid: true, gridColor: '#e7eaee' },
      {
        ...{ orient: 'left', scale: 'y', title: yTitle, grid: true, gridColor: '#e7eaee' },
        ...(yType === 'log' && { values: POWERS_OF_TEN, format: '~g' }),
      },
    ],
    legends: [{ stroke: 'colour', symbolType: 'stroke', labelLimit: 0, orient: 'bottom', columns: 1 }],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'points', groupby: 'series' } },
        marks: hasBands ? [band(), line()] : [line()],
      },
    ],
  };
}

const ofSeries = { scale: 'colour', field: 'series' };
const x = { scale: 'x', field: 'x' };

function line(): Mark {
  const enter = { x, y: { scale: 'y', field: 'y' }, stroke: ofSeries, strokeWidth: { value: 2 } };
  return { type: 'line', from: { data: 'line' }, encode: { enter } };
}

function band(): Mark {
  const edges = { y: { scale: 'y', field: 'low' }, y2: { scale: 'y', field: 'high' } };
  return {
    type: 'area',
    from: { data: 'line' },
    encode: { enter: { x, ...edges, fill: ofSeries, fillOpacity: { value: 0.18 } } },
  };
}
