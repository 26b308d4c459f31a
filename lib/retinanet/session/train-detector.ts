// From a folder of pictures and boxes to a detector, in one call.
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { Check } from '../../arguments/check.js';
import { value } from '../../arguments/options.js';
import { useNativeBackend } from '../../tfjs/backend/index.js';
import type { AnnotatedDataset } from '../data/annotations.js';
import { READING, type ReadDatasetOptions } from '../data/read-dataset.js';
import { makeFolder } from '../make-folder.js';
import { loadRetinaNet } from '../model/io.js';
import { countParameters, createRetinaNet } from '../model/model.js';
import type { RetinaNet } from '../model/net.js';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import { pathFrom, readTrainConfig } from './config-file.js';
import { EVENTS, type SessionEvents, type TrainingPlan } from './events.js';
import { datasetOf, fingerprintOf } from './dataset.js';
import { type FinalEvaluation, finishRun } from './finish.js';
import { type GivenWeights, openInitialWeights, refuseConflicts } from './initial-weights.js';
import { lockFolder } from './lock.js';
import { networkConfig, type PlannedSetting, planSettings, rolesOf, type Settings } from './plan.js';
import { recoverFolders, requireFree, requireRun, RUN_FILES, writeJson } from './run-folder.js';
import { Session, type SessionEnd, type SessionParts } from './session.js';
import { checkSettings, MODEL_NAMES, SETTINGS, type TrainSettings } from './settings.js';

const { onImage } = READING;
const OWN = {
  /** The folder of the run, new or empty. */
  out: value<string, string>((check, argument, given) => check.string(argument, given)),
  /** Called while the data set's files are looked into. */
  onImage,
  ...EVENTS,
};

/** Where to train, how, and whom to tell. All but `out` has a default. */
export interface TrainDetectorOptions extends TrainSettings, SessionEvents, Pick<ReadDatasetOptions, 'onImage'> {
  /** The folder of the run, new or empty. */
  out: string;
}

/** What training left. */
export interface TrainedDetector {
  /** The folder of the run. */
  folder: string;
  /** Steps done, those before a resumption included. */
  steps: number;
  /** `done`: all steps; `patience`: AP no longer rose; `stopped`: by `run.stop()`; `interrupted`: by `signal`. */
  end: SessionEnd;
  /** The best detector, unless the run was interrupted; to be freed with `net.dispose()`. */
  net: RetinaNet | undefined;
  /** Of that detector, unless there is no split to measure on. */
  evaluation: FinalEvaluation | undefined;
}

/**
 * Trains a detector on a data set and measures it. Every setting that is not given follows from the data: frame, anchors, pixel
 * statistics, augmentation, schedule; `onPlan` tells them all before anything is written.
 *
 * The folder of the run gets `config.json` (all settings; a file for `train --config`), `metrics.jsonl` (a line a step and a
 * validation; `events.out.tfevents.*` have the same for TensorBoard), `best/` (the detector of the best AP on the validation split), `last/` (what `resumeDetector` goes on from, to the bit)
 * `evaluation.json` (the best detector on the test split, or else on that of validation) and `report.html` (see writeReport). Each is whole at any moment: a process that
 * is killed loses the steps since the last checkpoint.
 *
 * With equal settings, data and seed, two runs give the same weights, unless `seconds` limits them.
 *
 * @param data the folder of a data set, see readDataset, or what that gave
 * @throws RetinanetOpsError before anything is written: `ERR_DATA` for a folder of data that cannot be used and for `out` that holds
 *   anything; `ERR_OPTION`, `ERR_RANGE`, `ERR_DTYPE` for options that don't fit; `ERR_BACKEND` where a package is missing. Later, with
 *   what has been learned kept: as trainRetinaNet
 */
