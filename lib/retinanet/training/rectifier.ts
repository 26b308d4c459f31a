// A ReLU whose gradient is computed from its result, so that what it takes need not be kept; alone or of a sum.
import { getBackend, getKernel, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

import { defineKernel, type Gradient } from '../../tfjs/engine.js';
import { givenByRelu, reluGradient } from './rectified.js';

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
    const run = (name: string, inputs: object): TensorInfo => {
      const kernel = getKernel(name, getBackend()).kernelFunc as unknown as (call: object) => TensorInfo;
      return kernel({ inputs, backend, attrs: {} });
    };
    if (b === undefined) return [givenByRelu(run('Relu', { x: a }))];
    const sum = run('Add', { a, b });
    const y = run('Relu', { x: sum });
    backend.disposeData(sum.dataId);
    return [givenByRelu(y)];
  },
  gradient,
);

/** max(a + b, 0), of tensors of one shape. */
export function rectify(a: Tensor, b?: Tensor): Tensor {
  return rectified({ a, ...(b && { b }) }, {})[0]!;
}
