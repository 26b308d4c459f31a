// Geometries of convolutions: those that somebody has got wrong once, and random ones.
import { outputSize, type ConvolutionOptions } from '../../reference/convolution.js';
import { pick, random, uniform } from '../../support/random.js';

/** Numbers of channels around the vectors of every instruction set, and around the groups that they are taken in. */
const CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 36, 47, 48, 49, 65];
const MANY_CHANNELS = CHANNELS.filter((channels) => channels >= 16);
/** Products of one call, above which the float64 reference takes long. */
const MOST_PRODUCTS = 1e6;

/** One that fits: images of about `rows` rows; of none, no images. */
export function randomGeometry(next: () => number, rows: number): ConvolutionOptions {
  for (;;) {
    const side = () => Math.max(1, Math.round(rows * (0.6 + 0.8 * next())));
    const pair = (from: readonly number[]) => [pick(next, from), pick(next, from)] as const;
    const isForWinograd = rows >= 7 && next() < 0.4;
    const filters = isForWinograd ? ([3, 3] as const) : pair([1, 1, 2, 3, 3, 4, 5, 7]);
    const channels = () => pick(next, isForWinograd ? MANY_CHANNELS : CHANNELS);
    const steps = {
      ...pick(next, [{}, { strides: pair([1, 2, 3, 4]) }, { strides: pick(next, [1, 2, 3]) }]),
      ...pick(next, [{}, {}, { dilations: pair([1, 2, 3]) }, { dilations: 2 }]),
    };
    const zeros = () => pair([0, 0, 1, 2, 5]);
    const geometry: ConvolutionOptions = {
      inputShape: [rows === 0 ? 0 : pick(next, [1, 1, 2, 3]), side(), side(), channels()],
      filterShape: [...filters, 0, channels()],
      ...(isForWinograd ? {} : steps),
      ...pick(next, [
        {},
        { pad: 'same' },
        { pad: 'same' },
        { pad: pick(next, [1, 2, 3]) },
        { pad: [zeros(), zeros()] },
      ]),
    };
    const shape = { ...geometry, filterShape: [...filters, geometry.inputShape[3]!, geometry.filterShape[3]!] };
    const [outHeight, outWidth] = outputSize(shape);
    if (outHeight === 0 || outWidth === 0) continue;
    const products = [outHeight, outWidth, ...shape.filterShape].reduce((a, b) => a * b, shape.inputShape[0]!);
    if (products <= MOST_PRODUCTS * Math.max(1, (rows / 16) ** 2)) return shape;
  }
}

/** By what is particular to them. */
export const GEOMETRIES: Record<string, ConvolutionOptions> = {
  'one pixel': { inputShape: [1, 1, 1, 1], filterShape: [1, 1, 1, 1] },
  'one pixel, all of it padding but one': { inputShape: [2, 1, 1, 3], filterShape: [3, 3, 3, 4], pad: 'same' },
  'even filter': { inputShape: [2, 5, 6, 3], filterShape: [2, 4, 3, 5], pad: 'same' },
  'even filter and stride': { inputShape: [1, 9, 8, 2], filterShape: [4, 2, 2, 3], strides: 2, pad: 'same' },
  'filter smaller than the stride': { inputShape: [1, 9, 10, 3], filterShape: [2, 1, 3, 4], strides: [3, 4] },
  'stride beyond the image': { inputShape: [1, 3, 4, 2], filterShape: [3, 3, 2, 2], strides: 9, pad: 'same' },
  'filter larger than the image': { inputShape: [2, 2, 3, 4], filterShape: [5, 7, 4, 3], pad: 'same' },
  'filter far larger than the image': { inputShape: [1, 2, 1, 2], filterShape: [9, 31, 2, 2], pad: 'same' },
  'dilation beyond the image': {
    inputShape: [1, 4, 3, 2],
    filterShape: [3, 3, 2, 5],
    dilations: [50, 1000000],
    pad: 'same',
  },
  'only zeros to read': {
    inputShape: [1, 2, 2, 1],
    filterShape: [2, 2, 1, 3],
    dilations: 4,
    pad: [
      [3, 0],
      [3, 0],
    ],
  },
  'padding beyond the filter': { inputShape: [1, 2, 2, 1], filterShape: [1, 2, 1, 2], pad: 4 },
  'padding on one side': {
    inputShape: [2, 4, 5, 2],
    filterShape: [3, 3, 2, 3],
    pad: [
      [2, 0],
      [0, 3],
    ],
  },
  'rows at the end that nothing reads': { inputShape: [1, 8, 7, 3], filterShape: [3, 2, 3, 4], strides: 3 },
  'filter as large as the image': { inputShape: [3, 4, 6, 5], filterShape: [4, 6, 5, 7] },
  'filter is the stride': { inputShape: [2, 8, 6, 5], filterShape: [2, 2, 5, 9], strides: 2 },
  'stride and dilation without a common divisor': {
    inputShape: [1, 11, 12, 2],
    filterShape: [3, 3, 2, 3],
    strides: [3, 2],
    dilations: [2, 3],
    pad: 3,
  },
  'stride and dilation with one': {
    inputShape: [1, 13, 12, 2],
    filterShape: [3, 2, 2, 3],
    strides: [4, 2],
    dilations: [6, 4],
    pad: 'same',
  },
  'one by one': { inputShape: [2, 7, 5, 33], filterShape: [1, 1, 33, 17] },
  'one by one, strided': { inputShape: [1, 7, 9, 16], filterShape: [1, 1, 16, 48], strides: 2 },
  'one row': { inputShape: [1, 1, 40, 4], filterShape: [1, 5, 4, 8], pad: 'same' },
  'one column': { inputShape: [1, 40, 1, 4], filterShape: [5, 1, 4, 8], pad: 'same' },
  'no images': { inputShape: [0, 4, 4, 3], filterShape: [3, 3, 3, 2], pad: 'same' },
  "a network's stem": { inputShape: [1, 24, 32, 3], filterShape: [7, 7, 3, 16], strides: 2, pad: 'same' },
  'three by three': { inputShape: [2, 12, 10, 33], filterShape: [3, 3, 33, 49], pad: 'same' },
  'three by three, odd sides': { inputShape: [3, 7, 9, 24], filterShape: [3, 3, 24, 27], pad: 'same' },
  'three by three, no padding': { inputShape: [2, 11, 12, 27], filterShape: [3, 3, 27, 36] },
  'three by three, padding on one side': {
    inputShape: [2, 9, 12, 48],
    filterShape: [3, 3, 48, 24],
    pad: [
      [0, 3],
      [5, 1],
    ],
  },
  'three by three, padding beyond the filter': { inputShape: [1, 9, 8, 31], filterShape: [3, 3, 31, 32], pad: 6 },
  'three by three on more tiles than a block': {
    inputShape: [5, 14, 9, 32],
    filterShape: [3, 3, 32, 65],
    pad: 'same',
  },
  'more rows than a block': { inputShape: [1, 70, 16, 32], filterShape: [3, 3, 32, 8], pad: 'same' },
};

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Random values of input, filter and the output's gradient. */
export function valuesOf(options: ConvolutionOptions, seed = 1) {
  const next = random(seed);
  const output = [options.inputShape[0]!, ...outputSize(options), options.filterShape[3]!];
  const [x, w, dy] = [options.inputShape, options.filterShape, output].map((shape) =>
    uniform(next, size(shape), -1, 1),
  ) as [Float32Array, Float32Array, Float32Array];
  return { x, w, dy };
}
