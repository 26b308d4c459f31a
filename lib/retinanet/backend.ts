// Which backend of TensorFlow.js a network runs on.
import * as tf from '@tensorflow/tfjs-core';

import type { Check } from '../arguments/check.js';
import { importCpuBackend, registerNativeBackend } from '../tfjs/backend/index.js';
import type { NativeKernel } from '../tfjs/backend/kernel.js';
import { type ResizeGradAttributes, writeResizeGrad } from '../tfjs/backend/resizing.js';
import { useWasmBackend } from './wasm-backend.js';

/**
 * - `native`: this package's own (`useNativeBackend`), on all cores; needs `@tensorflow/tfjs-backend-cpu`;
 * - `wasm`: TensorFlow.js's WebAssembly backend; needs `@tensorflow/tfjs-backend-wasm`;
 * - `cpu`: TensorFlow.js's plain JavaScript, many times slower; needs `@tensorflow/tfjs-backend-cpu`;
 * - `current`: the one that is in use when the call begins.
 *
 * One that is not installed is refused, not replaced.
 */
export type BackendChoice = 'native' | 'wasm' | 'cpu' | 'current';
export const BACKEND_CHOICES: readonly BackendChoice[] = ['native', 'wasm', 'cpu', 'current'];

/** The backends that a thread can start by itself. */
export type StartedBackend = Exclude<BackendChoice, 'current'>;

/** What there is to do before tf.setBackend takes effect at once. */
const PREPARE: Record<StartedBackend, () => Promise<unknown>> = {
  native: registerNativeBackend,
  wasm: useWasmBackend,
  cpu: () => importCpuBackend("backend 'cpu'"),
};

function isStarted(name: string | undefined): name is StartedBackend {
  return name !== undefined && Object.hasOwn(PREPARE, name);
}

/** The name of the backend in use; undefined where there is none yet. */
function currentBackend(): string | undefined {
  // Its declared type leaves out that there may be none.
  const name: string | null | undefined = tf.getBackend();
  return name ?? undefined;
}

/**
 * Starts a backend and makes it this thread's current one.
 *
 * @throws RetinanetOpsError `ERR_BACKEND` where its package is not installed
 */
export async function startBackend(name: StartedBackend): Promise<void> {
  await PREPARE[name]();
  await tf.setBackend(name);
}

/**
 * For a thread that has no other use for the cpu backend: replaces its gradient that is wrong for several images, and has it not greet
 * with the advice to install another package.
 */
export function mendCpuBackend(): void {
  Object.assign(tf.backend(), { firstUse: false });
  const [kernelName, backendName] = ['ResizeNearestNeighborGrad', 'cpu'];
  tf.unregisterKernel(kernelName, backendName);
  const kernelFunc: NativeKernel<ResizeGradAttributes> = ({ inputs, attrs, backend }) => {
    const { dy, images } = inputs as Record<'dy' | 'images', tf.TensorInfo>;
    const sums = new Float32Array(tf.util.sizeFromShape(images.shape));
    writeResizeGrad(kernelName, false, [backend.readSync(dy.dataId) as Float32Array, dy], [sums, images], attrs);
    return { dataId: backend.write(sums, images.shape, 'float32'), shape: images.shape, dtype: 'float32' };
  };
  tf.registerKernel({ kernelName, backendName, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}

/**
 * What worker threads start for a choice.
 *
 * @throws RetinanetOpsError `ERR_BACKEND` for a current backend that they cannot
 */
export function backendOfWorkers(check: Check, choice: BackendChoice): StartedBackend {
  if (choice !== 'current') return choice;
  const current = currentBackend();
  if (isStarted(current)) return current;
  const names = Object.keys(PREPARE).map((name) => `'${name}'`);
  const expected = `one that worker threads can start (${names.join(', ')})`;
  check.fail('ERR_BACKEND', "backend 'current'", expected, current === undefined ? 'none' : `'${current}'`);
}

/**
 * Has a backend ready to compute on with `on`, and leaves the current one what it is. Without a choice it is `native`, unless the
 * current backend is one whose tensors this thread may not be able to fetch.
 */
export async function readyBackend(choice: BackendChoice | undefined): Promise<string | undefined> {
  const current = currentBackend();
  const name = choice ?? (current === undefined || isStarted(current) ? 'native' : 'current');
  if (name === 'current' || name === current) return current;
  if (tf.findBackend(name) === null) {
    await PREPARE[name]();
    // wasm's has made it the current one.
    if (current !== undefined && currentBackend() !== current) await tf.setBackend(current);
  }
  return name;
}

/** Runs `body`, which waits for nothing, on a backend that is ready. */
export function on<Result>(name: string | undefined, body: () => Result): Result {
  const former = currentBackend();
  if (name === undefined || name === former) return body();
  void tf.setBackend(name); // at once, for one that is ready
  try {
    return body();
  } finally {
    if (former !== undefined) void tf.setBackend(former);
  }
}
