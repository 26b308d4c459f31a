import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvAttrs } from './geometry.js';
import { type WasmKernelArgs, withScratch } from './scratch.js';

type Args = WasmKernelArgs<{ x: TensorInfo; filter: TensorInfo }, ConvAttrs>;
type ForwardKernel = (args: Args) => TensorInfo;
type Info = ReturnType<typeof backend_util.computeConv2DInfo>;

/** One spatial dimension of a forward convolution; `reach`: from the first to the last tap, both included. */
interface Side {
  input: number;
  output: number;
  reach: number;
  stride: number;
  before: number;
}

/**
 * A forward kernel that pads as the cpu backend does.
 *
 * The stock ones give zeros for 'same' padding where the stride leaves pixels unread at the end of an axis (kernel 3, stride 4, 8
 * pixels), since XNNPACK's own idea of that padding differs from tfjs's. With a number for padding, tfjs sizes both dimensions of
 * the result by the filter's height and the vertical stride; XNNPACK sizes them rightly and writes past the result's end. There the
 * padding is given explicitly, and what tfjs leaves out is cut off.
 */
export function withRightPadding(stock: ForwardKernel, depthwise: boolean): ForwardKernel {
  return (args) => {
    const { inputs, attrs } = args;
    const { strides, pad, dimRoundingMode } = attrs;
    const dilations = (attrs.dilations as ConvAttrs['dilations'] | null) ?? 1;
    const [x, filter] = [inputs.x.shape, inputs.filter.shape] as [Shape4, Shape4];
    if (typeof pad === 'object' || pad === 'valid' || attrs.dataFormat === 'NCHW') return stock(args);
    const info = backend_util.computeConv2DInfo(x, filter, strides, dilations, pad, dimRoundingMode, depthwise);
    const sides = sidesOf(info);
    const isRight = pad === 'same' ? sides.every(readsToTheEnd) : sameSteps(sides);
    return isRight || info.outShape.includes(0) ? stock(args) : padded(stock, args, info, sides);
  };
}

type Shape4 = [number, number, number, number];

function sidesOf(info: Info): [Side, Side] {
  return [
    {
      ...{ input: info.inHeight, output: info.outHeight, reach: info.effectiveFilterHeight },
      ...{ stride: info.strideHeight, before: info.padInfo.top },
    },
    {
      ...{ input: info.inWidth, output: info.outWidth, reach: info.effectiveFilterWidth },
      ...{ stride: info.strideWidth, before: info.padInfo.left },
    },
  ];
}

function readsToTheEnd({ input, output, reach, stride }: Side): boolean {
  return (output - 1) * stride + reach >= input;
}

function sameSteps([rows, columns]: [Side, Side]): boolean {
  return rows.reach === columns.reach && rows.stride === columns.stride;
}

function padded(stock: ForwardKernel, args: Args, info: Info, sides: [Side, Side]): TensorInfo {
  const { backend, inputs, attrs } = args;
  const pads = sides.map(({ input, output, reach, stride, before }): [number, number] => [
    before,
    Math.max(0, (output - 1) * stride + reach - input - before),
  ]) as [[number, number], [number, number]];
  const explicit: ConvAttrs = { ...attrs, dimRoundingMode: undefined, pad: [[0, 0], ...pads, [0, 0]] };
  const result = stock({ backend, inputs, attrs: explicit });
  if (result.shape.every((size, i) => size === info.outShape[i])) return result;
  return withScratch(backend, (scratch) => {
    scratch.own(result);
    return scratch.slice(result, info.outShape);
  });
}
