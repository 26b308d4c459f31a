import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';

import * as tf from '@tensorflow/tfjs-core';

import { RetinanetOpsError } from '../errors.js';
import { enableWasmTraining } from '../tfjs/wasm-training/index.js';

/**
 * Makes tfjs's WebAssembly backend the current one, with the gradients of convolutions that it lacks. It runs on one
 * thread; `trainRetinaNet` starts one instance in every worker.
 */
export async function useWasmBackend(): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const require = createRequire(import.meta.url);
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  await tf.setBackend('wasm');
  await tf.ready();
  enableWasmTraining();
}

/** Models hold tensors, so tfjs needs somewhere to keep them. */
export function requireTfBackend(): void {
  try {
    tf.backend();
  } catch (cause) {
    throw new RetinanetOpsError(
      'ERR_BACKEND',
      'TensorFlow.js has no backend that is ready: call `await useWasmBackend()` first, or register another backend',
      { cause },
    );
  }
}
