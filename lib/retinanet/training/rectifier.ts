// A ReLU whose gradient is computed from its result, so that what it takes need not be kept; alone or of a sum.
import { getBackend, getKernel, type KernelBackend, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

import { defineKernel, type Gradient } from '../../tfjs/engine.js';
import { givenByRelu, reluGradient } from './rectified.js';

/** Runs a kernel of the current backend. */
export function runKernel(name: string, backend: KernelBackend, inputs: object, attrs: object = {}): TensorInfo {
  const kernel = getKernel(name, getBackend()).kernelFunc as unknown as (call: object) => TensorInfo;
  return kernel({ inputs, backend, attrs });
}

/** A ReLU in place of what it takes. */
export function rectifyInPlace(x: TensorInfo, backend: KernelBackend): TensorInfo {
  const y = runKernel('Relu', backend, { x });
  backend.disposeData(x.dataId);
  return y;
}

const gradient: Gradient = {
  outputsToSave: [true],
  gradFunc: (upstream, [y]) => {
    const dx = reluGradient(upstream as Tensor, y!);
    return { a: () => dx, b: () => dx.clone() };
  },
};

const rectified = defineKernel<object>(
  'RetinanetOpsRelu',
  ({ inputs: { a, b }, backend }) => {
    const y =
      b === undefined
        ? runKernel('Relu', backend, { x: a })
        : rectifyInPlace(runKernel('Add', backend, { a, b }), backend);
    return [givenByRelu(y)];
  },
  gradient,
);

/** max(a + b, 0), of tensors of one shape. */
export function rectify(a: Tensor, b?: Tensor): Tensor {
  return rectified({ a, ...(b && { b }) }, {})[0]!;
}
