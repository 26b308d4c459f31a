// The tfjs backend of this package: kernels in native code, tensors in plain memory.
import * as tf from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { batchNormKernels } from './batch-norm.js';
import { CONVOLUTION_KERNELS } from './convolution.js';
import { copyKernels } from './copies.js';
import { elementwiseKernels } from './elementwise.js';
import { registerGradients } from './gradients.js';
import { NAME } from './kernel.js';
import { withTensorMemory } from './memory.js';
import { matMulKernels } from './matmul.js';
import { poolingKernels } from './pooling.js';
import { reductionKernels } from './reductions.js';
import { resizingKernels } from './resizing.js';

/**
 * Makes TensorFlow.js compute on all cores with this package's native kernels: the backend 'native', whose tensors are plain memory.
 * Operations that have no native kernel are the cpu backend's.
 *
 * @throws RetinanetOpsError ERR_BACKEND: `@tensorflow/tfjs-backend-cpu` is not installed
 */
export async function useNativeBackend(): Promise<void> {
  if (tf.findBackendFactory(NAME) === null) await register();
  registerGradients(NAME);
  await tf.setBackend(NAME);
}

async function register(): Promise<void> {
  const cpu = await import('@tensorflow/tfjs-backend-cpu').catch((cause: unknown) => {
    const message = "useNativeBackend: expected '@tensorflow/tfjs-backend-cpu' to be installed";
    throw new RetinanetOpsError('ERR_BACKEND', message, { cause });
  });
  class NativeBackend extends withTensorMemory(cpu.MathBackendCPU) {}
  tf.registerBackend(NAME, () => new NativeBackend(), 0);
  tf.copyRegisteredKernels('cpu', NAME);
  const kernels = {
    ...CONVOLUTION_KERNELS,
    ...batchNormKernels,
    ...copyKernels,
    ...elementwiseKernels(),
    ...matMulKernels,
    ...poolingKernels,
    ...reductionKernels,
    ...resizingKernels,
  };
  for (const [kernelName, kernelFunc] of Object.entries(kernels as unknown as Record<string, tf.KernelFunc>)) {
    if ((tf.getKernel(kernelName, NAME) as unknown) !== undefined) tf.unregisterKernel(kernelName, NAME);
    tf.registerKernel({ kernelName, backendName: NAME, kernelFunc });
  }
}
