import { availableParallelism } from 'node:os';

import { Check } from '../../arguments/check.js';
import {
  boolean,
  callback,
  type Checked,
  number,
  oneOf,
  signal,
  value,
  type OptionsOf,
} from '../../arguments/options.js';
import { BACKEND_CHOICES, backendOfWorkers, type StartedBackend } from '../backend.js';
import { type AugmentOptions, resolveAugment } from '../data/augment.js';
import type { BatchOptions } from '../data/batches.js';
import { BOX_LOSS_NAMES } from '../../operations/retinanet-loss.js';
import {
  checkTrainingSet,
  type DetectionDataset,
  type ImageAnnotations,
  imageOf,
  type ImageSource,
} from '../data/dataset.js';
import { classLossOf, isByImage, LOSS_NAMES, type LossOptions } from './class-losses.js';
import { checkNet, type NetParts } from '../model/net.js';
import { PRESETS, type StepNormalizer } from '../model/presets.js';
import { sizeOf } from '../model/weights.js';
import type { Limits } from './schedule.js';
import type { StepReport } from './step-report.js';
import { checkState, type TrainingRun, type TrainingState } from './training-state.js';
import { shareThreads, type StepOptions, type ThreadShares } from './train-shared.js';

const COUNT = { min: 1, max: 1e9, integer: true } as const;
const POSITIVE = { min: 0, exclusiveMin: true } as const;

/** How a network is trained. */
export const TRAINING = {
  /** Updates of the weights, those before `resumeFrom` included. Default 400. At most one of `steps`, `epochs` and `seconds`. */
  steps: number(COUNT),
  /** Passes over the images, in their place; rounded up to whole steps. */
  epochs: number({ ...POSITIVE, max: 1e9 }),
  /**
   * Wall-clock time from the first step on, what `onStep` takes included, in their place. The learning rate follows the share of the
   * time that has passed, so that no two runs are the same.
   */
  seconds: number({ ...POSITIVE, max: 1e9 }),
  /** Images per step, over all threads together. Default 8. */
  batchSize: number({ ...COUNT, max: 4096, default: 8 }),
  /** Peak of the schedule: linear warm-up, then half a cosine to nothing at the end. Default 2e-3. */
  learningRate: number({ ...POSITIVE, default: 2e-3 }),
  /** Default: a tenth of the steps, at most 500. */
  warmupSteps: number({ ...COUNT, min: 0 }),
  /** A gradient whose norm, over all weights together, is longer is scaled down to this. Default 5. */
  clipNorm: number({ ...POSITIVE, default: 5 }),
  /** Decay of the moving average of the weights that the model ends with, 0 (no average) to 1. Default 0.98. */
  weightAveraging: number({ min: 0, max: 1, default: 0.98 }),
  /** Factor on the box loss. Default 1. */
  boxWeight: number({ min: 0, default: 1 }),
  /** The class loss. Default `focal`. */
  loss: oneOf(LOSS_NAMES, 'focal'),
  /** What the class loss can be told, such as `{ alpha: 0.5, gamma: 1 }` for `focal`; see LossOptions. Default: what its paper has. */
  lossOptions: value<LossOptions>(),
  /** The box loss. Default `smooth-l1`; `l1` for a net of the preset `torchvision-retinanet`. */
  boxLoss: oneOf(BOX_LOSS_NAMES),
  /**
   * What losses are divided by: the `positives` of the batch, or `positives-per-image`, each image's by its own before their mean is
   * taken; not with `ohem`, `hard-negatives` and `focal-star`. Default `positives`; `positives-per-image` for a net of the preset
   * `torchvision-retinanet` with one of the other losses.
   */
  normalizer: oneOf<StepNormalizer>(['positives', 'positives-per-image']),
  /** Random changes of the images: true (default), false or what to change. */
  augment: value<boolean | AugmentOptions>(undefined, true),
  /** Decides the order of the images and their random changes. Default 0. */
  seed: number({ min: 0, max: 2 ** 31 - 1, integer: true, default: 0 }),
  /**
   * Threads that compute. Default: the cores there are, at most 8. On `native` they share every operation, and the result is the same
   * for any number of them; on other backends each takes its share of the batch's images, at least one.
   */
  threads: number({ ...COUNT, max: 256, default: Math.min(8, availableParallelism()) }),
  /** What the threads train on, whichever backend the net is on. Default `native`. */
  backend: oneOf(BACKEND_CHOICES, 'native'),
  /**
   * Saves memory: keeps of each residual block of the backbone only its input and computes the rest again for the gradients, which
   * stay the same to the bit. Default false.
   */
  checkpoint: boolean(false),
  /** Batches that are read ahead of the step where images come from an ImageSource, 0 to 1000. Default 3. */
  prefetch: number({ ...COUNT, min: 0, max: 1000, default: 3 }),
  /**
   * What a run left, to go on from. With the same options, data and net it goes on bit for bit as that run would have. The net's own
   * trainable weights are replaced.
   */
  resumeFrom: value<TrainingState>(),
  /** Stops after the current step. */
  signal: signal(),
  /**
   * Called after every step; the next begins when a promise that it returns is fulfilled. In the meantime `run` gives the averaged
   * weights and all that the run can be continued from, and ends it with `run.stop()`.
   */
  onStep: callback<(report: StepReport, run: TrainingRun) => unknown>(),
};