export async function trainDetector(
  data: string | AnnotatedDataset,
  options: TrainDetectorOptions,
): Promise<TrainedDetector> {
  const check = new Check('trainDetector');
  const names = [...Object.keys(SETTINGS), ...Object.keys(OWN)] as (keyof TrainDetectorOptions)[];
  const given = check.fields<TrainDetectorOptions>('options', options, names, true);
  const settings = checkSettings(check, given);
  if (settings.weights !== undefined) settings.weights = resolve(settings.weights);
  const folder = resolve(check.string('out', given.out));
  const events = eventsOf(check, given);
  await requireFree(check, folder);
  const dataset = await datasetOf(check, data, { ...settings, onImage: given.onImage });
  await startTfBackend();
  const from = settings.weights === undefined ? undefined : await openInitialWeights(check, settings.weights);
  try {
    if (from) refuseConflicts(check, from, settings);
    const plan = await planSettings(check, dataset, settings, from?.config);
    using net = createRetinaNet(networkConfig(plan.settings, dataset.classes));
    const copied = (await from?.give(net)) ?? NOTHING;
    const parts = { check, folder, net, dataset, settings: plan.settings, events };
    const session = new Session(parts);
    await events.onPlan?.(planOf(parts, plan.list, copied, 0));
    return await inFolder(check, folder, async () => {
      await requireFree(check, folder);
      await recoverFolders(folder);
      await writeJson(folder, RUN_FILES.config, await configOf(folder, dataset, plan.settings));
      const begin: Checkpoint = {
        standing: { validatedAt: 0, withoutBetter: 0 },
        ...{ training: undefined, step: 0, data: fingerprintOf(dataset) },
      };
      await session.save(begin.standing, begin.data);
      return trainAndFinish(session, parts, begin);
    });
  } finally {
    from?.dispose();
  }
}

/** What config.json holds. */
async function configOf(folder: string, { root }: AnnotatedDataset, settings: Settings): Promise<object> {
  const { weights, ...others } = settings;
  const from = weights === undefined ? {} : { weights: await pathFrom(folder, weights) };
  return { data: await pathFrom(folder, root), ...others, ...from };
}

const NOTHING: GivenWeights = { copied: 0, leftAtPrior: [] };

const RESUMING = { onImage, threads: SETTINGS.threads, cacheBytes: SETTINGS.cacheBytes, ...EVENTS };

/** How a run is gone on with; its settings are those that it began with. */
export interface ResumeDetectorOptions
  extends SessionEvents, Pick<ReadDatasetOptions, 'onImage'>, Pick<TrainSettings, 'threads' | 'cacheBytes'> {
  /** The data set, where it is no longer in the folder that the run began with; the run notes where it is now. */
  data?: string | AnnotatedDataset;
}

/**
 * Goes on with a run of `trainDetector` that was interrupted, failed or was killed, from its last checkpoint: the rest of the run is the
 * one that it would have had, to the bit. Of a run that is over the best detector is measured once more.
 *
 * @param folder of the run
 * @throws RetinanetOpsError `ERR_DATA` for a folder that holds no run, one that another process works on, files that are damaged, and a data
 *   set that has changed; otherwise as trainDetector
 */
