import type { io } from '@tensorflow/tfjs-core';

import type { BoxLossName } from '../../operations/retinanet-loss.js';
import { Barrier } from './barrier.js';
import type { BatchOptions, TrainingData } from '../data/batches.js';
import type { StartedBackend } from '../backend.js';
import type { ResolvedConfig } from '../model/config.js';
import type { StepNormalizer } from '../model/presets.js';
import type { ClassLoss } from './class-losses.js';

/** Memory that all threads of a training run see; P = trainable weights, n = threads. */
export interface SharedMemory {
  /** [P] float32 */
  weights: SharedArrayBuffer;
  average: SharedArrayBuffer;
  firstMoment: SharedArrayBuffer;
  secondMoment: SharedArrayBuffer;
  /** [P], the gradient of the whole batch */
  gradient: SharedArrayBuffer;
  /** [n, P], the gradient sum of every thread; of a single one in the place of `gradient` */
  partials: SharedArrayBuffer;
  /** [n, Stat.count] float64 */
  stats: SharedArrayBuffer;
  barrier: SharedArrayBuffer;
}

/** Columns of the numbers that threads tell each other in a step. */
export const Stat = { classLoss: 0, boxLoss: 1, positives: 2, opsMs: 3, squares: 4, divisor: 5, count: 6 } as const;

/** The numbers of every thread in a column. */
export function columnOf(stats: Float64Array, column: number): Float64Array {
  return stats.filter((_, i) => i % Stat.count === column);
}

export function sumOf(stats: Float64Array, column: number): number {
  return columnOf(stats, column).reduce((a, b) => a + b, 0);
}

/** Whether a step's losses and gradient are numbers. If not, no thread changes the weights. */
export function isFiniteStep(stats: Float64Array): boolean {
  return [Stat.classLoss, Stat.boxLoss, Stat.squares].every((column) => Number.isFinite(sumOf(stats, column)));
}

export interface StepOptions {
  clipNorm: number;
  weightAveraging: number;
  boxWeight: number;
  classLoss: ClassLoss;
  boxLoss: BoxLossName;
  normalizer: StepNormalizer;
  checkpoint: boolean;
}

/** How the threads of a training run are used. */
export interface ThreadShares {
  /** Worker threads, each with its share of the images. */
  workers: number;
  /** Threads on which each of them computes, its own included. */
  threadsEach: number;
}

/**
 * One worker whose kernels have all threads, where they can: it takes less time than two workers with half of the images each, and no
 * copy of the model's memory for each. Other backends compute on one thread.
 */
export function shareThreads(threads: number, batchSize: number, backend: StartedBackend): ThreadShares {
  if (backend === 'native') return { workers: 1, threadsEach: threads };
  return { workers: Math.min(threads, batchSize), threadsEach: 1 };
}

/** All that a worker is started with. */
export interface WorkerSetup {
  thread: number;
  threads: number;
  /** Of each. */
  threadsEach: number;
  backend: StartedBackend;
  topology: io.ModelArtifacts['modelTopology'];
  config: ResolvedConfig;
  /** Weights that don't train, in the model's order. */
  frozenWeights: Float32Array[];
  data: TrainingData;
  batches: BatchOptions;
  step: StepOptions;
  memory: SharedMemory;
}

/** Main thread to worker: do this step. The worker answers when it has, and once before when it is ready. */
export interface StepMessage {
  /** Counts from 0. */
  step: number;
  learningRate: number;
}

export function allocateShared(parameters: number, threads: number): SharedMemory {
  const floats = () => new SharedArrayBuffer(parameters * 4);
  const gradient = floats();
  return {
    weights: floats(),
    average: floats(),
    firstMoment: floats(),
    secondMoment: floats(),
    gradient,
    partials: threads === 1 ? gradient : new SharedArrayBuffer(threads * parameters * 4),
    stats: new SharedArrayBuffer(threads * Stat.count * 8),
    barrier: new SharedArrayBuffer(Barrier.BYTES),
  };
}

/** Part `thread` of `length` things shared out among `threads`: [first, end). */
export function share(length: number, thread: number, threads: number): [number, number] {
  return [Math.floor((length * thread) / threads), Math.floor((length * (thread + 1)) / threads)];
}
