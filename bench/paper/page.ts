// The parts of docs/paper.md that follow from the runs.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { format } from 'prettier';
import type { DataSet } from './data-sets.js';
import { drawFigures } from './figures.js';
import type { Results } from './run-files.js';
import { aboutRuns, tablesOf } from './tables.js';

const START = '<!-- written by npm run bench:paper, from here -->';
const END = '<!-- to here -->';

/** The page with what is between its marks written anew. @throws Error where it has no marks */
export async function renewed(page: string, results: Results, sets: readonly DataSet[]): Promise<string> {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the page has no lines "${START}" and "${END}", in this order`);
  const written = `${START}\n\n${aboutRuns(results, sets)}\n\n${tablesOf(results, sets)}\n${END}`;
  return format(page.slice(0, start) + written + page.slice(end + END.length), { parser: 'markdown', printWidth: 120 });
}

/** Writes the page, and the figures into the folder of its name beside it. */
export async function writePage(file: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  const text = await renewed(readFileSync(file, 'utf8'), results, sets);
  const figures = join(dirname(file), basename(file, extname(file)));
  mkdirSync(figures, { recursive: true });
  await drawFigures(figures, results, sets);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
