// Convolutions of images, and their gradients by the input and by the filter.
import type { ConvolutionShape } from '../../binding.js';
import { Call } from '../arguments/call.js';
import { describe } from '../arguments/describe.js';
import {
  array,
  neededValue,
  oneOf,
  output,
  value,
  type Checked,
  type FloatArray,
  type OptionsOf,
} from '../arguments/options.js';
import { isArray } from '../arguments/per-class.js';
import type { NumberRange, ScalarCheck } from '../arguments/scalar-check.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import {
  convolutionShape,
  extent,
  filterShape,
  inputShape,
  outputShape,
  pair,
  sizeOf,
  type Padding,
  type RowsAndColumns,
} from './convolution-geometry.js';

/** Pixels that an image, a filter, a step or a pad may have along an axis. */
const MOST_PIXELS = 2 ** 24;

const PIXELS = { min: 1, max: MOST_PIXELS, integer: true };
const ZEROS = { ...PIXELS, min: 0 };
const COUNT = { min: 1, integer: true };
const IMAGE_AXES = [{ min: 0, integer: true }, PIXELS, PIXELS, COUNT];
const FILTER_AXES = [PIXELS, PIXELS, COUNT, COUNT];

const steps = value<RowsAndColumns, readonly [number, number]>(readSteps, [1, 1]);

const GEOMETRY = {
  /** [images, height, width, channels]: at least 1 of each, but there may be no images. */
  inputShape: neededValue<ArrayLike<number>>(),
  /** [height, width, channels, filters], at least 1 of each; the channels are the input's. */
  filterShape: neededValue<ArrayLike<number>>(),
  /** Pixels from one place of the filter to the next, >= 1. Default 1. */
  strides: steps,
  /** Pixels between the filter's own rows and columns, >= 1. Default 1. */
  dilations: steps,
  /** Zeros around the image. Default 'valid': none. */
  pad: value<Padding, Padding>(readPadding, 'valid'),
};

const OUT = {
  /** The array that receives the result; of exactly its length, and apart from every other array of the call. */
  out: output<FloatArray>(),
};
export const CONV2D_GRADIENT_OPTIONS = { ...GEOMETRY, ...OUT };

/** Options of the gradients of `conv2d`. */
export interface Conv2dGradientOptions extends OptionsOf<typeof CONV2D_GRADIENT_OPTIONS> {}

/** What is done to every value of a convolution's output. */
export type Conv2dActivation = 'linear' | 'relu' | 'relu6';
/** The range to which each confines a convolution's output as it is written. */
export const CLAMPS: Record<Conv2dActivation, readonly [low: number, high: number]> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

export const CONV2D_OPTIONS = {
  ...CONV2D_GRADIENT_OPTIONS,
  /** [filters], added to every pixel. */
  bias: array<FloatArray>(),
  /** Last, after the bias: 'relu' is max(x, 0), 'relu6' min(max(x, 0), 6). Default 'linear': nothing. */
  activation: oneOf<Conv2dActivation>(['linear', 'relu', 'relu6'], 'linear'),
};

/** Options of `conv2d`. */
export interface Conv2dOptions extends OptionsOf<typeof CONV2D_OPTIONS> {}

/**
 * Convolution of images (tf.conv2d, NHWC; torch.nn.functional.conv2d), on the CPU. Along each axis the output has
 * floor((size + padding - (filter - 1) * dilation - 1) / stride) + 1 pixels, with 'same' ceil(size / stride).
 *
 * Filters of 3 x 3 with strides and dilations of 1, from 16 to 24 channels and filters on, go over all but the smallest
 * images by Winograd's F(2x2, 3x3) (Lavin and Gray, 2015), in the gradients as well: as exact (about 1e-6 of the
 * result's norm or less) and faster, but where the input is infinite, or larger than 8e37, the output may be NaN instead of
 * infinite. NaN gives NaN, in the outputs that read it and in no others.
 *
 * @param input [images, height, width, channels]
 * @param filter [height, width, channels, filters]
 * @returns [images, output height, output width, filters]
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION: bad input, or a filter larger than the padded image;
 * ERR_OUT_OF_MEMORY
 */
export const conv2d = synchronous(planConv2d);

/**
 * The gradient of {@link conv2d} by its input, without bias and activation (a transposed convolution of the output's gradient).
 *
 * @param outputGrad [images, output height, output width, filters]
 * @param filter [height, width, channels, filters]
 * @returns [images, height, width, channels]
 * @throws as conv2d
 */
export const conv2dBackpropInput = synchronous(planConv2dBackpropInput);

/**
 * The gradient of {@link conv2d} by its filter, without bias and activation. With Winograd's method what is not finite reaches all nine
 * places of the filter between its channels.
 *
 * @param input [images, height, width, channels]
 * @param outputGrad [images, output height, output width, filters]
 * @returns [height, width, channels, filters]
 * @throws as conv2d
 */
export const conv2dBackpropFilter = synchronous(planConv2dBackpropFilter);

