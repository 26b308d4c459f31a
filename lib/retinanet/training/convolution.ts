// A convolution with its bias and its ReLU in one kernel, forward and backward.
import { engine, getBackend, getGradient, getKernel, sum, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

import { defineKernel, type Gradient } from '../../tfjs/engine.js';

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
  bias?: Tensor;
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
      // A ReLU's result is positive where what it takes is.
      const dy = y === undefined ? (upstream as Tensor) : getGradient('Relu').gradFunc(upstream, [y], {})['x']!();
      const attrs = { ...attributes, dataFormat: 'NHWC' };
      const run = (kernel: string, inputs: Record<string, Tensor>, more: object): Tensor =>
        engine().runKernel(kernel, inputs, { ...attrs, ...more });
      return {
        x: () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
        filter: () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
        bias: () => sum(dy, [0, 1, 2]),
      };
    },
  };
  return defineKernel<ConvolutionAttributes>(
    name,
    ({ inputs, backend, attrs }) => {
      const all = { ...attrs, dataFormat: 'NHWC', dilations: [1, 1], activation };
      const kernel = getKernel('FusedConv2D', getBackend()).kernelFunc as unknown as (call: object) => TensorInfo;
      return [kernel({ inputs, backend, attrs: all })];
    },
    gradient,
  );
}

const linear = defineConvolution('RetinanetOpsConvolution', 'linear');
const rectified = defineConvolution('RetinanetOpsConvolutionRelu', 'relu');

/** [B, Ho, Wo, Co] */
export function convolution(inputs: ConvolutionInputs, attributes: ConvolutionAttributes, withRelu: boolean): Tensor {
  return (withRelu ? rectified : linear)({ ...inputs }, attributes)[0]!;
}
