// `npm run bench:paper`: the comparisons of "Focal Loss for Dense Object Detection" in small, on the user's own machine. Every run is a
// file: ended at any moment, it goes on with the next one that is missing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { useNativeBackend } from 'retinanet-ops/retinanet';
import { bccd, type DataSet, digits } from './data-sets.js';
import { type Experiment, EXPERIMENTS, isTuned, LEARNING_RATES, TUNING_SEED, USUAL_RATE } from './experiments.js';
import { drawFigures } from './figures.js';
import { type Asked, runOnce, type RunResult } from './run.js';
import { keyOf, type Results, tablesOf } from './tables.js';

interface Options {
  out: string;
  bccd?: string;
  quick: boolean;
  seeds: number;
  only?: string;
}

const options = new Command('npm run bench:paper --')
  .description("Trains with the paper's losses and anchors, and lays its tables and figures beside the paper's own.")
  .option('--bccd <folder>', 'the data set BCCD, as it is downloaded; without it, digits alone')
  .option('--quick', 'one seed, a third of the comparisons, digits, one learning rate: ten minutes', false)
  .option('--seeds <n>', 'runs of each comparison', toCount, 3)
  .option('--only <pattern>', 'comparisons whose names match this regular expression, and focal-2')
  .option('--out <folder>', 'of runs, tables and figures', 'bench/results/paper')
  .parse()
  .opts<Options>();

function toCount(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected 1 to 99.');
}

const isWanted = ({ id, isQuick }: Experiment) =>
  (!options.quick || isQuick === true) && (!options.only || id === 'focal-2' || new RegExp(options.only).test(id));
const experiments = EXPERIMENTS.filter(isWanted);

async function say(asked: Asked, number: string): Promise<RunResult> {
  const { experiment, data, learningRate, seed } = asked;
  process.stderr.write(`${number} ${data.title}, ${experiment.label}, rate ${learningRate}, seed ${seed} ... `);
  const result = await runOnce(options.out, asked);
  const lost = result.diverged === undefined ? '' : `, diverged in step ${result.diverged}`;
  process.stderr.write(`AP ${(100 * result.AP).toFixed(1)}, ${result.seconds} s${lost}\n`);
  return result;
}

/** The learning rate of each loss on a data set: the one with the best AP on its validation split. */
async function ratesOf(data: DataSet): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  if (options.quick) return rates;
  for (const experiment of EXPERIMENTS.filter((one) => isTuned(one) && isWanted(one))) {
    let best: RunResult | undefined;
    for (const learningRate of LEARNING_RATES) {
      const result = await say({ experiment, data, learningRate, seed: TUNING_SEED, split: 'val' }, 'rate');
      if (best === undefined || result.AP > best.AP) best = result;
    }
    rates.set(experiment.id, best!.learningRate);
  }
  return rates;
}

await useNativeBackend();
const sets: DataSet[] = [];
if (options.bccd !== undefined && !options.quick) sets.push(await bccd(options.bccd));
sets.push(await digits(options.out, options.quick));
const results = new Map<string, RunResult[]>();
for (const data of sets) {
  const rates = await ratesOf(data);
  for (let seed = 0; seed < (options.quick ? 1 : options.seeds); seed++) {
    for (const [i, experiment] of experiments.entries()) {
      const learningRate = rates.get(experiment.rateOf ?? experiment.id) ?? USUAL_RATE;
      const asked: Asked = { experiment, data, learningRate, seed, split: 'test' };
      const result = await say(asked, `${i + 1}/${experiments.length}`);
      const key = keyOf(experiment.id, data.name);
      results.set(key, [...(results.get(key) ?? []), result]);
      await write(results); // what there is, for those who look on the way
    }
  }
}
console.log(tablesOf(results, sets));
console.log(`Tables and figures: ${options.out}`);

async function write(found: Results): Promise<void> {
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'tables.md'), tablesOf(found, sets));
  await drawFigures(options.out, found, sets);
}
