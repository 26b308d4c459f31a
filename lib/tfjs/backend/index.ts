// The tfjs backend of this package: kernels in native code, tensors in plain memory.
import * as tf from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { CONVOLUTION_KERNELS } from './convolution.js';

const NAME = 'native';

const KERNELS = {
  ...CONVOLUTION_KERNELS,
} as unknown as Record<string, tf.KernelFunc>;

/**
 * Makes TensorFlow.js compute on all cores with this package's native kernels: the backend 'native', whose tensors are plain memory.
 * Operations that have no native kernel are the cpu backend's.
 *
 * @throws RetinanetOpsError ERR_BACKEND: `@tensorflow/tfjs-backend-cpu` is not installed
 */
export async function useNativeBackend(): Promise<void> {
  if (tf.findBackendFactory(NAME) === null) await register();
  await tf.setBackend(NAME);
}

async function register(): Promise<void> {
  const cpu = await import('@tensorflow/tfjs-backend-cpu').catch((cause: unknown) => {
    const message = "useNativeBackend: expected '@tensorflow/tfjs-backend-cpu' to be installed";
    throw new RetinanetOpsError('ERR_BACKEND', message, { cause });
  });
  class NativeBackend extends cpu.MathBackendCPU {}
  tf.registerBackend(NAME, () => new NativeBackend(), 0);
  tf.copyRegisteredKernels('cpu', NAME);
  for (const [kernelName, kernelFunc] of Object.entries(KERNELS)) {
    tf.unregisterKernel(kernelName, NAME);
    tf.registerKernel({ kernelName, backendName: NAME, kernelFunc });
  }
}
