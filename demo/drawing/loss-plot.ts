import sharp from 'sharp';
import { parse, View, type Spec } from 'vega';
import { outlineText } from '#lib/retinanet/drawing/text.js';

/** Losses of one training step. */
export interface LossRecord {
  step: number;
  loss: number;
  classLoss: number;
  boxLoss: number;
}

const CURVES = [
  { key: 'loss', name: 'total', colour: '#1f2733' },
  { key: 'classLoss', name: 'class loss', colour: '#0f7ddb' },
  { key: 'boxLoss', name: 'box loss', colour: '#e0781a' },
] as const;

/** Moving average over a Gaussian window around each step, of logarithms as the axis shows them: it does not lag behind. */
function smooth(values: number[], width: number): number[] {
  const logs = values.map(Math.log);
  const reach = Math.ceil(width * 2.5);
  return logs.map((_, i) => {
    let sum = 0;
    let weight = 0;
    for (let j = Math.max(0, i - reach); j <= Math.min(logs.length - 1, i + reach); j++) {
      const share = Math.exp(-0.5 * ((j - i) / width) ** 2);
      sum += share * (logs[j] ?? 0);
      weight += share;
    }
    return Math.exp(sum / weight);
  });
}

/** The plot of the losses over the steps: every step faintly, their moving average on top, on a logarithmic axis. */
export function lossSpec(history: LossRecord[], title: string): Spec {
  const width = Math.max(1, history.length / 60);
  const rows = CURVES.flatMap(({ key, name }) => {
    const raw = history.map((record) => Math.max(record[key], 1e-4)); // a logarithmic axis has no zero
    const averaged = smooth(raw, width);
    return history.map(({ step }, i) => ({ step, name, raw: raw[i] ?? 0, averaged: averaged[i] ?? 0 }));
  });
  // An outlier or two must not flatten the rest.
  const values = rows.map((row) => row.raw).sort((a, b) => a - b);
  const low = (values[Math.floor(values.length * 0.002)] ?? 0.1) * 0.85;
  const high = (values[Math.ceil(values.length * 0.998) - 1] ?? 10) * 1.15;
  const ticks = [-4, -3, -2, -1, 0, 1, 2, 3]
    .flatMap((power) => (high / low > 1000 ? [1] : [1, 2, 5]).map((digit) => digit * 10 ** power))
    .filter((tick) => tick >= low && tick <= high);
  const axis = {
    domainColor: '#8b95a3',
    tickColor: '#8b95a3',
    labelColor: '#3b4350',
    titleColor: '#14181f',
    gridColor: '#e7eaee',
    labelFontSize: 13,
    titleFontSize: 14,
    titleFontWeight: 'normal' as const,
    titlePadding: 12,
    grid: true,
  };
  const line = (field: string, width: number, opacity: number) => ({
    type: 'group' as const,
    from: { facet: { name: 'series', data: 'losses', groupby: 'name' } },
    marks: [
      {
        type: 'line' as const,
        from: { data: 'series' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'step' },
            y: { scale: 'y', field },
            stroke: { scale: 'colour', field: 'name' },
            strokeWidth: { value: width },
            strokeOpacity: { value: opacity },
            strokeJoin: { value: 'round' as const },
          },
        },
      },
    ],
  });
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: 760,
    height: 380,
    padding: 18,
    background: '#ffffff',
    title: { text: title, anchor: 'start', fontSize: 18, fontWeight: 'bold', color: '#14181f', offset: 14 },
    data: [{ name: 'losses', values: rows }],
    scales: [
      { name: 'x', type: 'linear', domain: [0, history.at(-1)?.step ?? 1], range: 'width' },
      { name: 'y', type: 'log', domain: [low, high], range: 'height', clamp: true },
      { name: 'colour', type: 'ordinal', domain: CURVES.map((c) => c.name), range: CURVES.map((c) => c.colour) },
    ],
    axes: [
      { ...axis, orient: 'bottom', scale: 'x', title: 'training step', tickCount: 10 },
      { ...axis, orient: 'left', scale: 'y', title: 'loss (logarithmic)', values: ticks, format: '~g' },
    ],
    legends: [
      {
        stroke: 'colour',
        orient: 'top',
        direction: 'horizontal',
        columnPadding: 24,
        offset: 8,
        symbolType: 'stroke',
        symbolStrokeWidth: 3,
        symbolSize: 300,
        labelFontSize: 14,
        labelColor: '#14181f',
      },
    ],
    marks: [line('raw', 1, 0.22), line('averaged', 2.6, 1)],
  };
}

/** A PNG of the loss curves, at twice the size so that it stays sharp on dense screens. */
export async function drawLosses(history: LossRecord[], title: string): Promise<Buffer> {
  const view = new View(parse(lossSpec(history, title)), { renderer: 'none' });
  const svg = outlineText(await view.toSVG());
  view.finalize();
  return sharp(Buffer.from(svg), { density: 144 })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
