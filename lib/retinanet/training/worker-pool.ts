import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { RetinanetOpsError } from '../../arguments/errors.js';
import { UNBUNDLE } from '../../runtime/location.js';
import type { StepMessage, WorkerSetup } from './train-shared.js';

/** The threads of a training run. When one fails, all are stopped and whatever is waited for rejects with the cause. */
export class WorkerPool {
  private readonly workers: Worker[] = [];
  private failure: { error: Error } | undefined;
  private pending: { waiting: number; resolve: () => void; reject: (error: Error) => void } | undefined;

  /** Starts the threads and waits until each has its model. */
  static async start(setup: Omit<WorkerSetup, 'thread'>): Promise<WorkerPool> {
    const pool = new WorkerPool();
    try {
      await pool.all(setup.threads, () => {
        for (let thread = 0; thread < setup.threads; thread++) pool.add({ ...setup, thread });
      });
    } catch (error) {
      await pool.stop();
      throw error;
    }
    return pool;
  }

  /** Resolves when every thread has done the step. */
  runStep(message: StepMessage): Promise<void> {
    return this.all(this.workers.length, () => {
      for (const worker of this.workers) worker.postMessage(message);
    });
  }

  /** Ends the threads, whatever they do. */
  async stop(): Promise<void> {
    this.failure ??= { error: new Error('the training threads were stopped') };
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private add(setup: WorkerSetup): void {
    const worker = startWorker(setup);
    this.workers.push(worker);
    worker.on('message', () => {
      if (this.pending && --this.pending.waiting === 0) this.settle();
    });
    worker.on('error', (error) => {
      this.fail(revive(error));
    });
    worker.on('exit', (code) => {
      this.fail(new Error(`training thread ${setup.thread} ended early with code ${code}`));
    });
  }

  /** Waits for one message from each of `count` threads. */
  private all(count: number, send: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure) {
        reject(this.failure.error);
        return;
      }
      this.pending = { waiting: count, resolve, reject };
      send();
    });
  }

  private settle(): void {
    const pending = this.pending;
    this.pending = undefined;
    pending?.resolve();
  }

  private fail(error: Error): void {
    this.failure ??= { error };
    const pending = this.pending;
    this.pending = undefined;
    pending?.reject(this.failure.error);
  }
}

/**
 * Starts a thread as a program text that imports its file, with all that this thread inherits. A file by itself dies of an
 * inherited `--input-type` (`node --input-type=module -e`, standard input, NODE_OPTIONS), which is for texts; a list of flags of
 * our own (`execArgv`, even an empty one) would set the thread free from the permission model.
 */
function startWorker(workerData: WorkerSetup): Worker {
  // Rethrown from a callback, an error reaches this thread even under --unhandled-rejections=warn.
  const program = `import(${JSON.stringify(workerFile())}).catch((error) => setImmediate(() => { throw error; }));`;
  try {
    return new Worker(program, { eval: true, workerData });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_ACCESS_DENIED') throw cause;
    const message = 'trainRetinaNet: Node.js was started without permission for worker threads. Add: --allow-worker';
    throw new RetinanetOpsError('ERR_NATIVE', message, { cause });
  }
}

function workerFile(): string {
  try {
    // webpack would copy the file to where its imports lead nowhere.
    const file = new URL(/* webpackIgnore: true */ './train-worker.js', import.meta.url);
    if (existsSync(file)) return file.href;
  } catch {
    // A CommonJS bundle knows no URL.
  }
  throw new RetinanetOpsError('ERR_NATIVE', `trainRetinaNet: found no file for its worker threads. ${UNBUNDLE}`);
}

/** An error that crossed a thread boundary keeps its fields but loses its class; Node's own checks don't know it as an error. */
function revive(error: unknown): Error {
  if (typeof error !== 'object' || error === null || !('message' in error)) return new Error(String(error));
  const { name, code, message } = error as RetinanetOpsError;
  if ((name as string) !== 'RetinanetOpsError') {
    return new Error(`a training thread failed: ${message}`, { cause: error });
  }
  return new RetinanetOpsError(code, message, { cause: error });
}
