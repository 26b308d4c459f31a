// The parts of docs/paper.md that follow from the runs.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { format } from 'prettier';
import type { DataSet } from './data-sets.js';
import { drawFigures, figuresOf } from './figures.js';
import type { Results } from './run-files.js';
import { aboutRuns, tablesOf } from './tables.js';

const START = '<!-- written by npm run bench:paper, from here -->';
const END = '<!-- to here -->';

/** The folder of a page's figures, beside it. */
const nameOf = (file: string) => basename(file, extname(file));

/** The text of a page with what is between its marks written anew. @throws Error where it has no marks */
export async function renewed(file: string, results: Results, sets: readonly DataSet[]): Promise<string> {
  const page = readFileSync(file, 'utf8');
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${file} has no lines "${START}" and "${END}", in this order`);
  const figures = figuresOf(results, sets).map(({ name, title }) => `![${title}](${nameOf(file)}/${name}.png)`);
  const parts = [START, aboutRuns(results, sets), tablesOf(results, sets), '### Figures', ...figures, END];
  const text = page.slice(0, start) + parts.join('\n\n') + page.slice(end + END.length);
  return format(text, { parser: 'markdown', printWidth: 120 });
}

/** Writes the page, and the figures into the folder of its name. */
export async function writePage(file: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  const text = await renewed(file, results, sets);
  const figures = join(dirname(file), nameOf(file));
  mkdirSync(figures, { recursive: true });
  await drawFigures(figures, results, sets);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
