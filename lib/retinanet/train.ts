import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';

import { RetinanetOpsError } from '../errors.js';
import type { DetectionDataset } from './dataset.js';
import type { RetinaNet } from './model.js';
import { resolveTraining, type TrainingOptions } from './train-options.js';
import { allocateShared, Stat, type WorkerSetup } from './train-shared.js';
import { flatten, readWeights, unflatten, writeWeights } from './weights.js';
import { WorkerPool } from './worker-pool.js';

/** One step of a training run. Losses are divided by the positives of the batch. */
export interface StepReport {
  /** Counts from 1. */
  step: number;
  steps: number;
  loss: number;
  classLoss: number;
  boxLoss: number;
  /** Wall-clock time of the step. */
  stepMs: number;
  /** The part of it that assignment and losses took. */
  opsMs: number;
  /** Time left, by the mean step so far. */
  etaMs: number;
}

export interface TrainingResult {
  /** Steps done; fewer than asked for after an abort. */
  steps: number;
  history: StepReport[];
  /** Mean time of a step. */
  stepMs: number;
  /** Share of the time that assignment and losses took, 0..1. */
  opsShare: number;
}

/**
 * Trains a detector on worker threads, each with its own share of every batch, and leaves the averaged weights in
 * `net.model`. The result follows from the seed for a given number of threads. The calling thread stays free.
 *
 * An abort finishes the current step and resolves with what there is.
 *
 * @throws RetinanetOpsError `ERR_OPTION`, `ERR_RANGE` or `ERR_SHAPE` for options and data that don't fit, `ERR_DATA` when
 *   the loss stops being a number; whatever stopped a worker.
 */
export async function trainRetinaNet(
  net: RetinaNet,
  dataset: DetectionDataset,
  options: TrainingOptions = {},
): Promise<TrainingResult> {
  const { step, batches, threads, signal, onStep } = resolveTraining(net, dataset, options);
  const variables = net.model.trainableWeights;
  const flat = flatten(readWeights(variables));
  const memory = allocateShared(flat.length, threads);
  new Float32Array(memory.weights).set(flat);
  new Float32Array(memory.average).set(flat);
  const setup: Omit<WorkerSetup, 'thread'> = {
    threads,
    topology: await topologyOf(net),
    config: net.config,
    frozenWeights: readWeights(net.model.nonTrainableWeights),
    data: shareData(dataset),
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
      );
      history.push(report);
      onStep?.(report);
    }
  } finally {
    await pool.stop();
  }
  if (history.length > 0) writeWeights(variables, unflatten(variables, new Float32Array(memory.average).slice()));
  const stepMs = mean(history.map((report) => report.stepMs));
  return {
    steps: history.length,
    history,
    stepMs,
    opsShare: mean(history.map((report) => report.opsMs)) / (stepMs || 1),
  };
}

function reportStep(
  history: readonly StepReport[],
  steps: number,
  stepMs: number,
  stats: Float64Array,
  boxWeight: number,
): StepReport {
  const column = (index: number) => stats.filter((_, i) => i % Stat.count === index);
  const sum = (index: number) => column(index).reduce((a, b) => a + b, 0);
  const positives = Math.max(1, sum(Stat.positives));
  const classLoss = sum(Stat.classLoss) / positives;
  const boxLoss = sum(Stat.boxLoss) / positives;
  const loss = classLoss + boxWeight * boxLoss;
  const step = history.length + 1;
  if (!Number.isFinite(loss)) {
    throw new RetinanetOpsError(
      'ERR_DATA',
      `the loss of step ${step} is ${loss}: lower learningRate or clipNorm, or lengthen warmupSteps`,
    );
  }
  const elapsed = history.reduce((total, report) => total + report.stepMs, stepMs);
  const etaMs = (elapsed / step) * (steps - step);
  return { step, steps, loss, classLoss, boxLoss, stepMs, opsMs: Math.max(...column(Stat.opsMs)), etaMs };
}

/** The images where every thread can read them: as they are when they lie in shared memory, else a copy. */
function shareData({ imageHeight, imageWidth, length, images, boxes, labels, offsets }: DetectionDataset) {
  let shared = images;
  if (!(images.buffer instanceof SharedArrayBuffer)) {
    shared = new Uint8Array(new SharedArrayBuffer(images.length));
    shared.set(images);
  }
  return { imageHeight, imageWidth, length, images: shared, boxes, labels, offsets };
}

/** The model's structure without its weights. */
async function topologyOf(net: RetinaNet): Promise<io.ModelArtifacts['modelTopology']> {
  let topology: io.ModelArtifacts['modelTopology'];
  const handler = tf.io.withSaveHandler((artifacts) => {
    topology = artifacts.modelTopology;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
  });
  await net.model.save(handler);
  // A plain copy: the artifacts may hold things that cannot be sent to a thread.
  return JSON.parse(JSON.stringify(topology)) as io.ModelArtifacts['modelTopology'];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
