// Convolutions and their gradients on the native backend.
import { util, type backend_util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionShape } from '../../../binding.js';
import { Check } from '../../arguments/check.js';
import { convolutionShape, outputShape } from '../../operations/convolution-geometry.js';
import { plan } from '../../runtime/plan.js';
import { cpuKernel, floatsOf, makeFloats, type NativeKernel } from './kernel.js';

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** As the kernels of tfjs name it; its own formula takes numeric pads of other than square filters or strides amiss. */
function shapeOf(input: readonly number[], filter: readonly number[], attrs: ConvolutionAttributes): ConvolutionShape {
  const { strides, pad } = attrs;
  // Gradients' attributes have none: tfjs refuses gradients of dilated convolutions.
  const dilations = (attrs.dilations as ConvolutionAttributes['dilations'] | undefined) ?? 1;
  return convolutionShape(input, filter, {
    strides,
    dilations,
    pad: typeof pad === 'object' ? [pad[1], pad[2]] : pad,
    round: (outputs) => Math[attrs.dimRoundingMode ?? 'floor'](outputs),
  });
}

const CLAMPS: Record<string, [number, number] | undefined> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

function forward(
  backend: KernelBackend,
  x: TensorInfo,
  filter: TensorInfo,
  bias: TensorInfo | undefined,
  shape: ConvolutionShape,
  [low, high]: [number, number],
): TensorInfo {
  const [output, result] = makeFloats(backend, outputShape(shape));
  plan(
    new Check('conv2d'),
    'convolution',
    {
      ...shape,
      input: floatsOf(backend, x),
      filter: floatsOf(backend, filter),
      bias: bias === undefined ? null : floatsOf(backend, bias),
      clamped: low !== -Infinity || high !== Infinity,
      low,
      high,
      output,
    },
    () => undefined,
  ).runSync();
  return result;
}

export const conv2D: NativeKernel<ConvolutionAttributes> = (call) => {
  const { inputs, attrs, backend } = call;
  if (attrs.dataFormat !== 'NHWC') return cpuKernel('Conv2D', call);
  const [x, filter] = [inputs['x'], inputs['filter']] as [TensorInfo, TensorInfo];
  return forward(backend, x, filter, undefined, shapeOf(x.shape, filter.shape, attrs), [-Infinity, Infinity]);
};

export const fusedConv2D: NativeKernel<ConvolutionAttributes & { activation: string }> = (call) => {
  const { inputs, attrs, backend } = call;
  const clamp = CLAMPS[attrs.activation];
  const bias = inputs['bias'];
  const [x, filter] = [inputs['x'], inputs['filter']] as [TensorInfo, TensorInfo];
  // A bias may be of any shape that broadcasts.
  const isByFilter = bias === undefined || util.sizeFromShape(bias.shape) === filter.shape[3];
  if (attrs.dataFormat !== 'NHWC' || clamp === undefined || !isByFilter) return cpuKernel('FusedConv2D', call);
  return forward(backend, x, filter, bias, shapeOf(x.shape, filter.shape, attrs), clamp);
};

export const conv2DBackpropInput: NativeKernel<ConvolutionAttributes & { inputShape: number[] }> = (call) => {
  const { inputs, attrs, backend } = call;
  if (attrs.dataFormat !== 'NHWC') return cpuKernel('Conv2DBackpropInput', call);
  const [dy, filter] = [inputs['dy'], inputs['filter']] as [TensorInfo, TensorInfo];
  const shape = shapeOf(attrs.inputShape, filter.shape, attrs);
  // conv2dTranspose may have more of dy than reaches its result.
  if (!util.arraysEqual(dy.shape, outputShape(shape))) return cpuKernel('Conv2DBackpropInput', call);
  const [inputGrad, result] = makeFloats(backend, attrs.inputShape);
  plan(
    new Check('conv2dBackpropInput'),
    'convolutionInputGrad',
    {
      ...shape,
      outputGrad: floatsOf(backend, dy),
      filter: floatsOf(backend, filter),
      inputGrad,
    },
    () => undefined,
  ).runSync();
  return result;
};

export const conv2DBackpropFilter: NativeKernel<ConvolutionAttributes & { filterShape: number[] }> = (call) => {
  const { inputs, attrs, backend } = call;
  if (attrs.dataFormat !== 'NHWC') return cpuKernel('Conv2DBackpropFilter', call);
  const [x, dy] = [inputs['x'], inputs['dy']] as [TensorInfo, TensorInfo];
  const [filterGrad, result] = makeFloats(backend, attrs.filterShape);
  plan(
    new Check('conv2dBackpropFilter'),
    'convolutionFilterGrad',
    {
      ...shapeOf(x.shape, attrs.filterShape, attrs),
      input: floatsOf(backend, x),
      outputGrad: floatsOf(backend, dy),
      filterGrad,
    },
    () => undefined,
  ).runSync();
  return result;
};