/** The recipe; the defaults suit the `compact` preset. */
export interface TrainingOptions extends OptionsOf<typeof TRAINING> {}

export interface ResolvedTraining {
  check: Check;
  net: NetParts;
  data: DetectionDataset | ImageSource;
  step: StepOptions;
  batches: BatchOptions;
  limits: Limits;
  learningRate: number;
  warmupSteps: number | undefined;
  prefetch: number;
  threads: ThreadShares;
  backend: StartedBackend;
  resumeFrom: TrainingState | undefined;
  signal: AbortSignal | undefined;
  onStep: ((report: StepReport, run: TrainingRun) => unknown) | undefined;
}

/** Fills in defaults. @throws RetinanetOpsError naming the option, or what of the data set does not fit the net. */
export function resolveTraining(net: unknown, dataset: unknown, options: unknown): ResolvedTraining {
  const check = new Check('trainRetinaNet');
  const parts = checkNet(check, net);
  const data = checkTrainingSet(check, dataset);
  checkFit(check, parts, data);
  const given = check.options('options', options, TRAINING);
  const { batchSize, seed, augment, steps, epochs, seconds, threads, backend: choice, resumeFrom, ...rest } = given;
  const { learningRate, warmupSteps, prefetch, signal, onStep, loss, lossOptions, ...others } = rest;
  const classLoss = classLossOf(check, loss, lossOptions);
  const step = { ...others, classLoss, ...lossesOf(check, parts, { loss, ...others }) };
  const backend = backendOfWorkers(check, choice);
  return {
    ...{ check, net: parts, data, step, backend, learningRate, warmupSteps, prefetch, signal, onStep },
    batches: { batchSize, seed, augment: resolveAugment(check, augment), ground: parts.config.pixelMean },
    limits: limitsOf(check, { steps, epochs, seconds }, data.length / batchSize),
    threads: shareThreads(threads, batchSize, backend),
    resumeFrom:
      resumeFrom === undefined
        ? undefined
        : checkState(check, 'resumeFrom', resumeFrom, sizeOf(parts.model.trainableWeights)),
  };
}

/** The losses that are given, or those of the net's preset. */
function lossesOf(
  check: Check,
  { config }: NetParts,
  { loss, boxLoss, normalizer }: Pick<Checked<typeof TRAINING>, 'loss' | 'boxLoss' | 'normalizer'>,
): Pick<StepOptions, 'boxLoss' | 'normalizer'> {
  const preset = PRESETS[config.preset];
  if (!isByImage(loss) && normalizer === 'positives-per-image') {
    check.fail('ERR_OPTION', 'normalizer', `positives with the loss ${loss}`, normalizer);
  }
  return {
    boxLoss: boxLoss ?? preset.boxLoss,
    normalizer: normalizer ?? (isByImage(loss) ? preset.normalizer : 'positives'),
  };
}

type GivenLimits = Record<'steps' | 'epochs' | 'seconds', number | undefined>;

/** @throws RetinanetOpsError `ERR_OPTION` where there is more than one limit */
export function limitsOf(check: Check, given: GivenLimits, stepsOfEpoch: number): Limits {
  const names = Object.entries(given).flatMap(([name, limit]) => (limit === undefined ? [] : [name]));
  if (names.length > 1)
    check.fail('ERR_OPTION', names[1]!, 'only one of steps, epochs and seconds', names.join(' and '));
  const { steps = 400, epochs, seconds } = given;
  if (seconds !== undefined) return { steps: Infinity, seconds };
  return { steps: epochs === undefined ? steps : Math.ceil(epochs * stepsOfEpoch), seconds: Infinity };
}

function checkFit(check: Check, { config }: NetParts, data: ImageAnnotations): void {
  for (const name of ['imageHeight', 'imageWidth'] as const) {
    const [expected, received] = [config[name], data[name]];
    if (received === expected) continue;
    check.fail('ERR_SHAPE', `dataset.${name}`, `${String(expected)}, as the net has it,`, String(received));
  }
  check.labels('dataset.labels', data.labels, 0, config.numClasses, imageOf(data));
}
