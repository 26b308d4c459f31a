// Training on a source, and training on the target from what was learned there or from nothing, measured on the way; both through the
// public API, as a user would.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type AnnotatedDataset,
  createRetinaNet,
  evaluateDataset,
  loadWeights,
  openImages,
  type RetinaNet,
  saveWeights,
  type SplitName,
  trainRetinaNet,
} from 'retinanet-ops/retinanet';
import { kept } from '../kept.js';
import { HEIGHT, WIDTH } from './scenes.js';

export interface Numbers {
  AP: number;
  AP50: number;
  AP75: number;
}

/** What a network can begin with, and how tables and figures call it. */
export const TITLES = { nothing: 'nothing', drawn: 'drawn scenes', nuclei: 'nuclei' } as const;
export type StartName = keyof typeof TITLES;

/** What a network begins with: weights of a source, or nothing. */
export interface Start {
  name: StartName;
  weights?: string;
}

/** The data set that is learned after the source. */
export interface Target {
  dataset: AnnotatedDataset;
  steps: number;
}

export interface Asked {
  start: Start;
  target: Target;
  learningRate: number;
  seed: number;
  /** Steps between two measurements on the validation split; none where the run seeks a learning rate. */
  every?: number;
}

export interface RunResult {
  start: StartName;
  learningRate: number;
  seed: number;
  steps: number;
  /** On the validation split, after so many steps; the last is that of the whole run. */
  validations: (Numbers & { step: number })[];
  /** Of the trained network, on the test split. */
  test?: Numbers;
  /** Of the weights that it began with: numbers taken over, and names of what was left untrained. */
  taken?: { count: number; leftAtPrior: string[] };
  seconds: number;
  date: string;
}

/** What a network learned on a source. */
export interface SourceResult extends Numbers {
  source: StartName;
  images: number;
  boxes: number;
  classes: string[];
  steps: number;
  seconds: number;
}

const SOURCE_RATE = 2e-3;
/** Alike in source and target. */
const FRAME = { imageWidth: WIDTH, imageHeight: HEIGHT };
const AUGMENT = { verticalFlip: true, zoom: 1.25, shift: 0.1, aspect: 1.15, colour: 0.1 };

async function measure(net: RetinaNet, dataset: AnnotatedDataset, split: SplitName): Promise<Numbers> {
  const { AP, AP50, AP75 } = (await evaluateDataset(net, dataset, split)).coco;
  const short = (value: number) => Number(value.toFixed(4));
  return { AP: short(AP), AP50: short(AP50), AP75: short(AP75) };
}

/** Trains on a source; its weights are in `weights` afterwards. Done again where they are not there. */
export async function learnSource(
  folder: string,
  name: StartName,
  dataset: AnnotatedDataset,
  steps: number,
  weights: string,
): Promise<SourceResult> {
  const work = async () => {
    const start = performance.now();
    const net = createRetinaNet({ ...FRAME, numClasses: dataset.classes.length, seed: 0 });
    const images = openImages(dataset, 'train', net.config);
    await trainRetinaNet(net, images, { steps, learningRate: SOURCE_RATE, seed: 0, augment: AUGMENT });
    mkdirSync(dirname(weights), { recursive: true });
    await saveWeights(net, weights);
    const numbers = await measure(net, dataset, 'val');
    net.dispose();
    const seconds = Math.round((performance.now() - start) / 1000);
    const about = { source: name, images: images.length, boxes: images.labels.length, classes: dataset.classes, steps };
    return { ...about, ...numbers, seconds };
  };
  const file = join(folder, 'sources', `${name}_${steps}.json`);
  // Without its weights the file is of no use.
  return existsSync(weights) ? kept(file, work) : work().then((result) => kept(file, () => Promise.resolve(result)));
}

export function fileOf(folder: string, { start, target, learningRate, seed, every }: Asked): string {
  const kind = every === undefined ? 'rate' : `every${every}`;
  return join(folder, 'runs', `${start.name}_${learningRate}_${seed}_${target.steps}_${kind}.json`);
}

export function runOnce(folder: string, asked: Asked): Promise<RunResult> {
  return kept(fileOf(folder, asked), () => train(asked));
}

async function train({ start, target, learningRate, seed, every }: Asked): Promise<RunResult> {
  const { dataset, steps } = target;
  const began = performance.now();
  const net = createRetinaNet({ ...FRAME, numClasses: dataset.classes.length, seed });
  const report = start.weights === undefined ? undefined : await loadWeights(net, start.weights);
  const validations: RunResult['validations'] = [];
  await trainRetinaNet(net, openImages(dataset, 'train', net.config), {
    ...{ steps, learningRate, seed, augment: AUGMENT },
    onStep: async ({ step }, run) => {
      if (every === undefined || step % every !== 0 || step === steps) return;
      run.updateModel();
      validations.push({ step, ...(await measure(net, dataset, 'val')) });
    },
  });
  validations.push({ step: steps, ...(await measure(net, dataset, 'val')) });
  const test = every === undefined ? undefined : await measure(net, dataset, 'test');
  net.dispose();
  return {
    ...{ start: start.name, learningRate, seed, steps, validations },
    ...(test && { test }),
    ...(report && { taken: { count: report.count, leftAtPrior: report.leftAtPrior } }),
    seconds: Math.round((performance.now() - began) / 1000),
    date: new Date().toISOString(),
  };
}
