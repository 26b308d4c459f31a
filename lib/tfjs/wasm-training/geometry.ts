import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../../arguments/errors.js';
import type { Scratch } from './scratch.js';

/**
 * One spatial dimension of a convolution: `input index = output * stride + tap * dilation - padBefore`, zero where that is
 * outside the input. The padding after is left out: tfjs's own is not to be relied on (with a number for `pad` it sizes both
 * dimensions of the output by the first kernel size and stride), and this says it all.
 */
export interface Axis {
  input: number;
  output: number;
  taps: number;
  stride: number;
  dilation: number;
  padBefore: number;
}

/** A two-dimensional convolution, whatever the layout of its tensors. */
export interface ConvGeometry {
  batch: number;
  inChannels: number;
  outChannels: number;
  rows: Axis;
  columns: Axis;
  channelsFirst: boolean;
}

/** The attributes that tfjs gives the gradient kernels; `dilations` it leaves out, since its own gradients refuse any. */
export interface ConvAttrs {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dilations?: [number, number] | number;
}

/** Output sizes and paddings exactly as the forward convolution has them. */
export function convGeometry(
  inputShape: number[],
  filterShape: number[],
  dy: TensorInfo,
  attrs: ConvAttrs,
  depthwise = false,
): ConvGeometry {
  const info = backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    backend_util.convertConv2DDataFormat(attrs.dataFormat ?? 'NHWC'),
  );
  if (dy.shape.some((size, i) => size !== info.outShape[i])) {
    throw new RetinanetOpsError(
      'ERR_SHAPE',
      `dy: expected the convolution's output shape [${info.outShape.join(', ')}], got [${dy.shape.join(', ')}]`,
    );
  }
  return {
    batch: info.batchSize,
    inChannels: info.inChannels,
    outChannels: info.outChannels,
    rows: {
      input: info.inHeight,
      output: info.outHeight,
      taps: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      padBefore: info.padInfo.top,
    },
    columns: {
      input: info.inWidth,
      output: info.outWidth,
      taps: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      padBefore: info.padInfo.left,
    },
    channelsFirst: info.dataFormat === 'channelsFirst',
  };
}

/** `x` as NHWC: itself, or a transposed copy if the convolution is NCHW. */
export function toChannelsLast(scratch: Scratch, x: TensorInfo, geometry: ConvGeometry): TensorInfo {
  return geometry.channelsFirst ? scratch.transpose(x, [0, 2, 3, 1]) : x;
}

/** The inverse of `toChannelsLast`. */
export function fromChannelsLast(scratch: Scratch, x: TensorInfo, geometry: ConvGeometry): TensorInfo {
  return geometry.channelsFirst ? scratch.transpose(x, [0, 3, 1, 2]) : x;
}

/** Whether any of the sizes is zero: nothing to sum, and XNNPACK refuses such shapes. */
export function isEmpty(g: ConvGeometry): boolean {
  return [g.batch, g.inChannels, g.outChannels, g.rows, g.columns].some((size) =>
    typeof size === 'number' ? size === 0 : size.input <= 0 || size.output <= 0 || size.taps === 0,
  );
}
