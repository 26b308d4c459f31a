// Runs and their files: each run is one, and what there is decides what is left to do.
import { join } from 'node:path';
import type { CumulativeLoss } from 'retinanet-ops/retinanet';
import { keep, readKept } from '../kept.js';
import type { DataSet } from './data-sets.js';
import { type Experiment, EXPERIMENTS, LEARNING_RATES, TUNING_SEED, USUAL_RATE } from './experiments.js';

/** What tells one run from another. */
export interface Asked {
  experiment: string;
  dataSet: DataSet['name'];
  learningRate: number;
  seed: number;
  steps: number;
  split: 'val' | 'test';
}

export interface RunResult extends Asked {
  /** 0 to 1. */
  AP: number;
  AP50: number;
  AP75: number;
  /** The step whose loss was no number. */
  diverged?: number;
  /** Class loss, the mean of every ten steps. */
  classLoss: number[];
  /** The largest class loss of a step. */
  highest: number;
  /** Anchors of an image, and how many of them have an object: the mean of all steps. */
  anchors: number;
  positives: number;
  seconds: number;
  date: string;
  /** Cores and instruction set. */
  machine: string;
  /** Figure 4, of one run of each data set. */
  cumulative?: CumulativeLoss;
}

export const fileOf = (folder: string, { experiment, dataSet, learningRate, seed, steps, split }: Asked): string =>
  join(folder, 'runs', dataSet, `${experiment}_${learningRate}_${seed}_${split}_${steps}.json`);

export const readRun = (folder: string, asked: Asked) => readKept(fileOf(folder, asked)) as RunResult | undefined;

export function writeRun(folder: string, result: RunResult): void {
  keep(fileOf(folder, result), result);
}

/** What is asked for. */
export interface Wanted {
  experiments: readonly Experiment[];
  sets: readonly DataSet[];
  seeds: number;
  isQuick: boolean;
}

/** The experiment whose learning rate one has. */
const tunedFor = ({ id, rateOf: other, sameAs }: Experiment): Experiment =>
  EXPERIMENTS.find((one) => one.id === (sameAs ?? other ?? id))!;

/** The short runs that seek the learning rate of an experiment, from the lowest. */
export function tuningRuns({ id, rates = LEARNING_RATES }: Experiment, data: DataSet): Asked[] {
  const same = {
    experiment: id,
    dataSet: data.name,
    seed: TUNING_SEED,
    steps: data.tuningSteps,
    split: 'val' as const,
  };
  return rates.map((learningRate) => ({ ...same, learningRate }));
}

/** How many of the short runs' rates are tried once more, in whole runs: after the short ones they are too close to tell apart. */
const FINALISTS = 2;

/** The whole runs among which the learning rate is decided; none while a short one is missing. */
export function deciders(folder: string, experiment: Experiment, data: DataSet): Asked[] {
  const best = ranked(folder, tuningRuns(experiment, data)).slice(0, FINALISTS);
  return best.map(({ learningRate }) => ({ ...tuningRuns(experiment, data)[0]!, steps: data.steps, learningRate }));
}

/** Runs from the best AP on, of equal ones the lower rate first; none while one is missing. */
function ranked(folder: string, asked: readonly Asked[]): RunResult[] {
  const runs = asked.map((one) => readRun(folder, one)).filter((run) => run !== undefined);
  return runs.length < asked.length ? [] : runs.sort((a, b) => b.AP - a.AP);
}

/** The learning rate with the best AP; undefined while a run is missing. */
export function rateOf(folder: string, experiment: Experiment, data: DataSet): number | undefined {
  return ranked(folder, deciders(folder, experiment, data))[0]?.learningRate;
}

/** The run of an experiment with a seed; undefined while its learning rate is not known. */
export function testRun(
  folder: string,
  wanted: Wanted,
  experiment: Experiment,
  data: DataSet,
  seed: number,
): Asked | undefined {
  const learningRate = wanted.isQuick ? USUAL_RATE : rateOf(folder, tunedFor(experiment), data);
  if (learningRate === undefined) return undefined;
  const { id, sameAs = id } = experiment;
  return { experiment: sameAs, dataSet: data.name, learningRate, seed, steps: data.steps, split: 'test' };
}

/** The runs in their order, a stage after the other: a table of one seed early, then the other seeds. */
export function stagesOf(folder: string, wanted: Wanted): (() => Asked[])[] {
  const { experiments, sets, seeds, isQuick } = wanted;
  const kinds = isQuick ? [] : [...new Set(experiments.map(tunedFor))];
  const tuning = (data: DataSet) => () => kinds.flatMap((experiment) => tuningRuns(experiment, data));
  const deciding = (data: DataSet) => () => kinds.flatMap((experiment) => deciders(folder, experiment, data));
  const testing = (data: DataSet, seed: number) => () =>
    experiments
      .filter(({ sameAs }) => sameAs === undefined)
      .flatMap((experiment) => testRun(folder, wanted, experiment, data, seed) ?? []);
  return [
    ...sets.flatMap((data) => [tuning(data), deciding(data), testing(data, 0)]),
    ...Array.from({ length: seeds - 1 }, (_, i) => sets.map((data) => testing(data, i + 1))).flat(),
  ];
}

/** Runs of an experiment on a data set, by seed. */
export type Results = ReadonlyMap<string, readonly RunResult[]>;
export const keyOf = (experiment: string, dataSet: string) => `${experiment} on ${dataSet}`;

/** The runs on test pictures that there are. */
export function collect(folder: string, wanted: Wanted): Results {
  const results = new Map<string, RunResult[]>();
  for (const data of wanted.sets) {
    for (const experiment of wanted.experiments) {
      const runs = Array.from({ length: wanted.seeds }, (_, seed) => {
        const asked = testRun(folder, wanted, experiment, data, seed);
        return asked && readRun(folder, asked);
      }).filter((run) => run !== undefined);
      if (runs.length > 0) results.set(keyOf(experiment.id, data.name), runs);
    }
  }
  return results;
}
