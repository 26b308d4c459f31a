// The charts of a page: what the script in it draws, and the same numbers as a table.
import { figure, html, type Html } from './html.js';

/** A chart as the page's script takes it. */
export interface Chart {
  /** Of the element that it is drawn in. */
  id: string;
  /** What it shows, for those who do not see it. */
  label: string;
  xLabel: string;
  yLabel: string;
  /** Shares on an axis from 0 to 1; positive numbers of all sizes on a logarithmic one; else as far as the numbers go. */
  scale: 'share' | 'logarithm' | 'plain';
  /** Rising. */
  x: number[];
  series: Series[];
}

/** A curve; null where it has a gap. */
export interface Series {
  label: string;
  values: (number | null)[];
  /** A background to the others: pale, not in the table. */
  isPale?: boolean;
  /** Shown only when it is chosen in the legend. */
  isHidden?: boolean;
}

/** Classes whose curves are in a chart, and those of them that are shown at first. */
export const [MOST_CURVES, SHOWN_CURVES] = [80, 8];
/** Rows of a table: of 101 levels of recall, every tenth. */
const ROWS = 11;

/** A chart with its caption and its numbers. */
export function chartFigure(chart: Chart, title: string, note?: Html): Html {
  return html`<figure>
    <figcaption><b>${title}</b>${note && html` <span class="note">${note}</span>`}</figcaption>
    <div class="chart" id="${chart.id}"></div>
    <details>
      <summary>Numbers<span class="hidden"> of ${title}</span></summary>
      ${chartTable(chart)}
    </details>
  </figure>`;
}

function chartTable({ x, xLabel, series }: Chart): Html {
  const shown = series.filter(({ isPale }) => isPale !== true);
  const rows = spread(x.length, ROWS);
  return table(
    [xLabel, ...shown.map(({ label }) => label)],
    rows.map((row) => [figure(x[row]), ...shown.map(({ values }) => figure(values[row]))]),
  );
}

/** A table whose first column names its rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | Html)[])[], caption?: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption ?? head.join(', ')}">
    <table>
      ${
        caption !== undefined &&
        html`<caption>
          ${caption}
        </caption>`
      }
      <thead>
        <tr>
          ${head.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, ...cells]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Indices of at most `most` of n rows, the first and the last among them. */
function spread(n: number, most: number): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (n - 1)) / (most - 1)));
}
