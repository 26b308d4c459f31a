import { availableParallelism } from 'node:os';

import { Check } from '../validate.js';
import { type AugmentOptions, resolveAugment } from './augment.js';
import type { BatchOptions } from './batches.js';
import { type DetectionDataset, validateDataset } from './dataset.js';
import { LOSS_NAMES, type LossName } from './losses.js';
import type { RetinaNet } from './model.js';
import type { StepReport } from './train.js';
import type { StepOptions } from './train-shared.js';

/** The recipe; the defaults suit the `compact` preset. */
export interface TrainingOptions {
  /** Default 400. */
  steps?: number;
  /** Images of a step, all threads together. Default 8. */
  batchSize?: number;
  /** Peak of the schedule: linear warm-up, then half a cosine. Default 2e-3. */
  learningRate?: number;
  /** Default: a tenth of the steps, at most 500. */
  warmupSteps?: number;
  /** Longest norm of the gradient of all weights together. Default 5. */
  clipNorm?: number;
  /** Decay of the moving average of the weights that the model ends with, 0 (no average) to 1. Default 0.98. */
  weightAveraging?: number;
  /** Factor on the box loss. Default 1. */
  boxWeight?: number;
  /** Default `focal`. */
  loss?: LossName;
  /** Random changes of the images: true (default), false or what to change. */
  augment?: boolean | AugmentOptions;
  /** Order of the images and their changes. Default 0. */
  seed?: number;
  /** Worker threads, at most one an image of the batch. Default: the cores there are, at most 8. */
  threads?: number;
  /** Stops after the current step. */
  signal?: AbortSignal;
  /** Called after every step. */
  onStep?: (report: StepReport) => void;
}

export interface ResolvedTraining {
  step: StepOptions;
  batches: BatchOptions;
  threads: number;
  signal: AbortSignal | undefined;
  onStep: ((report: StepReport) => void) | undefined;
}

const OPTION_NAMES = [
  'steps',
  'batchSize',
  'learningRate',
  'warmupSteps',
  'clipNorm',
  'weightAveraging',
  'boxWeight',
  'loss',
  'augment',
  'seed',
  'threads',
  'signal',
  'onStep',
] as const;

/** Fills in defaults. @throws RetinanetOpsError naming the option, or what of the data set does not fit the net. */
export function resolveTraining(net: RetinaNet, dataset: DetectionDataset, options: TrainingOptions): ResolvedTraining {
  const check = new Check('trainRetinaNet');
  const given = check.options<TrainingOptions>('options', options, OPTION_NAMES);
  const integer = (name: keyof TrainingOptions, value: unknown, min: number, max = 1e9) =>
    check.number(name, value, { min, max, integer: true });
  const positive = (name: keyof TrainingOptions, value: unknown) =>
    check.number(name, value, { min: 0, exclusiveMin: true });
  checkDataset(check, net, dataset);
  const steps = integer('steps', given.steps ?? 400, 1);
  const batchSize = integer('batchSize', given.batchSize ?? 8, 1, 4096);
  const threads = integer('threads', given.threads ?? Math.min(8, availableParallelism()), 1, 256);
  return {
    threads: Math.min(threads, batchSize),
    step: {
      steps,
      learningRate: positive('learningRate', given.learningRate ?? 2e-3),
      warmupSteps: integer('warmupSteps', given.warmupSteps ?? Math.min(500, Math.ceil(steps / 10)), 0),
      clipNorm: positive('clipNorm', given.clipNorm ?? 5),
      weightAveraging: check.number('weightAveraging', given.weightAveraging ?? 0.98, { min: 0, max: 1 }),
      boxWeight: check.number('boxWeight', given.boxWeight ?? 1, { min: 0 }),
      loss: check.oneOf('loss', given.loss ?? 'focal', LOSS_NAMES),
    },
    batches: {
      batchSize,
      seed: integer('seed', given.seed ?? 0, 0, 2 ** 31 - 1),
      augment: resolveAugment(given.augment),
    },
    signal: given.signal,
    onStep: given.onStep,
  };
}

function checkDataset(check: Check, { config }: RetinaNet, dataset: DetectionDataset): void {
  validateDataset(dataset);
  for (const name of ['imageHeight', 'imageWidth'] as const) {
    const [expected, received] = [config[name], dataset[name]];
    if (received !== expected) check.fail('ERR_SHAPE', `dataset.${name}`, String(expected), String(received));
  }
  check.labels('dataset.labels', dataset.labels, 0, config.numClasses);
}
