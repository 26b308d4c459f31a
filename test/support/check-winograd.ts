// Convolutions of 3 x 3 filters on the instruction set that RETINANET_OPS_CPU names: errors against float64, whether results
// depend on threads or on the batch, and what is not finite. Prints one line of JSON.
import { backendInfo, conv2d, conv2dBackpropInput, setNumThreads } from 'retinanet-ops';
import { convolutionReference, inputGradReference, outputSize } from '../reference/convolution.js';
import { bits } from './compare.js';
import { random, uniform } from './random.js';

type Pad = 'same' | 'valid' | number;

const optionsOf = (images: number, sides: [number, number], channels: number, filters: number, pad: Pad) => ({
  inputShape: [images, ...sides, channels],
  filterShape: [3, 3, channels, filters],
  pad,
});
type Options = ReturnType<typeof optionsOf>;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** By what computes them. */
const GEOMETRIES: Record<'winograd' | 'direct', Options[]> = {
  winograd: [
    optionsOf(2, [12, 10], 24, 24, 'same'),
    optionsOf(1, [13, 17], 64, 64, 'same'),
    optionsOf(3, [7, 9], 48, 27, 'same'),
    optionsOf(3, [9, 8], 27, 36, 'valid'),
    optionsOf(1, [10, 10], 36, 48, 4),
    optionsOf(8, [8, 6], 96, 96, 'same'),
    optionsOf(1, [9, 10], 1024, 24, 'same'),
    optionsOf(1, [10, 9], 24, 1024, 'same'),
  ],
  direct: [
    optionsOf(2, [12, 10], 1, 1, 'same'),
    optionsOf(2, [12, 10], 64, 15, 'same'),
    optionsOf(2, [12, 10], 3, 64, 'same'),
    optionsOf(1, [4, 5], 64, 64, 'same'),
    optionsOf(3, [3, 3], 64, 64, 'same'),
  ],
};

const title = ({ inputShape, filterShape, pad }: Options) =>
  `${inputShape.join(' x ')}, ${filterShape.join(' x ')}, ${String(pad)}`;

function valuesOf(options: Options) {
  const next = random(7);
  const outputShape = [options.inputShape[0]!, ...outputSize(options), options.filterShape[3]!];
  return {
    x: uniform(next, size(options.inputShape), -1, 1),
    w: uniform(next, size(options.filterShape), -1, 1),
    dy: uniform(next, size(outputShape), -1, 1),
  };
}

const norm = (values: Float64Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const relativeError = (got: Float32Array, want: Float64Array) => norm(want.map((v, i) => v - got[i]!)) / norm(want);

/** The larger of the convolution's and its input gradient's, relative to the norm of what is right. */
function errorOf(options: Options): number {
  const { x, w, dy } = valuesOf(options);
  return Math.max(
    relativeError(conv2d(x, w, options), convolutionReference(x, w, options)),
    relativeError(conv2dBackpropInput(dy, w, options), inputGradReference(dy, w, options)),
  );
}

/** All bits of both results, for so many threads. */
function bitsOf(options: Options, threads: number): string {
  const { x, w, dy } = valuesOf(options);
  setNumThreads(threads);
  return bits(conv2d(x, w, options)) + bits(conv2dBackpropInput(dy, w, options));
}

/** Whether an image has other bits by itself than among others. */
function dependsOnBatch(options: Options): boolean {
  const { x, w } = valuesOf(options);
  const [images, ...image] = options.inputShape as [number, ...number[]];
  const alone = { ...options, inputShape: [1, ...image] };
  const each = Array.from({ length: images }, (_, i) =>
    bits(conv2d(x.subarray(i * size(image), (i + 1) * size(image)), w, alone)),
  );
  return bits(conv2d(x, w, options)) !== each.join('');
}

/** The output of a convolution whose input is `value` at one place of its first image. */
function outputOf(options: Options, [row, column, channel]: [number, number, number], value: number): Float32Array {
  const { x, w } = valuesOf(options);
  const [, , width, channels] = options.inputShape as [number, number, number, number];
  x[(row * width + column) * channels + channel] = value;
  return conv2d(x, w, options);
}

/** The pixels of the first image with outputs that are not finite, and those where all are NaN, as 'row,column'. */
function notFinite(options: Options, value: number): { some: string[]; allNaN: string[] } {
  const output = outputOf(options, [4, 5, 7], value);
  const filters = options.filterShape[3]!;
  const [rows, columns] = outputSize(options);
  const where = (holds: (pixel: Float32Array) => boolean) =>
    Array.from({ length: rows * columns }, (_, i) => i)
      .filter((i) => holds(output.subarray(i * filters, (i + 1) * filters)))
      .map((i) => `${Math.floor(i / columns)},${i % columns}`);
  return {
    some: where((pixel) => pixel.some((each) => !Number.isFinite(each))),
    allNaN: where((pixel) => pixel.every(Number.isNaN)),
  };
}

const geometries = Object.entries(GEOMETRIES).flatMap(([way, list]) => list.map((options) => ({ way, options })));
const checked = geometries.map(({ way, options }) => {
  const one = bitsOf(options, 1);
  return {
    ...{ way, title: title(options), error: errorOf(options) },
    dependsOnThreads: [2, 3, 7].some((threads) => bitsOf(options, threads) !== one),
    /** Which the direct sums of these values never have. */
    infinityBecomesNaN: outputOf(options, [2, 2, 0], Infinity).some(Number.isNaN),
  };
});
const [several, few] = [optionsOf(3, [10, 8], 48, 48, 'same'), optionsOf(3, [10, 8], 8, 48, 'same')];
const result = {
  instructionSet: backendInfo().cpu.instructionSet,
  checked,
  dependsOnBatch: dependsOnBatch(several),
  notFinite: [several, few].map((options) => ({
    ofNaN: notFinite(options, NaN),
    ofInfinity: notFinite(options, Infinity),
  })),
};
export type WinogradResult = typeof result;
console.log(JSON.stringify(result));