export async function resumeDetector(folder: string, options: ResumeDetectorOptions = {}): Promise<TrainedDetector> {
  const check = new Check('resumeDetector');
  const run = resolve(check.string('folder', folder));
  const names = [...Object.keys(RESUMING), 'data'] as (keyof ResumeDetectorOptions)[];
  const given = check.fields<ResumeDetectorOptions>('options', options, names, true);
  const { threads, cacheBytes } = checkSettings(check, { threads: given.threads, cacheBytes: given.cacheBytes });
  const events = eventsOf(check, given);
  await requireRun(check, run);
  const { data, ...saved } = await readTrainConfig(join(run, RUN_FILES.config));
  const settings = {
    ...saved,
    ...(threads && { threads }),
    ...(cacheBytes !== undefined && { cacheBytes }),
  } as Settings;
  return inFolder(check, run, async () => {
    await recoverFolders(run);
    const checkpoint = await readCheckpoint(check, run);
    if (given.data === undefined && !(data !== undefined && existsSync(data))) {
      check.fail(
        'ERR_DATA',
        'data',
        'the data set where the run had it, or its folder given',
        `nothing at ${String(data)}`,
      );
    }
    const dataset = await datasetOf(check, given.data ?? data, { ...saved, onImage: given.onImage });
    if (fingerprintOf(dataset) !== checkpoint.data) {
      const expected = 'the images and boxes that the run began with';
      check.fail('ERR_DATA', 'data', expected, `others in ${dataset.root}: the data set has changed`);
    }
    await startTfBackend();
    using net = await loadRetinaNet(join(run, RUN_FILES.last));
    requireSameNetwork(check, settings, net);
    if (given.data !== undefined)
      await writeJson(run, RUN_FILES.config, await configOf(run, dataset, saved as Settings));
    const parts = { check, folder: run, net, dataset, settings, events };
    const session = new Session(parts);
    const list = Object.entries(settings).map(([name, one]): PlannedSetting => ({ name, value: one, from: 'run' }));
    await events.onPlan?.(planOf(parts, list, NOTHING, checkpoint.step));
    return await trainAndFinish(session, parts, checkpoint);
  });
}

/** A file of settings that somebody changed can't make another network of the one that has learned. */
function requireSameNetwork(check: Check, settings: Settings, { config }: RetinaNet): void {
  for (const name of MODEL_NAMES) {
    const [given, own] = [settings[name], config[name]].map((one) => JSON.stringify(one));
    if (given === undefined || given === own) continue;
    check.fail('ERR_DATA', `${name} of ${RUN_FILES.config}`, `${own}, with which the run began,`, given);
  }
}

async function trainAndFinish(session: Session, parts: SessionParts, from: Checkpoint): Promise<TrainedDetector> {
  const { folder, events } = parts;
  const { steps, end } = await session.train(from);
  const interrupted = { folder, steps, end: 'interrupted', net: undefined, evaluation: undefined } as const;
  if (end === 'interrupted') return interrupted;
  try {
    return { folder, steps, end, ...(await finishRun(parts)) };
  } catch (error) {
    if (events.signal?.aborted) return interrupted;
    throw error;
  }
}

/** Does something as the only process that works on the folder. A folder that was made for it goes where that fails at once. */
async function inFolder<Result>(check: Check, folder: string, work: () => Promise<Result>): Promise<Result> {
  const made = await makeFolder(folder).catch((cause: unknown) => {
    return check.fail('ERR_DATA', 'out', 'a folder that can be made', (cause as Error).message, { cause });
  });
  const unlock = lockFolder(check, 'folder', folder);
  try {
    return await work();
  } finally {
    unlock();
    if (made !== undefined) await rmdir(folder).catch(() => undefined);
  }
}

function eventsOf(check: Check, given: SessionEvents): SessionEvents {
  const { onPlan, onStep, onMeasure, onValidation, onCheckpoint, signal } = given;
  return check.options('options', { onPlan, onStep, onMeasure, onValidation, onCheckpoint, signal }, EVENTS);
}

function planOf(parts: SessionParts, settings: PlannedSetting[], given: GivenWeights, step: number): TrainingPlan {
  const { folder, dataset, net } = parts;
  const { train, validation } = rolesOf(dataset, parts.settings.trainOnVal);
  return {
    ...{ folder, classes: dataset.classes, warnings: dataset.warnings, settings, ...given, step },
    images: { train: train.length, validation: validation.length, test: dataset.splits.test.images.length },
    parameters: countParameters(net.model).trainable,
    anchors: net.anchors.count,
  };
}

/** Networks need a backend of TensorFlow.js; this package's where there is none yet. */
async function startTfBackend(): Promise<void> {
  const name: string | undefined = tf.getBackend();
  if (!name) await useNativeBackend();
}
