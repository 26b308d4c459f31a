// Convolutions, depthwise ones, and their gradients on the native backend.
import { util, type backend_util, type KernelBackend, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionShape } from '../../../binding.js';
import { Check } from '../../arguments/check.js';
import { CLAMPS, type Conv2dActivation } from '../../operations/convolution.js';
import { convolutionShape, depthwiseOutputShape, outputShape } from '../../operations/convolution-geometry.js';
import { plan } from '../../runtime/plan.js';
import { cpuKernel, finish, floatsOf, makeFloats, type NativeCall, type NativeKernel } from './kernel.js';

interface ConvolutionAttributes {
  strides: number | [number, number];
  pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  /** Conv2D's gradients have none: tfjs refuses them of dilated convolutions. */
  dilations?: number | [number, number] | null;
  dimRoundingMode?: 'floor' | 'round' | 'ceil' | null;
}
interface FusedAttributes extends ConvolutionAttributes {
  activation?: string;
  leakyreluAlpha?: number;
}

/** What tells convolutions and depthwise ones apart: kernels of the cpu backend, native operations, shapes. */
interface Family {
  forward: ['Conv2D' | 'DepthwiseConv2dNative', 'convolution' | 'depthwiseConvolution'];
  fused: 'FusedConv2D' | 'FusedDepthwiseConv2D';
  inputGrad: [
    'Conv2DBackpropInput' | 'DepthwiseConv2dNativeBackpropInput',
    'convolutionInputGrad' | 'depthwiseInputGrad',
  ];
  filterGrad: [
    'Conv2DBackpropFilter' | 'DepthwiseConv2dNativeBackpropFilter',
    'convolutionFilterGrad' | 'depthwiseFilterGrad',
  ];
  outputShape: (shape: ConvolutionShape) => number[];
  /** Channels of the output, of a filter's shape. */
  numOutputs: (filter: number[]) => number | undefined;
}

const CONVOLUTION: Family = {
  forward: ['Conv2D', 'convolution'],
  fused: 'FusedConv2D',
  inputGrad: ['Conv2DBackpropInput', 'convolutionInputGrad'],
  filterGrad: ['Conv2DBackpropFilter', 'convolutionFilterGrad'],
  outputShape,
  numOutputs: (filter) => filter[3],
};

const DEPTHWISE: Family = {
  forward: ['DepthwiseConv2dNative', 'depthwiseConvolution'],
  fused: 'FusedDepthwiseConv2D',
  inputGrad: ['DepthwiseConv2dNativeBackpropInput', 'depthwiseInputGrad'],
  filterGrad: ['DepthwiseConv2dNativeBackpropFilter', 'depthwiseFilterGrad'],
  outputShape: depthwiseOutputShape,
  numOutputs: ([, , channels, filters]) => channels! * filters!,
};

/** tfjs' own formula takes numeric pads of other than square filters and strides amiss. */
function shapeOf(input: readonly number[], filter: readonly number[], attrs: ConvolutionAttributes): ConvolutionShape {
  const { strides, pad, dilations, dimRoundingMode } = attrs;
  return convolutionShape(input, filter, {
    strides,
    dilations: dilations ?? 1,
    pad: typeof pad === 'object' ? [pad[1], pad[2]] : pad,
    round: (outputs) => Math[dimRoundingMode ?? 'floor'](outputs),
  });
}

const isVector = (shape: number[], length?: number): boolean =>
  shape.at(-1) === length && util.sizeFromShape(shape) === length;

const isNative = ({ dataFormat = 'NHWC' }: ConvolutionAttributes): boolean => dataFormat === 'NHWC';

function floatsOrNull(backend: KernelBackend, tensor: TensorInfo | undefined): Float32Array | null {
  return tensor === undefined ? null : floatsOf(backend, tensor);
}

/**
 * Those of convolutions, not of depthwise ones, take what a training hands them as well: `addend`, of the result's shape, and in the
 * gradient by the input `rectified`, the input that a ReLU gave (binding.d.ts).
 */
