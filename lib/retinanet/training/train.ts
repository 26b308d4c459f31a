import { types } from 'node:util';

import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { bufferOf } from '../../arguments/typed-arrays.js';
import type { Check } from '../../arguments/check.js';
import type { DetectionDataset } from '../data/dataset.js';
import { requireWeights, type RetinaNet } from '../model/net.js';
import { resolveTraining, type TrainingOptions } from './train-options.js';
import { allocateShared, type SharedMemory, Stat, type WorkerSetup } from './train-shared.js';
import { flatten, readWeights, unflatten, writeWeights } from '../model/weights.js';
import { WorkerPool } from './worker-pool.js';

/** One step of a training run. Losses are divided by the positives of the batch. */
export interface StepReport {
  /** Counts from 1. */
  step: number;
  /** Steps of the whole run. */
  steps: number;
  /** classLoss + boxWeight * boxLoss. */
  loss: number;
  /** Loss of the class logits, over max(1, positive anchors of the batch). */
  classLoss: number;
  /** Smooth L1 of the box deltas, over max(1, positive anchors of the batch); without `boxWeight`. */
  boxLoss: number;
  /** Wall-clock time of the step, milliseconds. */
  stepMs: number;
  /** The part of it that assignment and losses took, milliseconds; of the slowest thread. */
  opsMs: number;
  /** Time left by the mean step so far, milliseconds. */
  etaMs: number;
}

/** What `trainRetinaNet` did. */
export interface TrainingResult {
  /** Steps done; fewer than asked for after an abort. */
  steps: number;
  /** The report of every step. */
  history: StepReport[];
  /** Mean time of a step, milliseconds. */
  stepMs: number;
  /** Share of the time that assignment and losses took, 0..1. */
  opsShare: number;
}

/**
 * Trains a detector on worker threads and leaves the averaged weights in `net.model`. The result follows from the seed; on other
 * backends than `native`, for a given number of threads. The calling thread stays free.
 *
 * An abort finishes the current step and resolves with what there is.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_OPTION`, `ERR_RANGE`, `ERR_SHAPE`, `ERR_LABEL` or `ERR_BOX` for a net, options and
 *   data that don't fit, `ERR_DATA` when the loss stops being a number; `ERR_BACKEND` where the backend's package is not
 *   installed; whatever else stopped a worker.
 */
export async function trainRetinaNet(
  net: RetinaNet,
  dataset: DetectionDataset,
  options: TrainingOptions = {},
): Promise<TrainingResult> {
  const resolved = resolveTraining(net, dataset, options);
  const { check, data, step, batches, backend, signal, onStep } = resolved;
  const { workers: threads, threadsEach } = resolved.threads;
  const { model, config } = resolved.net;
  const variables = model.trainableWeights;
  const memory = shareWeights(flatten(readWeights(variables)), threads);
  const setup: Omit<WorkerSetup, 'thread'> = {
    threads,
    threadsEach,
    backend,
    topology: topologyOf(model),
    config,
    frozenWeights: readWeights(model.nonTrainableWeights),
    data: shareData(data),
    batches,
    step,
    memory,
  };

  const history: StepReport[] = [];
  const pool = await WorkerPool.start(setup);
  try {
    while (history.length < step.steps && signal?.aborted !== true) {
      const start = performance.now();
      await pool.runStep(history.length);
      const report = reportStep(
        history,
        step.steps,
        performance.now() - start,
        new Float64Array(memory.stats),
        step.boxWeight,
        check,
      );
      history.push(report);
      onStep?.(report);
    }
  } finally {
    await pool.stop();
  }
  requireWeights(check, model);
  if (history.length > 0) writeWeights(variables, unflatten(variables, new Float32Array(memory.average).slice()));
  const stepMs = mean(history.map((report) => report.stepMs));
  return {
    steps: history.length,
    history,
    stepMs,
    opsShare: mean(history.map((report) => report.opsMs)) / (stepMs || 1),
  };
}

/** A function of its own, so that the copy of the weights is not kept through all steps. */
function shareWeights(flat: Float32Array, threads: number): SharedMemory {
  const memory = allocateShared(flat.length, threads);
  new Float32Array(memory.weights).set(flat);
  new Float32Array(memory.average).set(flat);
  return memory;
}

function reportStep(
  history: readonly StepReport[],
  steps: number,
  stepMs: number,
  stats: Float64Array,
  boxWeight: number,
  check: Check,
): StepReport {
  const column = (index: number) => stats.filter((_, i) => i % Stat.count === index);
  const sum = (index: number) => column(index).reduce((a, b) => a + b, 0);
  const positives = Math.max(1, sum(Stat.positives));
  const classLoss = sum(Stat.classLoss) / positives;
  const boxLoss = sum(Stat.boxLoss) / positives;
  const loss = classLoss + boxWeight * boxLoss;
  const step = history.length + 1;
  if (!Number.isFinite(loss)) {
    const expected = 'a finite loss (lower learningRate or clipNorm, or lengthen warmupSteps)';
    check.fail('ERR_DATA', `step ${step}`, expected, String(loss));
  }
  const elapsed = history.reduce((total, report) => total + report.stepMs, stepMs);
  const etaMs = (elapsed / step) * (steps - step);
  return { step, steps, loss, classLoss, boxLoss, stepMs, opsMs: Math.max(...column(Stat.opsMs)), etaMs };
}

/** The images where every thread can read them: as they are when they lie in shared memory, else a copy. */
function shareData({ imageHeight, imageWidth, length, images, boxes, labels, offsets }: DetectionDataset) {
  let shared = images;
  if (!types.isSharedArrayBuffer(bufferOf(images))) {
    shared = new Uint8Array(new SharedArrayBuffer(images.length));
    shared.set(images);
  }
  return { imageHeight, imageWidth, length, images: shared, boxes, labels, offsets };
}

/** The model's structure without its weights; a plain copy, since it may hold things that cannot be sent to a thread. */
function topologyOf(model: LayersModel): io.ModelArtifacts['modelTopology'] {
  return JSON.parse(JSON.stringify(model.toJSON(undefined, false))) as io.ModelArtifacts['modelTopology'];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
