import { availableParallelism } from 'node:os';

import { describe } from '../../arguments/describe.js';
import { Check } from '../../arguments/check.js';
import { boolean, callback, number, oneOf, value, type OptionsOf } from '../../arguments/options.js';
import type { ScalarCheck } from '../../arguments/scalar-check.js';
import { BACKEND_CHOICES, backendOfWorkers, type StartedBackend } from '../backend.js';
import { type AugmentOptions, resolveAugment } from '../data/augment.js';
import type { BatchOptions } from '../data/batches.js';
import { BOX_LOSS_NAMES } from '../../operations/retinanet-loss.js';
import { checkDataset, type DetectionDataset, imageOf } from '../data/dataset.js';
import { LOSS_NAMES } from './losses.js';
import { checkNet, type NetParts } from '../model/net.js';
import type { StepReport } from './train.js';
import { shareThreads, type StepOptions, type ThreadShares } from './train-shared.js';

const COUNT = { min: 1, max: 1e9, integer: true } as const;
const POSITIVE = { min: 0, exclusiveMin: true } as const;

const OPTIONS = {
  /** Updates of the weights. Default 400. */
  steps: number({ ...COUNT, default: 400 }),
  /** Images per step, over all threads together. Default 8. */
  batchSize: number({ ...COUNT, max: 4096, default: 8 }),
  /** Peak of the schedule: linear warm-up, then half a cosine. Default 2e-3. */
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
  /** The box loss. Default `smooth-l1`. */
  boxLoss: oneOf(BOX_LOSS_NAMES, 'smooth-l1'),
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
  /** Stops after the current step. */
  signal: value<AbortSignal, AbortSignal | undefined>(readSignal),
  /** Called after every step. */
  onStep: callback<(report: StepReport) => void>(),
};

/** The recipe; the defaults suit the `compact` preset. */
export interface TrainingOptions extends OptionsOf<typeof OPTIONS> {}

export interface ResolvedTraining {
  check: Check;
  net: NetParts;
  data: DetectionDataset;
  step: StepOptions;
  batches: BatchOptions;
  threads: ThreadShares;
  backend: StartedBackend;
  signal: AbortSignal | undefined;
  onStep: ((report: StepReport) => void) | undefined;
}

/** Fills in defaults. @throws RetinanetOpsError naming the option, or what of the data set does not fit the net. */
export function resolveTraining(net: unknown, dataset: unknown, options: unknown): ResolvedTraining {
  const check = new Check('trainRetinaNet');
  const parts = checkNet(check, net);
  const data = checkDataset(check, dataset);
  checkFit(check, parts, data);
  const given = check.options('options', options, OPTIONS);
  const { batchSize, seed, augment, threads, signal, onStep, steps, warmupSteps, ...rest } = given;
  const { backend: choice, ...step } = rest;
  const backend = backendOfWorkers(check, choice);
  return {
    check,
    net: parts,
    data,
    threads: shareThreads(threads, batchSize, backend),
    backend,
    step: { ...step, steps, warmupSteps: warmupSteps ?? Math.min(500, Math.ceil(steps / 10)) },
    batches: { batchSize, seed, augment: resolveAugment(check, augment) },
    signal,
    onStep,
  };
}

/** An AbortSignal of any realm, or what behaves as one. */
function readSignal(check: ScalarCheck, argument: string, signal: unknown): AbortSignal {
  const isObject = typeof signal === 'object' && signal !== null;
  if (isObject && typeof (signal as AbortSignal).aborted === 'boolean') return signal as AbortSignal;
  check.fail('ERR_DTYPE', argument, 'an AbortSignal', describe(signal));
}

function checkFit(check: Check, { config }: NetParts, data: DetectionDataset): void {
  for (const name of ['imageHeight', 'imageWidth'] as const) {
    const [expected, received] = [config[name], data[name]];
    if (received === expected) continue;
    check.fail('ERR_SHAPE', `dataset.${name}`, `${String(expected)}, as the net has it,`, String(received));
  }
  check.labels('dataset.labels', data.labels, 0, config.numClasses, imageOf(data));
}
