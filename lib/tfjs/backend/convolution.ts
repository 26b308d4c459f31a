// Convolutions and their gradients on the native backend.
import { backend_util, util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionShape } from '../../../binding.js';
import { Check } from '../../arguments/check.js';
import { plan } from '../../runtime/plan.js';
import { cpuKernel, floatsOf, makeFloats, type NativeKernel } from './kernel.js';

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4D = [number, number, number, number];
type Info = backend_util.Conv2DInfo;

function infoOf(inputShape: number[], filterShape: number[], attrs: ConvolutionAttributes): Info {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  return backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides,
    // Gradients' attributes have none: tfjs refuses gradients of dilated convolutions with strides.
    (dilations as ConvolutionAttributes['dilations'] | undefined) ?? 1,
    pad,
    dimRoundingMode,
  );
}

function shapeOf(info: Info): ConvolutionShape {
  return {
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    filters: info.outChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    dilationHeight: info.dilationHeight,
    dilationWidth: info.dilationWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
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
  info: Info,
  [low, high]: [number, number],
): TensorInfo {
  const [output, result] = makeFloats(backend, info.outShape);
  plan(
    new Check('conv2d'),
    'convolution',
    {
      ...shapeOf(info),
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
  return forward(backend, x, filter, undefined, infoOf(x.shape, filter.shape, attrs), [-Infinity, Infinity]);
};

export const fusedConv2D: NativeKernel<ConvolutionAttributes & { activation: string }> = (call) => {
  const { inputs, attrs, backend } = call;
  const clamp = CLAMPS[attrs.activation];
  const bias = inputs['bias'];
  const [x, filter] = [inputs['x'], inputs['filter']] as [TensorInfo, TensorInfo];
  // A bias may be of any shape that broadcasts.
  const isByFilter = bias === undefined || util.sizeFromShape(bias.shape) === filter.shape[3];
  if (attrs.dataFormat !== 'NHWC' || clamp === undefined || !isByFilter) return cpuKernel('FusedConv2D', call);
  return forward(backend, x, filter, bias, infoOf(x.shape, filter.shape, attrs), clamp);
};

export const conv2DBackpropInput: NativeKernel<ConvolutionAttributes & { inputShape: Shape4D }> = (call) => {
  const { inputs, attrs, backend } = call;
  if (attrs.dataFormat !== 'NHWC') return cpuKernel('Conv2DBackpropInput', call);
  const [dy, filter] = [inputs['dy'], inputs['filter']] as [TensorInfo, TensorInfo];
  const info = infoOf(attrs.inputShape, filter.shape, attrs);
  // conv2dTranspose may have more of dy than reaches its result.
  if (!util.arraysEqual(dy.shape, info.outShape)) return cpuKernel('Conv2DBackpropInput', call);
  const [inputGrad, result] = makeFloats(backend, attrs.inputShape);
  plan(
    new Check('conv2dBackpropInput'),
    'convolutionInputGrad',
    {
      ...shapeOf(info),
      outputGrad: floatsOf(backend, dy),
      filter: floatsOf(backend, filter),
      inputGrad,
    },
    () => undefined,
  ).runSync();
  return result;
};

export const conv2DBackpropFilter: NativeKernel<ConvolutionAttributes & { filterShape: Shape4D }> = (call) => {
  const { inputs, attrs, backend } = call;
  if (attrs.dataFormat !== 'NHWC') return cpuKernel('Conv2DBackpropFilter', call);
  const [x, dy] = [inputs['x'], inputs['dy']] as [TensorInfo, TensorInfo];
  const [filterGrad, result] = makeFloats(backend, attrs.filterShape);
  plan(
    new Check('conv2dBackpropFilter'),
    'convolutionFilterGrad',
    {
      ...shapeOf(infoOf(x.shape, attrs.filterShape, attrs)),
      input: floatsOf(backend, x),
      outputGrad: floatsOf(backend, dy),
      filterGrad,
    },
    () => undefined,
  ).runSync();
  return result;
};