function kernelsOf(family: Family): Record<string, KernelFunc> {
  const forward = (
    { inputs, attrs, backend }: NativeCall<ConvolutionAttributes>,
    bias: TensorInfo | undefined,
    [low, high]: readonly [number, number],
  ): TensorInfo => {
    const [x, filter] = [inputs['x'], inputs['filter']] as [TensorInfo, TensorInfo];
    const shape = shapeOf(x.shape, filter.shape, attrs);
    const [output, result] = makeFloats(backend, family.outputShape(shape));
    const fields = {
      input: floatsOf(backend, x),
      filter: floatsOf(backend, filter),
      bias: bias === undefined ? null : floatsOf(backend, bias),
      addend: floatsOrNull(backend, inputs['addend']),
      ...{ clamped: low !== -Infinity || high !== Infinity, low, high },
      output,
    };
    plan(new Check('conv2d'), family.forward[1], { ...shape, ...fields }, () => undefined).runSync();
    return result;
  };

  const plain: NativeKernel<ConvolutionAttributes> = (call) =>
    isNative(call.attrs) ? forward(call, undefined, CLAMPS.linear) : cpuKernel(family.forward[0], call);

  const fused: NativeKernel<FusedAttributes> = (call) => {
    const { inputs, attrs, backend } = call;
    const { activation = 'linear', leakyreluAlpha } = attrs;
    if (!isNative(attrs)) return cpuKernel(family.fused, call);
    const bias = inputs['bias'];
    // A bias may be of any shape that broadcasts.
    const isByChannel =
      bias === undefined || isVector(bias.shape, family.numOutputs((inputs['filter'] as TensorInfo).shape));
    const isClamp = isByChannel && Object.hasOwn(CLAMPS, activation);
    const clamp = isClamp ? CLAMPS[activation as Conv2dActivation] : CLAMPS.linear;
    const product = forward(call, isByChannel ? bias : undefined, clamp);
    return finish(product, backend, {
      bias: isByChannel ? undefined : bias,
      activation: isClamp ? 'linear' : activation,
      leakyreluAlpha,
      preluActivationWeights: inputs['preluActivationWeights'],
    });
  };

  const backpropInput: NativeKernel<ConvolutionAttributes & { inputShape: number[] }> = (call) => {
    const { inputs, attrs, backend } = call;
    const [dy, filter] = [inputs['dy'], inputs['filter']] as [TensorInfo, TensorInfo];
    const shape = shapeOf(attrs.inputShape, filter.shape, attrs);
    // conv2dTranspose may have more of dy than reaches its result.
    if (!isNative(attrs) || !util.arraysEqual(dy.shape, family.outputShape(shape))) {
      return cpuKernel(family.inputGrad[0], call);
    }
    const [inputGrad, result] = makeFloats(backend, attrs.inputShape);
    const fields = {
      outputGrad: floatsOf(backend, dy),
      filter: floatsOf(backend, filter),
      addend: floatsOrNull(backend, inputs['addend']),
      rectified: floatsOrNull(backend, inputs['rectified']),
      inputGrad,
    };
    plan(new Check('conv2dBackpropInput'), family.inputGrad[1], { ...shape, ...fields }, () => undefined).runSync();
    return result;
  };

  const backpropFilter: NativeKernel<ConvolutionAttributes & { filterShape: number[] }> = (call) => {
    const { inputs, attrs, backend } = call;
    if (!isNative(attrs)) return cpuKernel(family.filterGrad[0], call);
    const [x, dy] = [inputs['x'], inputs['dy']] as [TensorInfo, TensorInfo];
    const shape = shapeOf(x.shape, attrs.filterShape, attrs);
    const [filterGrad, result] = makeFloats(backend, attrs.filterShape);
    const fields = { input: floatsOf(backend, x), outputGrad: floatsOf(backend, dy), filterGrad };
    plan(new Check('conv2dBackpropFilter'), family.filterGrad[1], { ...shape, ...fields }, () => undefined).runSync();
    return result;
  };

  return {
    [family.forward[0]]: plain,
    [family.fused]: fused,
    [family.inputGrad[0]]: backpropInput,
    [family.filterGrad[0]]: backpropFilter,
  } as unknown as Record<string, KernelFunc>;
}

export const CONVOLUTION_KERNELS = { ...kernelsOf(CONVOLUTION), ...kernelsOf(DEPTHWISE) };
