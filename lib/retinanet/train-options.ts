import { availableParallelism } from 'node:os';

import { RetinanetOpsError } from '../errors.js';
import { type AugmentOptions, resolveAugment } from './augment.js';
import type { BatchOptions } from './batches.js';
import { checkChoice, checkInteger, checkNumber, checkOptionNames } from './check.js';
import type { DetectionDataset } from './dataset.js';
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
  /** Default: a twentieth of the steps, at most 500. */
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
  checkOptionNames('trainRetinaNet', options, OPTION_NAMES);
  checkDataset(net, dataset);
  const steps = checkInteger('steps', options.steps ?? 400, 1, 1e9);
  const batchSize = checkInteger('batchSize', options.batchSize ?? 8, 1, 4096);
  const threads = checkInteger('threads', options.threads ?? Math.min(8, availableParallelism()), 1, 256);
  const warmup = Math.min(500, Math.ceil(steps / 20));
  return {
    threads: Math.min(threads, batchSize),
    step: {
      steps,
      learningRate: checkNumber('learningRate', options.learningRate ?? 2e-3, 1e-12, 100),
      warmupSteps: checkInteger('warmupSteps', options.warmupSteps ?? warmup, 0, 1e9),
      clipNorm: checkNumber('clipNorm', options.clipNorm ?? 5, 1e-12, Infinity),
      weightAveraging: checkNumber('weightAveraging', options.weightAveraging ?? 0.98, 0, 1),
      boxWeight: checkNumber('boxWeight', options.boxWeight ?? 1, 0, 1e6),
      loss: checkChoice('loss', options.loss ?? 'focal', LOSS_NAMES),
    },
    batches: {
      batchSize,
      seed: checkInteger('seed', options.seed ?? 0, 0, 2 ** 31 - 1),
      augment: resolveAugment(options.augment),
    },
    signal: options.signal,
    onStep: options.onStep,
  };
}

function checkDataset({ config }: RetinaNet, dataset: DetectionDataset): void {
  const fail = (what: string, expected: number, got: number) =>
    new RetinanetOpsError('ERR_SHAPE', `${what} must be ${String(expected)}, got ${String(got)}`);
  const { imageHeight, imageWidth, length, images, boxes, labels, offsets } = dataset;
  if (length < 1) throw new RetinanetOpsError('ERR_DATA', 'dataset has no images to train on');
  if (imageHeight !== config.imageHeight) throw fail('dataset.imageHeight', config.imageHeight, imageHeight);
  if (imageWidth !== config.imageWidth) throw fail('dataset.imageWidth', config.imageWidth, imageWidth);
  const pixels = length * imageHeight * imageWidth * 3;
  if (images.length !== pixels) throw fail('dataset.images.length', pixels, images.length);
  if (offsets.length !== length + 1) throw fail('dataset.offsets.length', length + 1, offsets.length);
  if (boxes.length !== labels.length * 4) throw fail('dataset.boxes.length', labels.length * 4, boxes.length);
  const row = labels.findIndex((label) => label < 0 || label >= config.numClasses);
  if (row >= 0) {
    throw new RetinanetOpsError(
      'ERR_LABEL',
      `dataset.labels must be from 0 to ${String(config.numClasses - 1)}, got ${String(labels[row])} at row ${String(row)}`,
    );
  }
}
