// The tfjs backend of this package: kernels in native code, tensors in plain memory.
import * as tf from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { bundled, UNBUNDLE } from '../../runtime/location.js';
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
  await registerNativeBackend();
  await tf.setBackend(NAME);
}

/** Has the backend ready, and the current one as it is. @throws RetinanetOpsError ERR_BACKEND */
export async function registerNativeBackend(): Promise<void> {
  registerGradients(NAME);
  if (tf.findBackendFactory(NAME) !== null) return;
  registering ??= register().finally(() => (registering = undefined));
  await registering;
}

/** Calls that wait for the same. */
let registering: Promise<void> | undefined;

/** @throws RetinanetOpsError ERR_BACKEND: it is not installed */
export async function importCpuBackend(operation: string) {
  try {
    return await import('@tensorflow/tfjs-backend-cpu');
  } catch (cause) {
    const [received] = (cause as Error).message.split('\n');
    const help = bundled ? `. Mark it external, too. ${UNBUNDLE}` : '';
    const message = `${operation}: expected the package @tensorflow/tfjs-backend-cpu, received ${String(received)}${help}`;
    throw new RetinanetOpsError('ERR_BACKEND', message, { cause });
  }
}

async function register(): Promise<void> {
  const cpu = await importCpuBackend('useNativeBackend');
  class NativeBackend extends withTensorMemory(cpu.MathBackendCPU) {}
  // Its greeting recommends a package that nobody needs here.
  tf.registerBackend(NAME, () => Object.assign(new NativeBackend(), { firstUse: false }), 0);
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
