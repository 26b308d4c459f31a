import { getKernel, type KernelConfig, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { conv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2DBackpropInput } from './conv2d-backprop-input.js';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-backprop.js';
import { withRightPadding } from './forward-padding.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { resizeNearestNeighborGrad } from './resize-nearest-neighbor-grad.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

// Each kernel narrows what the registry types as any backend, any inputs and any attributes.
const kernels = {
  Conv2DBackpropFilter: conv2DBackpropFilter,
  Conv2DBackpropInput: conv2DBackpropInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  MaxPoolGrad: maxPoolGrad,
  ResizeNearestNeighborGrad: resizeNearestNeighborGrad,
  UnsortedSegmentSum: unsortedSegmentSum,
} as unknown as Record<string, KernelFunc>;

/** Forward kernels, and whether each filter sees one channel only. */
const forwardKernels = {
  Conv2D: false,
  FusedConv2D: false,
  DepthwiseConv2dNative: true,
  FusedDepthwiseConv2D: true,
};
const mended = new WeakSet<KernelFunc>();

function registered(kernelName: string): KernelConfig | undefined {
  // The declared type leaves out that there may be none.
  const config: KernelConfig | undefined = getKernel(kernelName, 'wasm');
  return config;
}

/** The stock kernel's other functions stay: one of them connects it with the backend's module. */
function replace(present: KernelConfig | undefined, kernelName: string, kernelFunc: KernelFunc): void {
  if (present !== undefined) unregisterKernel(kernelName, 'wasm');
  registerKernel({ ...present, kernelName, backendName: 'wasm', kernelFunc });
}

/**
 * Registers the gradient kernels that the wasm backend of TensorFlow.js lacks, so that convolutional networks train on it:
 * the filter gradient of a convolution and the gradients of depthwise convolution and `tf.gather`; replaces its slow input
 * gradient and nearest-neighbour resize gradient, and its max-pool gradient, which is wrong where all values are negative; and mends
 * convolutions whose padding it gets wrong, with gradient or without. Every stride, padding and kernel size of `tf.conv2d`; other
 * backends are left as they are.
 *
 * Call it once the wasm backend's package is imported, before or after the backend is chosen; calling it again does nothing.
 *
 *     import * as tf from '@tensorflow/tfjs';
 *     import '@tensorflow/tfjs-backend-wasm';
 *     import { enableWasmTraining } from 'retinanet-ops/tfjs';
 *
 *     enableWasmTraining();
 *     await tf.setBackend('wasm');
 *
 * @throws RetinanetOpsError `ERR_BACKEND` if the wasm backend's package has not been imported.
 */
export function enableWasmTraining(): void {
  if (registered('Conv2D') === undefined) {
    throw new RetinanetOpsError(
      'ERR_BACKEND',
      "enableWasmTraining: expected the 'wasm' backend to be registered; import '@tensorflow/tfjs-backend-wasm' first",
    );
  }
  for (const [kernelName, kernelFunc] of Object.entries(kernels)) {
    const present = registered(kernelName);
    if (present?.kernelFunc !== kernelFunc) replace(present, kernelName, kernelFunc);
  }
  for (const [kernelName, depthwise] of Object.entries(forwardKernels)) {
    const present = registered(kernelName);
    if (present === undefined || mended.has(present.kernelFunc)) continue;
    const stock = present.kernelFunc as unknown as Parameters<typeof withRightPadding>[0];
    const kernelFunc = withRightPadding(stock, depthwise) as unknown as KernelFunc;
    mended.add(kernelFunc);
    replace(present, kernelName, kernelFunc);
  }
}
