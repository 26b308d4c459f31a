// The script of a page: draws its charts with uPlot, in the page's colours and width. It is compiled like the rest and put into the page
// as it is, so it imports nothing but types; what it needs of a browser is declared here, for the rest of the package has none.
import type { Chart } from './charts.js';

interface Element {
  textContent: string | null;
  readonly clientWidth: number;
  readonly style: object;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
  setAttribute(name: string, value: string): void;
  addEventListener(type: 'keydown', listener: (event: { key: string; preventDefault(): void }) => void): void;
  click(): void;
}
declare const document: { getElementById(id: string): Element | null; documentElement: Element };
declare function getComputedStyle(element: Element): { getPropertyValue(name: string): string };
declare function matchMedia(query: string): { addEventListener(type: 'change', listener: () => void): void };
declare class ResizeObserver {
  constructor(listener: () => void);
  observe(element: Element): void;
}
declare class uPlot {
  constructor(options: object, data: unknown[], target: Element);
  readonly root: Element;
  setSize(size: { width: number; height: number }): void;
  destroy(): void;
}

const HEIGHT = 260;
const SCALES = {
  share: { range: [0, 1] },
  logarithm: { distr: 3, range: (_plot: unknown, low: number, high: number) => [low / 1.3, high * 1.3] },
  plain: {},
};
const COLOURS = 8;
/** Curves differ without colours, too. */
const DASHES = [[], [9, 4], [2, 3], [12, 3, 2, 3]];
/** In the legend. */
const BORDERS = ['solid', 'dashed', 'dotted', 'dashed'];

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A few digits; thousands as such. */
function text(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Math.abs(value) >= 1e5 || Number.isInteger(value)
    ? value.toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}

/** On a logarithmic axis, where lines at 3, 4, 6, ... would be too many. */
const isRound = (tick: number) => ['1', '2', '5'].includes(tick.toExponential().charAt(0));

function seriesOf(chart: Chart): object[] {
  const { series } = chart;
  return series.map(({ label, isPale, isHidden }, i) => {
    const at = placeOf(chart, i);
    return {
      label,
      show: !isHidden,
      stroke: isPale ? colour('pale') : colour(`curve-${String(at % COLOURS)}`),
      width: isPale ? 1 : 1.8,
      dash: isPale ? [] : DASHES[at % DASHES.length],
      spanGaps: true,
      points: { show: !isPale && series[0]!.values.length <= 30, size: 5 },
      value: (_plot: unknown, value: number | null) => text(value),
    };
  });
}

function draw(chart: Chart, target: Element): uPlot {
  const filter = (_plot: unknown, ticks: number[]) =>
    ticks.map((tick) => (chart.scale !== 'logarithm' || isRound(tick) ? tick : null));
  const axis = (label: string) => ({
    ...{ label, labelSize: 22, labelFont: '12px system-ui, sans-serif', font: '12px system-ui, sans-serif' },
    stroke: colour('soft'),
    grid: { stroke: colour('grid'), width: 1, filter },
    ticks: { stroke: colour('line'), width: 1, filter },
    values: (_plot: unknown, ticks: (number | null)[]) => ticks.map((tick) => (tick === null ? '' : text(tick))),
  });
  const options = {
    width: Math.max(1, target.clientWidth),
    height: HEIGHT,
    scales: { x: { time: false }, y: SCALES[chart.scale] },
    axes: [
      { ...axis(chart.xLabel), size: 36 },
      { ...axis(chart.yLabel), size: 66 },
    ],
    cursor: { drag: { x: true, y: false } },
    legend: { markers: { dash: (_plot: unknown, i: number) => BORDERS[placeOf(chart, i - 1) % BORDERS.length] } },
    series: [{ label: chart.xLabel, value: (_plot: unknown, value: number | null) => text(value) }, ...seriesOf(chart)],
  };
  const plot = new uPlot(options, [chart.x, ...chart.series.map(({ values }) => values)], target);
  const area = plot.root.querySelector('.u-wrap');
  area?.setAttribute('role', 'img');
  area?.setAttribute('aria-label', chart.label);
  for (const entry of plot.root.querySelectorAll('.u-legend .u-series > th')) {
    entry.setAttribute('tabindex', '0');
    entry.setAttribute('role', 'button');
    entry.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      entry.click();
    });
  }
  return plot;
}

/** Which of the curves that are not pale it is. */
const placeOf = ({ series }: Chart, i: number) =>
  series.slice(0, Math.max(0, i)).filter(({ isPale }) => !isPale).length;

function show(chart: Chart): void {
  const target = document.getElementById(chart.id);
  if (!target) return;
  let plot = draw(chart, target);
  const redraw = () => {
    plot.destroy();
    plot = draw(chart, target);
  };
  let width = target.clientWidth;
  new ResizeObserver(() => {
    if (target.clientWidth === width || target.clientWidth === 0) return;
    width = target.clientWidth;
    plot.setSize({ width, height: HEIGHT });
  }).observe(target);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

const data = document.getElementById('report-data')?.textContent;
for (const chart of JSON.parse(data ?? '[]') as Chart[]) show(chart);
