import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type AnnotatedDataset, readDataset, useNativeBackend } from 'retinanet-ops/retinanet';
import { type DataSet, DATA_SETS } from '../../bench/paper/data-sets.js';
import { type Experiment, EXPERIMENTS, FOCAL, LEARNING_RATES } from '../../bench/paper/experiments.js';
import { figuresOf } from '../../bench/paper/figures.js';
import { renewed } from '../../bench/paper/page.js';
import { type Asked, collect, keyOf, readRun, stagesOf, type Wanted, writeRun } from '../../bench/paper/run-files.js';
import { train } from '../../bench/paper/run.js';
import { tablesOf } from '../../bench/paper/tables.js';
import { writeDigits } from '../../demo/digits.js';
import { deviation, mean, pairedTest } from '../../bench/statistics.js';

/** Differences of n pairs whose t is the given one. */
function differences(n: number, t: number): number[] {
  const around = Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const middle = (t * deviation(around)) / Math.sqrt(n);
  return around.map((value) => value + middle);
}

test('the paired test has the values of published tables of Student’s t', (t) => {
  for (const [freedom, value, p] of [
    [1, 12.706, 0.05],
    [2, 4.303, 0.05],
    [3, 5.841, 0.01],
    [4, 2.132, 0.1],
    [9, 2.262, 0.05],
    [10, 3.169, 0.01],
    [30, 1.697, 0.1],
  ] as const) {
    const found = pairedTest(differences(freedom + 1, value));
    t.true(Math.abs(found / p - 1) < 2e-3, `${freedom} degrees of freedom: ${found}`);
    t.true(Math.abs(found - pairedTest(differences(freedom + 1, -value))) < 1e-12);
  }
  t.true(Number.isNaN(pairedTest([1])));
  t.is(pairedTest([0.5, 0.5]), 0);
  t.is(mean([1, 2, 6]), 3);
});

test('the comparisons have names of their own, and learning rates that exist', (t) => {
  const ids = EXPERIMENTS.map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  t.true(ids.includes(FOCAL));
  for (const { rateOf, sameAs } of EXPERIMENTS) {
    for (const id of [rateOf, sameAs]) if (id) t.is(experimentOf(id).rateOf ?? experimentOf(id).sameAs, undefined);
  }
});

const folderOfTest = () => mkdtempSync(join(tmpdir(), 'retinanet-ops-paper-'));
const experimentOf = (id: string): Experiment => EXPERIMENTS.find((one) => one.id === id)!;

/** A run as it is written, with the AP that is wanted. */
const ended = (asked: Asked, AP: number) => ({
  ...{ ...asked, AP, AP50: AP, AP75: AP, classLoss: [1], highest: 1, anchors: 9, positives: 1, seconds: 1 },
  ...{ date: '2026-01-01', machine: 'none' },
});

test('what has a file is not asked for again; each loss is compared at the learning rate that was best for it', (t) => {
  const folder = folderOfTest();
  const experiments = ['focal-2', 'ohem-128-0.5', 'anchors-1x1'].map(experimentOf);
  const wanted: Wanted = { experiments, sets: DATA_SETS.slice(0, 1), seeds: 2, isQuick: false };
  const [tuning, deciding, first, second] = stagesOf(folder, wanted);
  const searched = tuning!();
  t.is(searched.length, 2 * LEARNING_RATES.length, 'the anchors take the rate of the focal loss');
  t.deepEqual([deciding!(), first!()], [[], []], 'no rate is known yet');
  for (const asked of searched) writeRun(folder, ended(asked, 1 - asked.learningRate));
  const whole = deciding!();
  t.is(whole.length, 4, 'the best two of each kind');
  t.true(whole.every(({ steps, learningRate }) => steps > searched[0]!.steps && learningRate < LEARNING_RATES[2]));
  t.deepEqual(first!(), []);
  const best = { 'focal-2': LEARNING_RATES[0], 'ohem-128-0.7': LEARNING_RATES[1] } as Record<string, number>;
  for (const asked of whole) writeRun(folder, ended(asked, asked.learningRate === best[asked.experiment] ? 0.5 : 0.25));
  t.deepEqual(
    first!().map(({ experiment, learningRate, seed }) => [experiment, learningRate, seed]),
    [
      ['focal-2', LEARNING_RATES[0], 0],
      ['ohem-128-0.5', LEARNING_RATES[1], 0],
      ['anchors-1x1', LEARNING_RATES[0], 0],
    ],
  );
  for (const [i, asked] of [...first!(), ...second!()].entries()) writeRun(folder, ended(asked, 0.1 + i / 64));
  t.is(readRun(folder, second!()[0]!)?.AP, 0.1 + 3 / 64);
  const results = collect(folder, wanted);
  t.deepEqual(
    results.get(keyOf('ohem-128-0.5', 'digits'))?.map(({ AP }) => AP),
    [0.1 + 1 / 64, 0.1 + 4 / 64],
  );
  t.regex(tablesOf(results, wanted.sets), /OHEM 128, NMS 0.5 +\|[^|]*32.8, 50.3, 35.1[^|]*\|[^|]*13.9/);
  rmSync(folder, { recursive: true });
});

test('a run is trained, measured and has the curves of figure 4', async (t) => {
  await useNativeBackend();
  const folder = folderOfTest();
  const [width, height] = [64, 64];
  await writeDigits(folder, { seed: 1, width, height, scenes: { train: 8, valid: 2, test: 4 } });
  const dataset: AnnotatedDataset = await readDataset(folder);
  const frame = { imageWidth: width, imageHeight: height };
  const data: DataSet = { ...DATA_SETS[0]!, frame };
  const asked: Asked = { experiment: FOCAL, dataSet: 'digits', learningRate: 1e-3, seed: 0, steps: 12, split: 'test' };
  const result = await train({ asked, experiment: experimentOf(FOCAL), data, dataset, threads: 1 });
  t.is(result.classLoss.length, 2);
  t.true(result.highest >= Math.max(...result.classLoss) && result.positives > 1);
  t.is(result.diverged, undefined);
  t.true(result.AP >= 0 && result.AP <= 1);
  const { foreground, background } = result.cumulative!;
  t.true(background.samples > foreground.samples);
  t.is(background.shares[0]!.at(-1), 1);
  writeRun(folder, result);
  t.deepEqual(readRun(folder, asked), JSON.parse(JSON.stringify(result)));

  const again = await train({ asked, experiment: experimentOf(FOCAL), data, dataset, threads: 2 });
  t.is(again.AP, result.AP, 'two at a time with a thread each are what one with two is');
  t.deepEqual(again.classLoss, result.classLoss);
  rmSync(folder, { recursive: true });
});

test('docs/paper.md is what the runs on record say', async (t) => {
  const wanted: Wanted = { experiments: EXPERIMENTS, sets: DATA_SETS, seeds: 3, isQuick: false };
  const results = collect('bench/paper/results', wanted);
  t.is(await renewed('docs/paper.md', results, DATA_SETS), readFileSync('docs/paper.md', 'utf8'));
  for (const { name } of figuresOf(results, DATA_SETS)) {
    for (const type of ['svg', 'png']) t.true(existsSync(`docs/paper/${name}.${type}`), `${name}.${type}`);
  }
});
