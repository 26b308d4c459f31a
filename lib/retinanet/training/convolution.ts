// A convolution with its bias, a sum and a ReLU in one kernel, forward and backward.
import { engine, getBackend, sum, type KernelBackend, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

import { NAME as NATIVE } from '../../tfjs/backend/kernel.js';
import { defineKernel, type Gradient } from '../../tfjs/engine.js';
import { accumulating } from './backpropagation.js';
import { givenByRelu, isGivenByRelu, passedRelu, reluGradient } from './rectified.js';
import { rectifyInPlace, runKernel } from './rectifier.js';

export interface ConvolutionAttributes {
  strides: [number, number];
  /** Rows and columns of zeros around the images: [[0, 0], [top, bottom], [left, right], [0, 0]]. */
  pad: 'same' | 'valid' | [number, number][];
}

export interface ConvolutionInputs {
  /** [B, H, W, Ci] */
  x: Tensor;
  /** [kh, kw, Ci, Co] */
  filter: Tensor;
  /** [Co] */
  bias?: Tensor | undefined;
  /** Of the output's shape: added before the ReLU. */
  addend?: Tensor | undefined;
}

/** Where the current backend has no kernel for all of it. */
function addedAndRectified(product: TensorInfo, addend: TensorInfo, backend: KernelBackend, withRelu: boolean) {
  const total = runKernel('Add', backend, { a: product, b: addend });
  backend.disposeData(product.dataId);
  return withRelu ? rectifyInPlace(total, backend) : total;
}

/**
 * tf.fused.conv2d falls apart into its operations where there is a gradient and an activation, and where there is none, computes
 * the gradient by its input even of the first layer, whose input is an image. Here each gradient is computed when it is asked for,
 * and what is kept for them is the input, and the result of a ReLU.
 */
function defineConvolution(name: string, activation: 'linear' | 'relu') {
  const withRelu = activation === 'relu';
  const gradient: Gradient = {
    inputsToSave: ['x', 'filter'],
    outputsToSave: [withRelu],
    gradFunc: (upstream, saved, attributes) => {
      const [x, filter, y] = saved as [Tensor, Tensor, Tensor | undefined];
      const dy = y === undefined ? (upstream as Tensor) : reluGradient(upstream as Tensor, y);
      const attrs = { ...attributes, dataFormat: 'NHWC' };
      const run = (kernel: string, inputs: Record<string, Tensor>, more: object): Tensor =>
        engine().runKernel(kernel, inputs, { ...attrs, ...more });
      const inputGradient = (addend?: Tensor, rectified?: Tensor) => {
        const more = { ...(addend && { addend }), ...(rectified && { rectified }) };
        return run('Conv2DBackpropInput', { dy, filter, ...more }, { inputShape: x.shape });
      };
      const withReluOfInput = (former?: Tensor) =>
        isGivenByRelu(x) ? passedRelu(inputGradient(former, x), x) : inputGradient(former);
      return {
        x: getBackend() === NATIVE ? accumulating(withReluOfInput) : () => inputGradient(),
        filter: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
        bias: () => sum(dy, [0, 1, 2]),
        addend: () => dy.clone(),
      };
    },
  };
  return defineKernel<ConvolutionAttributes>(
    name,
    ({ inputs: { addend, ...inputs }, backend, attrs }) => {
      const isOne = addend === undefined || getBackend() === NATIVE;
      const all = { ...attrs, dataFormat: 'NHWC', dilations: [1, 1], activation: isOne ? activation : 'linear' };
      const y = runKernel('FusedConv2D', backend, { ...inputs, ...(isOne && addend && { addend }) }, all);
      const result = isOne ? y : addedAndRectified(y, addend, backend, withRelu);
      return [withRelu ? givenByRelu(result) : result];
    },
    gradient,
  );
}

const linear = defineConvolution('RetinanetOpsConvolution', 'linear');
const rectified = defineConvolution('RetinanetOpsConvolutionRelu', 'relu');

/** [B, Ho, Wo, Co] */
export function convolution(inputs: ConvolutionInputs, attributes: ConvolutionAttributes, withRelu: boolean): Tensor {
  const given = Object.entries(inputs).filter(([, tensor]) => tensor !== undefined);
  return (withRelu ? rectified : linear)(Object.fromEntries(given), attributes)[0]!;
}
