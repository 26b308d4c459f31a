// `npm run bench:paper`: the comparisons of "Focal Loss for Dense Object Detection" in small, on the user's own machine. Every run is a
// file: ended at any moment, it goes on with the next one that is missing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { DATA_SETS, type Folders, openDataSet } from './data-sets.js';
import { type Experiment, EXPERIMENTS, FOCAL } from './experiments.js';
import { drawFigures } from './figures.js';
import { runMissing } from './jobs.js';
import { writePage } from './page.js';
import { collect, type RunResult, stagesOf, type Wanted } from './run-files.js';
import { tablesOf } from './tables.js';

interface Options {
  out?: string;
  data: string;
  bccd?: string;
  quick: boolean;
  seeds: number;
  jobs: number;
  only?: string;
  page?: string;
}

const options = new Command('npm run bench:paper --')
  .description("Trains with the paper's losses and anchors, and lays its tables and figures beside the paper's own.")
  .option('--bccd <folder>', 'the data set BCCD, as it is downloaded; without it, digits alone')
  .option('--quick', 'one seed, half of the comparisons, digits, one learning rate: ten minutes', false)
  .option('--seeds <n>', 'runs of each comparison', toCount, 3)
  .option('--jobs <n>', 'runs at a time (default: the cores there are)', toCount, availableParallelism())
  .option('--only <pattern>', 'comparisons whose names match this regular expression, and focal-2')
  .option(
    '--out <folder>',
    'of runs, tables and figures (default: bench/results/paper, with --quick build/paper/quick, with --page bench/paper/results)',
  )
  .option('--data <folder>', 'of the scenes that are drawn', 'build/paper')
  .option(
    '--page <file>',
    'trains nothing: writes tables and figures of the runs on record into this page and beside it',
  )
  .parse()
  .opts<Options>();

function toCount(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected 1 to 99.');
}

/** The runs of docs/paper.md. */
const ON_RECORD = 'bench/paper/results';

const { only, seeds, quick: isQuick, page, bccd, jobs } = options;
const usual = isQuick ? 'build/paper/quick' : 'bench/results/paper';
const out = options.out ?? (page === undefined ? usual : ON_RECORD);
const pattern = new RegExp(only ?? '');
const isWanted = ({ id, isQuick: isShort }: Experiment) =>
  (!isQuick || isShort === true) && (id === FOCAL || pattern.test(id));
const wanted: Wanted = {
  experiments: EXPERIMENTS.filter(isWanted),
  sets: DATA_SETS.filter(({ name }) => name === 'digits' || page !== undefined || (bccd !== undefined && !isQuick)),
  seeds: isQuick ? 1 : seeds,
  isQuick,
};

function say(result: RunResult, left: number): void {
  const { experiment, dataSet, learningRate, seed, split, AP, AP50, diverged, seconds } = result;
  const run = `${dataSet} ${experiment} rate ${learningRate} ${split === 'val' ? 'search' : `seed ${seed}`}`;
  const lost = diverged === undefined ? '' : `, diverged in step ${diverged}`;
  const numbers = `AP ${(100 * AP).toFixed(1)}, AP50 ${(100 * AP50).toFixed(1)}`;
  process.stderr.write(`${run}: ${numbers}, ${seconds} s${lost}; ${left} left of this stage\n`);
}

async function trainAll(): Promise<void> {
  const folders: Folders = { drawn: options.data, ...(bccd !== undefined && { bccd }) };
  mkdirSync(options.data, { recursive: true });
  mkdirSync(out, { recursive: true });
  for (const data of wanted.sets) await openDataSet(data, folders); // what is wrong with one shows now
  for (const stage of stagesOf(out, wanted)) {
    await runMissing(stage(), { folder: out, folders, count: jobs, onResult: say });
    writeFileSync(join(out, 'tables.md'), tablesOf(collect(out, wanted), wanted.sets)); // for those who look on the way
  }
}

if (page === undefined) {
  await trainAll();
  const results = collect(out, wanted);
  await drawFigures(out, results, wanted.sets);
  console.log(tablesOf(results, wanted.sets));
  console.log(`Tables and figures: ${out}`);
} else {
  await writePage(page, collect(out, wanted), wanted.sets);
}
