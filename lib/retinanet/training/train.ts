import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import type { DetectionDataset, ImageSource } from '../data/dataset.js';
import { openSupply, type Supply } from '../data/supply.js';
import type { RetinaNet } from '../model/net.js';
import { readWeights } from '../model/weights.js';
import type { StepReport } from './step-report.js';
import { type ResolvedTraining, resolveTraining, type TrainingOptions } from './train-options.js';
import type { WorkerSetup } from './train-shared.js';
import { Run } from './training-run.js';
import { WorkerPool } from './worker-pool.js';

/** What `trainRetinaNet` did. */
export interface TrainingResult {
  /** Steps done, those before `resumeFrom` included; fewer than asked for where the run was ended early. */
  steps: number;
  /** The report of every step of this call. */
  history: StepReport[];
  /** Mean time of a step, milliseconds. */
  stepMs: number;
  /** Share of the time that assignment and losses took, 0..1. */
  opsShare: number;
}

/** Models in training: of two trainings the one that ends last would undo the other. */
const atWork = new WeakSet<LayersModel>();

/**
 * Trains a detector on worker threads and leaves the averaged weights in `net.model`. The result follows from the seed; on other
 * backends than `native`, for a given number of threads. The calling thread stays free.
 *
 * Images of an `ImageSource` are read ahead of the steps that need them, `prefetch` batches in memory at a time; the result is the
 * same as with all of them in memory.
 *
 * An abort, and `run.stop()`, finish the current step and resolve with what there is. Where a step fails, its error is thrown
 * after the averaged weights of the steps before it have been put into `net.model`.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_OPTION`, `ERR_RANGE`, `ERR_SHAPE`, `ERR_LABEL` or `ERR_BOX` for a net, options and
 *   data that don't fit, and a net in training; `ERR_DATA` when loss or weights stop being numbers, naming step and images, and for an image that cannot be read,
 *   naming it; `ERR_OUT_OF_MEMORY` for batches that fit no memory; `ERR_BACKEND` where the backend's package is not installed; whatever else
 *   stopped a worker.
 */
export async function trainRetinaNet(
  net: RetinaNet,
  dataset: DetectionDataset | ImageSource,
  options: TrainingOptions = {},
): Promise<TrainingResult> {
  const training = resolveTraining(net, dataset, options);
  const { check, data, batches, limits, prefetch } = training;
  const { model } = training.net;
  if (atWork.has(model)) check.fail('ERR_OPTION', 'net', 'a net that no other training changes', 'one in training');
  const run = new Run(training);
  const span = { prefetch, firstStep: run.step, endStep: limits.steps };
  const supply = openSupply(check, data, { ...batches, ...span });
  atWork.add(model);
  try {
    const history = await doSteps(training, run, supply);
    run.updateModel();
    const stepMs = mean(history.map((report) => report.stepMs));
    const opsShare = mean(history.map((report) => report.opsMs)) / (stepMs || 1);
    return { steps: run.step, history, stepMs, opsShare };
  } catch (error) {
    keep(run);
    throw error;
  } finally {
    atWork.delete(model);
    await supply.close();
  }
}

async function doSteps(training: ResolvedTraining, run: Run, supply: Supply): Promise<StepReport[]> {
  const history: StepReport[] = [];
  const pool = await WorkerPool.start(setupOf(training, run, supply));
  try {
    run.begin();
    while (!run.isOver) {
      const report = await run.doStep(pool, supply);
      history.push(report);
      await training.onStep?.(report, run);
    }
  } finally {
    await pool.stop();
  }
  return history;
}

function setupOf(training: ResolvedTraining, run: Run, supply: Supply): Omit<WorkerSetup, 'thread'> {
  const { net, threads, backend, batches, step } = training;
  return {
    threads: threads.workers,
    threadsEach: threads.threadsEach,
    ...{ backend, batches, step },
    topology: topologyOf(net.model),
    config: net.config,
    frozenWeights: readWeights(net.model.nonTrainableWeights),
    data: supply.data,
    memory: run.memory,
  };
}

/** Leaves in the net what a run that failed has learned, unless that fails as well. */
function keep(run: Run): void {
  try {
    run.updateModel();
  } catch {
    // The net is gone: its error would hide the one that ended the run.
  }
}

/** The model's structure without its weights; a plain copy, since it may hold things that cannot be sent to a thread. */
function topologyOf(model: LayersModel): io.ModelArtifacts['modelTopology'] {
  return JSON.parse(JSON.stringify(model.toJSON(undefined, false))) as io.ModelArtifacts['modelTopology'];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
