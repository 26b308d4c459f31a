import { dirname, join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';

import { RetinanetOpsError } from '../arguments/errors.js';
import { bundled, nodeRequire, UNBUNDLE } from '../runtime/location.js';
import { enableWasmTraining } from '../tfjs/wasm-training/index.js';
import type { Check } from '../arguments/check.js';

/**
 * Makes tfjs's WebAssembly backend the current one, with the gradients of convolutions that it lacks. It runs on one
 * thread; `trainRetinaNet` with `backend: 'wasm'` starts one instance in every worker.
 *
 * @throws RetinanetOpsError `ERR_BACKEND` where the package of the backend is not installed, or does not start
 */
export async function useWasmBackend(): Promise<void> {
  let cause: unknown;
  const started = await startWasm().catch((error: unknown) => {
    cause = error;
    return false;
  });
  if (!started) {
    const received = cause === undefined ? 'one that does not start' : (cause as Error).message.split('\n')[0];
    const expected = "useWasmBackend: expected tfjs's backend of the package @tensorflow/tfjs-backend-wasm";
    const help = bundled ? `. Mark it external, too. ${UNBUNDLE}` : '';
    throw new RetinanetOpsError('ERR_BACKEND', `${expected}, received ${received}${help}`, { cause });
  }
  enableWasmTraining();
}

async function startWasm(): Promise<boolean> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  // Its .wasm files lie beside it.
  wasm.setWasmPaths(join(dirname(nodeRequire.resolve('@tensorflow/tfjs-backend-wasm')), '/'));
  return tf.setBackend('wasm');
}

/** Models hold tensors, so tfjs needs somewhere to keep them. */
export function requireTfBackend(check: Check): void {
  try {
    tf.backend();
  } catch (cause) {
    throw new RetinanetOpsError(
      'ERR_BACKEND',
      `${check.operation}: expected a backend of TensorFlow.js that is ready, received none: ` +
        'call `await useNativeBackend()` first, or register another',
      { cause },
    );
  }
}
