import { availableParallelism } from 'node:os';

import { describe } from '../../arguments/describe.js';
import { Check, type NumberRange } from '../../arguments/validate.js';
import { type AugmentOptions, resolveAugment } from '../data/augment.js';
import type { BatchOptions } from '../data/batches.js';
import { checkDataset, type DetectionDataset, imageOf } from '../data/dataset.js';
import { LOSS_NAMES, type LossName } from './losses.js';
import { checkNet, type NetParts } from '../model/net.js';
import type { StepReport } from './train.js';
import type { StepOptions } from './train-shared.js';

/** The recipe; the defaults suit the `compact` preset. */
export interface TrainingOptions {
  /** Updates of the weights. Default 400. */
  steps?: number;
  /** Images per step, over all threads together. Default 8. */
  batchSize?: number;
  /** Peak of the schedule: linear warm-up, then half a cosine. Default 2e-3. */
  learningRate?: number;
  /** Default: a tenth of the steps, at most 500. */
  warmupSteps?: number;
  /** A gradient whose norm, over all weights together, is longer is scaled down to this. Default 5. */
  clipNorm?: number;
  /** Decay of the moving average of the weights that the model ends with, 0 (no average) to 1. Default 0.98. */
  weightAveraging?: number;
  /** Factor on the box loss. Default 1. */
  boxWeight?: number;
  /** The class loss. Default `focal`. */
  loss?: LossName;
  /** Random changes of the images: true (default), false or what to change. */
  augment?: boolean | AugmentOptions;
  /** Decides the order of the images and their random changes. Default 0. */
  seed?: number;
  /** Worker threads, at most one per image of a batch. Default: the cores there are, at most 8. */
  threads?: number;
  /** Stops after the current step. */
  signal?: AbortSignal;
  /** Called after every step. */
  onStep?: (report: StepReport) => void;
}

export interface ResolvedTraining {
  check: Check;
  net: NetParts;
  data: DetectionDataset;
  step: StepOptions;
  batches: BatchOptions;
  threads: number;
  signal: AbortSignal | undefined;
  onStep: ((report: StepReport) => void) | undefined;
}

const DEFAULTS = {
  steps: 400,
  batchSize: 8,
  learningRate: 2e-3,
  clipNorm: 5,
  weightAveraging: 0.98,
  boxWeight: 1,
  loss: 'focal',
  augment: true,
  seed: 0,
  threads: Math.min(8, availableParallelism()),
} satisfies TrainingOptions;

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
export function resolveTraining(net: unknown, dataset: unknown, options: unknown): ResolvedTraining {
  const check = new Check('trainRetinaNet');
  const parts = checkNet(check, net);
  const data = checkDataset(check, dataset);
  checkFit(check, parts, data);
  const given = { ...DEFAULTS, ...check.options<TrainingOptions>('options', options, OPTION_NAMES) };
  const number = (name: keyof TrainingOptions, range: NumberRange) => check.number(name, given[name], range);
  const integer = (name: keyof TrainingOptions, min: number, max = 1e9) => number(name, { min, max, integer: true });
  const positive = { min: 0, exclusiveMin: true };
  const steps = integer('steps', 1);
  given.warmupSteps ??= Math.min(500, Math.ceil(steps / 10));
  const batchSize = integer('batchSize', 1, 4096);
  return {
    check,
    net: parts,
    data,
    threads: Math.min(integer('threads', 1, 256), batchSize),
    step: {
      steps,
      learningRate: number('learningRate', positive),
      warmupSteps: integer('warmupSteps', 0),
      clipNorm: number('clipNorm', positive),
      weightAveraging: number('weightAveraging', { min: 0, max: 1 }),
      boxWeight: number('boxWeight', { min: 0 }),
      loss: check.oneOf('loss', given.loss, LOSS_NAMES),
    },
    batches: { batchSize, seed: integer('seed', 0, 2 ** 31 - 1), augment: resolveAugment(check, given.augment) },
    signal: given.signal === undefined ? undefined : checkSignal(check, given.signal),
    onStep: given.onStep === undefined ? undefined : check.function('onStep', given.onStep),
  };
}

/** An AbortSignal of any realm, or what behaves as one. */
function checkSignal(check: Check, signal: unknown): AbortSignal {
  const isObject = typeof signal === 'object' && signal !== null;
  if (isObject && typeof (signal as AbortSignal).aborted === 'boolean') return signal as AbortSignal;
  check.fail('ERR_DTYPE', 'signal', 'an AbortSignal', describe(signal));
}

function checkFit(check: Check, { config }: NetParts, data: DetectionDataset): void {
  for (const name of ['imageHeight', 'imageWidth'] as const) {
    const [expected, received] = [config[name], data[name]];
    if (received === expected) continue;
    check.fail('ERR_SHAPE', `dataset.${name}`, `${String(expected)}, as the net has it,`, String(received));
  }
  check.labels('dataset.labels', data.labels, 0, config.numClasses, imageOf(data));
}
