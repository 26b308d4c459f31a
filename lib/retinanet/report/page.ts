// The page: its parts, the style and the scripts that it carries with it.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check } from '../../arguments/check.js';
import { nodeRequire } from '../../runtime/location.js';
import type { ReportData, Results } from './data.js';
import { confusionPart, picturesPart } from './example-parts.js';
import { count, html, jsonForScript, plural, raw, share, type Html } from './html.js';
import { curvesPart, lossPart, precisionPart } from './result-parts.js';
import { STYLE } from './style.js';
import { configPart, trainingPart, type Part } from './training-parts.js';

/**
 * The HTML of a report. It names no other file, and says so to the browser: only its own scripts run, and nothing is fetched.
 *
 * @throws RetinanetOpsError `ERR_DATA` where the package lacks the scripts
 */
export async function renderPage(check: Check, data: ReportData): Promise<string> {
  const { results } = data;
  const parts: Part[] = [
    trainingPart(data),
    ...(results ? [precisionPart, curvesPart, confusionPart, picturesPart, lossPart].map((part) => part(results)) : []),
    configPart(data),
  ];
  const { plot, plotStyle, client } = await readAssets(check);
  const scripts = [plot, client].map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  const policy = `default-src 'none'; script-src ${scripts.join(' ')}; style-src 'unsafe-inline'; img-src data:`;
  const charts = jsonForScript(parts.flatMap((part) => part.charts));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${data.title}: training report</title>
        <style>
          ${raw(plotStyle + STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${data.title}</h1>
          ${summary(data)}
        </header>
        <nav aria-label="Parts of the report">
          <ul>
            ${parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
          </ul>
        </nav>
        <main>
          <noscript
            ><p class="note">The charts need JavaScript; the tables below them have the same numbers.</p></noscript
          >
          ${parts.map(section)}
        </main>
        ${script('type="application/json" id="report-data"', charts)} ${script('', plot)}
        ${script('type="module"', client)}
      </body>
    </html> `.markup;
}

/** Without a space that the policy's hash would not know of. */
const script = (attributes: string, content: string): Html => raw(`<script ${attributes}>${content}</script>`);

const section = ({ id, title, content }: Part): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section> `;

/** The numbers that one wants to see first. */
function summary({ metrics, results }: ReportData): Html {
  const last = metrics.steps.at(-1);
  const trained = [
    ['steps', last && count(last.step)],
    ['time', duration(last?.seconds)],
  ] as const;
  const entries = [...(results ? resultEntries(results) : []), ...trained].filter(([, value]) => value !== undefined);
  const about = results
    ? `The trained network on the split “${results.split}”: ${plural(results.numImages, 'picture')}, ${plural(objectsOf(results), 'object')}.`
    : 'The split has no pictures: there are no results to show.';
  return html`<p class="note">${about}</p>
    <dl class="summary">
      ${entries.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>`;
}

const objectsOf = ({ coco }: Results): number =>
  coco.classes.reduce((sum, { numGroundTruth }) => sum + numGroundTruth, 0);

function resultEntries({ coco, scoreThreshold, isBest, f1 }: Results): (readonly [string, string])[] {
  return [
    ...(['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR100'] as const).map(
      (name) => [name, share(coco[name])] as const,
    ),
    [`${isBest ? 'best ' : ''}F1, score ${scoreThreshold.toFixed(2)}`, share(f1)],
  ];
}

function duration(seconds: number | null | undefined): string | undefined {
  if (typeof seconds !== 'number') return undefined;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

async function readAssets(check: Check): Promise<{ plot: string; plotStyle: string; client: string }> {
  try {
    const library = join(nodeRequire.resolve('uplot'), '..');
    const own = fileURLToPath(new URL(/* webpackIgnore: true */ './client.js', import.meta.url));
    const files = [join(library, 'uPlot.iife.min.js'), join(library, 'uPlot.min.css'), own];
    const [plot, plotStyle, client] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    return { plot: plot!, plotStyle: plotStyle!, client: client! };
  } catch (cause) {
    const { message } = cause as Error;
    check.fail('ERR_DATA', 'the scripts of the report', 'files of this package and of uplot', message, { cause });
  }
}