export function planConv2d(input: Float32Array, filter: Float32Array, options: Conv2dOptions): Plan<Float32Array> {
  const call = new Call('conv2d');
  const { bias, activation, ...given } = call.options('options', options, CONV2D_OPTIONS);
  const shape = readShape(call, given);
  const [low, high] = CLAMPS[activation];
  call.array('Float32Array', 'input', input, sizeOf(inputShape(shape)), IMAGES);
  call.array('Float32Array', 'filter', filter, sizeOf(filterShape(shape)), FILTERS);
  const fields = {
    addend: null,
    bias: bias === undefined ? null : call.array('Float32Array', 'bias', bias, shape.filters, '(one per filter)'),
    output: call.outOnHost('Float32Array', 'out', given.out, sizeOf(outputShape(shape))),
    clamped: activation !== 'linear',
    low,
    high,
  };
  return plan(call, 'convolution', { ...shape, input, filter, ...fields }, () => fields.output);
}

export function planConv2dBackpropInput(
  outputGrad: Float32Array,
  filter: Float32Array,
  options: Conv2dGradientOptions,
): Plan<Float32Array> {
  const call = new Call('conv2dBackpropInput');
  const given = call.options('options', options, CONV2D_GRADIENT_OPTIONS);
  const shape = readShape(call, given);
  call.array('Float32Array', 'outputGrad', outputGrad, sizeOf(outputShape(shape)), OUTPUTS);
  call.array('Float32Array', 'filter', filter, sizeOf(filterShape(shape)), FILTERS);
  const inputGrad = call.outOnHost('Float32Array', 'out', given.out, sizeOf(inputShape(shape)));
  const fields = { outputGrad, filter, addend: null, rectified: null, inputGrad };
  return plan(call, 'convolutionInputGrad', { ...shape, ...fields }, () => inputGrad);
}

export function planConv2dBackpropFilter(
  input: Float32Array,
  outputGrad: Float32Array,
  options: Conv2dGradientOptions,
): Plan<Float32Array> {
  const call = new Call('conv2dBackpropFilter');
  const given = call.options('options', options, CONV2D_GRADIENT_OPTIONS);
  const shape = readShape(call, given);
  call.array('Float32Array', 'input', input, sizeOf(inputShape(shape)), IMAGES);
  call.array('Float32Array', 'outputGrad', outputGrad, sizeOf(outputShape(shape)), OUTPUTS);
  const filterGrad = call.outOnHost('Float32Array', 'out', given.out, sizeOf(filterShape(shape)));
  return plan(call, 'convolutionFilterGrad', { ...shape, input, outputGrad, filterGrad }, () => filterGrad);
}

const IMAGES = '[images, height, width, channels]';
const FILTERS = '[height, width, channels, filters]';
const OUTPUTS = '[images, output height, output width, filters]';

function readShape(check: ScalarCheck, given: Checked<typeof GEOMETRY>): ConvolutionShape {
  const input = readAxes(check, 'inputShape', given.inputShape, IMAGES, IMAGE_AXES);
  const filter = readAxes(check, 'filterShape', given.filterShape, FILTERS, FILTER_AXES);
  if (input[3] !== filter[2]) {
    const expected = `${String(input[3])} channels, as inputShape has,`;
    check.fail('ERR_SHAPE', 'filterShape', expected, String(filter[2]));
  }
  const shape = convolutionShape(input, filter, given);
  if (shape.outHeight > 0 && shape.outWidth > 0) return shape;
  const read = [extent(shape.filterHeight, shape.dilationHeight), extent(shape.filterWidth, shape.dilationWidth)];
  check.fail(
    'ERR_SHAPE',
    'filterShape',
    'a filter no larger than the padded image',
    `one of ${read.join(' x ')} pixels`,
  );
}

function readAxes(
  check: ScalarCheck,
  argument: string,
  given: unknown,
  shape: string,
  ranges: readonly NumberRange[],
): number[] {
  const axes = check.numbers(argument, given, {});
  check.length(argument, axes, ranges.length, shape);
  return axes.map((axis, i) => check.number(argument, axis, ranges[i], i));
}

function readSteps(check: ScalarCheck, argument: string, given: unknown): readonly [number, number] {
  if (typeof given === 'number') return pair(check.number(argument, given, PIXELS));
  return readTwo(check, argument, given, '[rows, columns]', PIXELS);
}

function readPadding(check: ScalarCheck, argument: string, given: unknown): Padding {
  if (given === 'same' || given === 'valid') return given;
  if (typeof given === 'number') return check.number(argument, given, ZEROS);
  if (!isArray(given) || given.length !== 2) {
    const expected = "'same', 'valid', a number of pixels or [[top, bottom], [left, right]]";
    check.fail(typeof given === 'string' ? 'ERR_OPTION' : 'ERR_DTYPE', argument, expected, describe(given));
  }
  const [rows, columns] = [given[0], given[1]];
  return [
    readTwo(check, `${argument}[0]`, rows, '[top, bottom]', ZEROS),
    readTwo(check, `${argument}[1]`, columns, '[left, right]', ZEROS),
  ];
}

function readTwo(
  check: ScalarCheck,
  argument: string,
  given: unknown,
  shape: string,
  range: NumberRange,
): [number, number] {
  return readAxes(check, argument, given, shape, [range, range]) as [number, number];
}
