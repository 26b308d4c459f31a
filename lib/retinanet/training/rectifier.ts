// A ReLU whose gradient is computed from its result, so that what it takes need not be kept; alone or of a sum.
import { getBackend, getGradient, getKernel, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

import { defineKernel, type Gradient } from '../../tfjs/engine.js';

const gradient: Gradient = {
  outputsToSave: [true],
  gradFunc: (upstream, [y]) => {
    // Positive where what it takes is.
    const dx = getGradient('Relu').gradFunc(upstream, [y!], {})['x']!();
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
    if (b === undefined) return [run('Relu', { x: a })];
    const sum = run('Add', { a, b });
    const y = run('Relu', { x: sum });
    backend.disposeData(sum.dataId);
    return [y];
  },
  gradient,
);

/** max(a + b, 0), of tensors of one shape. */
export function rectify(a: Tensor, b?: Tensor): Tensor {
  return rectified({ a, ...(b && { b }) }, {})[0]!;
}
