// How a convolution's output lies over its input: the one place for it, on typed arrays and on tensors.
import type { ConvolutionShape } from '../../binding.js';

/** Of rows and columns: one number for both, or [rows, columns]. */
export type RowsAndColumns = number | readonly [rows: number, columns: number];

/**
 * Zeros around an image. 'valid': none. 'same': as many as give ceil(size / stride) outputs along each axis, one more after the image
 * than before where their number is odd (TensorFlow's). Or so many pixels on every side; or [[top, bottom], [left, right]].
 */
export type Padding = 'same' | 'valid' | number | readonly [rows: Sides, columns: Sides];
/** Pixels before and after an image along one axis. */
export type Sides = readonly [before: number, after: number];

export interface Geometry {
  strides: RowsAndColumns;
  dilations: RowsAndColumns;
  pad: Padding;
  /** Of the number of outputs along an axis; default: down. */
  round?: (outputs: number) => number;
}

/** Of input [images, height, width, channels] and filter [height, width, channels, filters]. */
export function convolutionShape(
  input: readonly number[],
  filter: readonly number[],
  { strides, dilations, pad, round = Math.floor }: Geometry,
): ConvolutionShape {
  const [images, height, width, channels] = input as [number, number, number, number];
  const [filterHeight, filterWidth, , filters] = filter as [number, number, number, number];
  const [strideHeight, strideWidth] = pair(strides);
  const [dilationHeight, dilationWidth] = pair(dilations);
  const [rows, columns] = typeof pad === 'object' ? pad : [pad, pad];
  const [outHeight, padTop] = outputs(height, extent(filterHeight, dilationHeight), strideHeight, rows, round);
  const [outWidth, padLeft] = outputs(width, extent(filterWidth, dilationWidth), strideWidth, columns, round);
  return {
    images,
    height,
    width,
    channels,
    filterHeight,
    filterWidth,
    filters,
    outHeight,
    outWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    padTop,
    padLeft,
  };
}

/** Pixels from the first to the last that a filter reads along an axis. */
export const extent = (filter: number, dilation: number): number => (filter - 1) * dilation + 1;

/** How many outputs there are along an axis, and the zeros before its first pixel. */
function outputs(
  size: number,
  filter: number,
  stride: number,
  pad: 'same' | 'valid' | number | Sides,
  round: (outputs: number) => number,
): [count: number, before: number] {
  if (pad === 'same') {
    const count = Math.ceil(size / stride);
    return [count, Math.floor(Math.max(0, (count - 1) * stride + filter - size) / 2)];
  }
  const [before, after] = pad === 'valid' ? [0, 0] : pair(pad);
  return [Math.max(0, round((size - filter + before + after) / stride + 1)), before];
}

export function pair(value: RowsAndColumns): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

export const inputShape = (of: ConvolutionShape): number[] => [of.images, of.height, of.width, of.channels];
export const filterShape = (of: ConvolutionShape): number[] => [
  of.filterHeight,
  of.filterWidth,
  of.channels,
  of.filters,
];
export const outputShape = (of: ConvolutionShape): number[] => [of.images, of.outHeight, of.outWidth, of.filters];
/** Where `filters` are those of each channel. */
export const depthwiseOutputShape = (of: ConvolutionShape): number[] => [
  ...[of.images, of.outHeight, of.outWidth],
  of.channels * of.filters,
];

/** How many numbers an array of that shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
