// The parts of a page about single mistakes: what is taken for what, and pictures.
import { table } from './charts.js';
import type { Results } from './data.js';
import { count, html, NOTHING, share, type Html } from './html.js';
import type { DrawnBox, Picture } from './pictures.js';
import type { Part } from './training-parts.js';

/** Classes of a matrix that still can be read. */
const MOST_CLASSES = 40;
/** Names in a row that still are written level. */
const MOST_LEVEL = 10;
const MOST_CONFUSIONS = 20;
/** Detections in a picture whose names do not cover it. */
const MOST_CAPTIONS = 15;
const BACKGROUND = 'background';

export function confusionPart({ coco, confusions, scoreThreshold }: Results): Part {
  const names = [...coco.classes.map(({ name }) => name), BACKGROUND];
  const content = html`<p class="note">
      Objects by row, what they were found as by column, at IoU .5 and scores from ${scoreThreshold.toFixed(2)}; regions
      to ignore are left out. The last column are missed objects, the last row detections where there is no object.
    </p>
    ${names.length <= MOST_CLASSES + 1 ? matrix(names, confusions) : html`<p class="note">The matrix of ${names.length - 1} classes is too large for a page.</p>`}
    ${mistakes(names, confusions)}`;
  return { id: 'confusion', title: 'What is taken for what', content, charts: [] };
}

function matrix(names: readonly string[], counts: Int32Array): Html {
  const width = names.length;
  const row = (r: number) => Array.from(counts.subarray(r * width, (r + 1) * width));
  const cell = (value: number, r: number, c: number) => {
    if (r === width - 1 && c === width - 1) return html`<td class="none">${NOTHING}</td>`;
    const of = row(r).reduce((sum, one) => sum + one, 0);
    const kind = value === 0 ? 'zero' : r === c ? 'right' : 'wrong';
    return html`<td class="${kind}" style="--share:${(value / Math.max(1, of)).toFixed(3)}">${count(value)}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
    <table class="matrix${width > MOST_LEVEL ? ' many' : ''}">
      <caption>
        Confusion matrix
      </caption>
      <thead>
        <tr>
          <td class="none"></td>
          <th scope="colgroup" colspan="${width}">found as</th>
        </tr>
        <tr>
          <th scope="col">object</th>
          ${names.map((name) => html`<th scope="col"><div class="column">${name}</div></th>`)}
        </tr>
      </thead>
      <tbody>
        ${names.map(
          (name, r) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${row(r).map((value, c) => cell(value, r, c))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function mistakes(names: readonly string[], counts: Int32Array): Html {
  const found = Array.from(counts, (value, i) => ({
    value,
    row: Math.floor(i / names.length),
    column: i % names.length,
  }))
    .filter(({ value, row, column }) => value > 0 && row !== column)
    .sort((a, b) => b.value - a.value)
    .slice(0, MOST_CONFUSIONS);
  if (found.length === 0) return html`<p>There is no mistake.</p>`;
  const background = names.length - 1;
  return html`<details>
    <summary>The most frequent mistakes</summary>
    ${table(
      ['object', 'found as', 'times'],
      found.map(({ value, row, column }) => [
        row === background ? 'nothing' : names[row]!,
        column === background ? 'nothing' : names[column]!,
        count(value),
      ]),
    )}
  </details>`;
}

export function picturesPart({ best, worst, coco, scoreThreshold }: Results): Part {
  const names = coco.classes.map(({ name }) => name);
  const group = (title: string, pictures: readonly Picture[]) =>
    pictures.length > 0 &&
    html`<h3>${title}</h3>
      <div class="pictures">${pictures.map((picture) => pictureFigure(picture, names))}</div>`;
  const content = html`<p class="note">
      By F1 at IoU .5: twice the right detections over objects and detections together, of scores from
      ${scoreThreshold.toFixed(2)}.
    </p>
    <p class="legend">
      ${sample('object')} object ${sample('found')} detection <span>heavier: a missed object, a wrong detection</span>
    </p>
    ${best.length + worst.length === 0 && html`<p>There is neither an object nor a detection to show.</p>`}
    ${group('Best', best)} ${group('Worst', worst)}`;
  return { id: 'pictures', title: 'Best and worst pictures', content, charts: [] };
}

const sample = (kind: string): Html =>
  html`<svg width="26" height="16" aria-hidden="true">
    <rect class="${kind}" x="2" y="2" width="22" height="12" />
  </svg>`;

/** What the table calls a detection. */
const DETECTIONS: Readonly<Record<DrawnBox['outcome'], string>> = {
  right: 'detection, right',
  wrong: 'detection, wrong',
  aside: 'detection, in a region to ignore',
};

function pictureFigure(picture: Picture, names: readonly string[]): Html {
  const { file, width, height, source, f1, hits, missed, wrong, objects, detections } = picture;
  const told = `${hits} found, ${missed} missed, ${wrong} wrong`;
  return html`<figure class="picture">
    <div class="frame">
      <img src="${source}" width="${width}" height="${height}" alt="${file}: ${told}" />
      <svg viewBox="0 0 ${width} ${height}" aria-hidden="true">
        ${objects.map((box) => rectangle(box, 'object', names))}${detections.map((box) => rectangle(box, 'found', names))}
        ${detections.length <= MOST_CAPTIONS && detections.map((box) => caption(box, picture, names))}
      </svg>
    </div>
    <figcaption><span class="file">${file}</span>F1 ${share(f1)}: ${told}</figcaption>
    <details>
      <summary>Boxes<span class="hidden"> of ${file}</span></summary>
      ${table(
        ['box', 'class', 'score', 'x1, y1, x2, y2'],
        [
          ...objects.map((box) => boxRow(box, box.outcome === 'right' ? 'object, found' : 'object, missed', names)),
          ...detections.map((box) => boxRow(box, DETECTIONS[box.outcome], names)),
        ],
      )}
    </details>
  </figure>`;
}

const boxRow = ({ box, label, score }: DrawnBox, kind: string, names: readonly string[]): string[] => [
  kind,
  names[label]!,
  share(score),
  box.map((edge) => edge.toFixed(0)).join(', '),
];

function rectangle(
  { box: [x1, y1, x2, y2], outcome, label, score }: DrawnBox,
  kind: string,
  names: readonly string[],
): Html {
  const place = html`x="${x1.toFixed(1)}" y="${y1.toFixed(1)}" width="${(x2 - x1).toFixed(1)}"
  height="${(y2 - y1).toFixed(1)}"`;
  const weight = outcome === 'wrong' ? ' heavy' : '';
  const title = `${names[label]!}${score === undefined ? '' : ` ${score.toFixed(2)}`}`;
  return html`<rect class="under${weight}" ${place} /><rect class="${kind}${weight}" ${place}
      ><title>${title}</title></rect
    >`;
}

/** The class and score of a detection, above its box, or within where there is no room. */
function caption(
  { box: [x1, y1], label, score }: DrawnBox,
  { width, height }: Picture,
  names: readonly string[],
): Html {
  const size = Math.max(width, height) / 34;
  const y = y1 > 1.4 * size ? y1 - 0.35 * size : y1 + 1.1 * size;
  const name = names[label]!;
  const text = `${name.length > 18 ? `${name.slice(0, 17)}…` : name} ${(score ?? 0).toFixed(2)}`;
  const x = Math.max(0, Math.min(x1, width - 0.56 * size * text.length));
  return html`<text
    x="${x.toFixed(1)}"
    y="${y.toFixed(1)}"
    font-size="${size.toFixed(1)}"
    stroke-width="${(size / 4).toFixed(1)}"
    >${text}</text
  >`;
}
