// Three panels on logarithmic axes: time against anchors, against boxes, and the focal loss against anchors.
import sharp from 'sharp';
import { parse, View, type Axis, type GroupMark, type Spec } from 'vega';
import { outlineText } from '#lib/retinanet/drawing/text.js';

export interface Point {
  panel: 'anchors' | 'boxes' | 'focal';
  series: string;
  x: number;
  ms: number;
}

const PANELS = [
  { panel: 'anchors', title: 'assignment, 50 boxes', axis: 'anchors' },
  { panel: 'boxes', title: 'assignment, 201,600 anchors', axis: 'boxes' },
  { panel: 'focal', title: 'focal loss + gradient, 80 classes', axis: 'anchors' },
] as const;

const COLOURS = {
  AnchorGrid: '#0f7ddb',
  'anchor array': '#12a594',
  'focal loss': '#7a4fd6',
  torchvision: '#e0781a',
};

const AXIS = {
  domainColor: '#8b95a3',
  tickColor: '#8b95a3',
  labelColor: '#3b4350',
  titleColor: '#14181f',
  gridColor: '#e7eaee',
  labelFontSize: 13,
  titleFontSize: 14,
  titleFontWeight: 'normal',
  titlePadding: 10,
  grid: true,
} satisfies Partial<Axis>;

/** Powers of ten inside the range, and around it where there would be fewer than two. */
function powers(values: number[]): { domain: [number, number]; ticks: number[] } {
  const [low, high] = [Math.min(...values) * 0.8, Math.max(...values) * 1.25];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) ticks.push(10 ** power);
  return { domain: [low, high], ticks: ticks.filter((tick) => tick >= low) };
}

function panelMark({ panel, title, axis }: (typeof PANELS)[number], points: Point[], first: boolean): GroupMark {
  const rows = points.filter((point) => point.panel === panel);
  const across = powers(rows.map((row) => row.x));
  const up = powers(rows.map((row) => row.ms));
  const position = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'ms' } };
  return {
    type: 'group',
    encode: { enter: { width: { value: 300 }, height: { value: 300 } } },
    signals: [
      { name: 'width', value: 300 },
      { name: 'height', value: 300 },
    ],
    title: { text: title, anchor: 'start', fontSize: 15, fontWeight: 'bold', color: '#14181f', offset: 10 },
    data: [{ name: `rows of ${panel}`, values: rows }],
    scales: [
      { name: 'x', type: 'log', domain: across.domain, range: [0, 300] },
      { name: 'y', type: 'log', domain: up.domain, range: [300, 0] },
    ],
    axes: [
      { ...AXIS, orient: 'bottom', scale: 'x', title: axis, values: across.ticks, format: ',~r' },
      { ...AXIS, orient: 'left', scale: 'y', title: first ? 'milliseconds' : '', values: up.ticks, format: '~r' },
    ],
    marks: [
      {
        type: 'group',
        from: { facet: { name: `series of ${panel}`, data: `rows of ${panel}`, groupby: 'series' } },
        marks: [
          {
            type: 'line',
            from: { data: `series of ${panel}` },
            encode: {
              enter: { ...position, stroke: { scale: 'colour', field: 'series' }, strokeWidth: { value: 2.4 } },
            },
          },
          {
            type: 'symbol',
            from: { data: `series of ${panel}` },
            encode: { enter: { ...position, fill: { scale: 'colour', field: 'series' }, size: { value: 44 } } },
          },
        ],
      },
    ],
  };
}

function growthSpec(points: Point[]): Spec {
  const seen = Object.entries(COLOURS).filter(([name]) => points.some((point) => point.series === name));
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    padding: 18,
    background: '#ffffff',
    layout: { columns: 3, padding: 40 },
    scales: [
      { name: 'colour', type: 'ordinal', domain: seen.map(([name]) => name), range: seen.map(([, colour]) => colour) },
    ],
    legends: [
      {
        stroke: 'colour',
        orient: 'top',
        direction: 'horizontal',
        columnPadding: 24,
        offset: 16,
        symbolType: 'stroke',
        symbolStrokeWidth: 3,
        symbolSize: 300,
        labelFontSize: 14,
        labelColor: '#14181f',
      },
    ],
    marks: PANELS.map((panel, i) => panelMark(panel, points, i === 0)),
  };
}

/** A PNG at twice the size, so that it stays sharp on dense screens. */
export async function drawGrowth(points: Point[]): Promise<Buffer> {
  const view = new View(parse(growthSpec(points)), { renderer: 'none' });
  const svg = outlineText(await view.toSVG());
  view.finalize();
  return sharp(Buffer.from(svg), { density: 144 })
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}
