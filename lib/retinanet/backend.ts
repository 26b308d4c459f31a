import { dirname, join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';

import { RetinanetOpsError } from '../errors.js';
import { bundled, nodeRequire, UNBUNDLE } from '../location.js';
import { enableWasmTraining } from '../tfjs/wasm-training/index.js';

/**
 * Makes tfjs's WebAssembly backend the current one, with the gradients of convolutions that it lacks. It runs on one
 * thread; `trainRetinaNet` starts one instance in every worker.
 */
export async function useWasmBackend(): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(join(wasmFolder(), '/'));
  await tf.setBackend('wasm');
  await tf.ready();
  enableWasmTraining();
}

/** Where the backend's .wasm files lie. */
function wasmFolder(): string {
  try {
    return dirname(nodeRequire.resolve('@tensorflow/tfjs-backend-wasm'));
  } catch (cause) {
    const what = "useWasmBackend: found no folder of '@tensorflow/tfjs-backend-wasm', whose .wasm files it needs";
    throw new RetinanetOpsError('ERR_BACKEND', bundled ? `${what}. Mark it external, too. ${UNBUNDLE}` : what, {
      cause,
    });
  }
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
