// What an AnchorGrid is made of, and the conventions by which frameworks make theirs.
import { number, oneOf, value, type OptionsOf } from '../arguments/options.js';
import type { ScalarCheck } from '../arguments/scalar-check.js';

/** Pixels between neighbouring cells: between rows and columns alike, or [between rows, between columns]. */
export type Stride = number | readonly [vertical: number, horizontal: number];
/** Rows and columns of cells. */
export type FeatureSize = readonly [rows: number, columns: number];
/** 'half-to-even': the corners of a cell's anchors around its centre are rounded to whole pixels. */
export type AnchorRounding = 'none' | 'half-to-even';
/** Which of a cell's anchors follow each other: those of one scale, or those of one aspect ratio. */
export type AnchorOrder = 'scale-major' | 'ratio-major';

const PIXELS = { min: 1, max: 2 ** 24, integer: true, needed: true } as const;
/** More pixels than an image may have, less than float32 stops resolving. */
const LENGTHS = { min: 0, max: 2 ** 25, exclusiveMin: true } as const;
const CELLS = { min: 1, max: 2 ** 24, integer: true } as const;
const readLengths = (check: ScalarCheck, argument: string, given: unknown) => check.numbers(argument, given, LENGTHS);

export const ANCHOR_GRID_OPTIONS = {
  /** Pixels, an integer >= 1. */
  imageHeight: number(PIXELS),
  /** Pixels, an integer >= 1. */
  imageWidth: number(PIXELS),
  /**
   * Pixels between neighbouring cells, one stride per level: a number or, where they differ, [between rows, between columns].
   * Default 8, 16, 32, 64, 128 (P3 to P7).
   */
  strides: value<ArrayLike<Stride>, readonly Stride[]>(readStrides, [8, 16, 32, 64, 128]),
  /** The centre of cell i lies at (i + centerOffset) * stride; in [0, 1]. torchvision, detectron2 and mmdet: 0. Default 0.5. */
  centerOffset: number({ min: 0, max: 1, default: 0.5 }),
  /**
   * [rows, columns] of cells, one pair per level: those of a network's outputs, where they are others than by default.
   * Default ceil(imageHeight / stride) and ceil(imageWidth / stride).
   */
  featureSizes: value<ArrayLike<FeatureSize>, readonly FeatureSize[] | undefined>(readFeatureSizes),
  /** Side of the square anchor of scale 1, pixels, one side per level. Default 4 times the stride, the smaller one of two. */
  baseSizes: value<ArrayLike<number>, readonly number[] | undefined>(readLengths),
  /** Default 1, 2^(1/3), 2^(2/3). */
  scales: value<ArrayLike<number>, readonly number[] | undefined>(readLengths),
  /**
   * Sides of the square anchors, pixels, as many on each level, one list per level; in the place of baseSizes and scales. A
   * size's place in its list is its scale's.
   */
  sizes: value<ArrayLike<ArrayLike<number>>, readonly (readonly number[])[] | undefined>((check, argument, given) =>
    check
      .entries(argument, given, 'an array of lists of numbers')
      .map((entry, level) => check.numbers(`${argument}[${String(level)}]`, entry, LENGTHS)),
  ),
  /** height / width. Default 0.5, 1, 2. */
  aspectRatios: value<ArrayLike<number>, readonly number[]>(readLengths, [0.5, 1, 2]),
  /**
   * 'half-to-even' rounds half a width and half a height, which then are computed in float32, to whole pixels, as torchvision
   * does. Default 'none'.
   */
  rounding: oneOf<AnchorRounding>(['none', 'half-to-even'], 'none'),
  /**
   * Of a cell's anchors: 'scale-major' has all ratios of the first scale first, as detectron2; 'ratio-major' all scales of the
   * first ratio, as torchvision, mmdet and keras-retinanet. Default 'scale-major'.
   */
  order: oneOf<AnchorOrder>(['scale-major', 'ratio-major'], 'scale-major'),
};

/** Options of an AnchorGrid; the defaults are the paper's. */
export interface AnchorGridOptions extends OptionsOf<typeof ANCHOR_GRID_OPTIONS> {}

const DEFAULT_SCALES = [1, 2 ** (1 / 3), 2 ** (2 / 3)];

function readStrides(check: ScalarCheck, argument: string, given: unknown): Stride[] {
  return check
    .entries(argument, given, 'an array of numbers')
    .map((entry, level): Stride =>
      typeof entry === 'object'
        ? pair(check, `${argument}[${String(level)}]`, entry, LENGTHS, '(between rows and between columns)')
        : check.number(argument, entry, LENGTHS, level),
    );
}

function readFeatureSizes(check: ScalarCheck, argument: string, given: unknown): FeatureSize[] {
  return check
    .entries(argument, given, 'an array of pairs of numbers')
    .map((entry, level) => pair(check, `${argument}[${String(level)}]`, entry, CELLS, '(rows and columns)'));
}

function pair(check: ScalarCheck, argument: string, given: unknown, range: typeof LENGTHS | typeof CELLS, of: string) {
  const numbers = check.numbers(argument, given, range);
  check.length(argument, numbers, 2, of);
  return Object.freeze(numbers as [number, number]);
}

export const verticalOf = (stride: Stride): number => (typeof stride === 'number' ? stride : stride[0]);
export const horizontalOf = (stride: Stride): number => (typeof stride === 'number' ? stride : stride[1]);

interface GivenSizes {
  strides: readonly Stride[];
  baseSizes: readonly number[] | undefined;
  scales: readonly number[] | undefined;
  sizes: readonly (readonly number[])[] | undefined;
}
/** [L][S] sides of square anchors; and what they are products of, where they are. */
export interface AnchorSizes {
  baseSizes: readonly number[] | undefined;
  scales: readonly number[] | undefined;
  sizes: readonly (readonly number[])[];
}

export function readSizes(check: ScalarCheck, given: GivenSizes): AnchorSizes {
  const { strides, sizes } = given;
  if (sizes === undefined) {
    const baseSizes =
      given.baseSizes ?? strides.map((stride) => 4 * Math.min(verticalOf(stride), horizontalOf(stride)));
    const scales = given.scales ?? DEFAULT_SCALES.slice();
    expectLevels(check, 'baseSizes', baseSizes, strides);
    const products = baseSizes.map((baseSize) => Object.freeze(scales.map((scale) => baseSize * scale)));
    return { baseSizes: Object.freeze(baseSizes), scales: Object.freeze(scales), sizes: Object.freeze(products) };
  }
  if (given.baseSizes !== undefined || given.scales !== undefined) {
    check.fail('ERR_OPTION', 'sizes', 'no baseSizes and scales, in whose place they are,', 'both');
  }
  expectLevels(check, 'sizes', sizes, strides);
  const [first] = sizes as [readonly number[]];
  for (const [level, list] of sizes.entries()) {
    check.length(`sizes[${String(level)}]`, list, first.length, '(as many as on the first level)');
    Object.freeze(list);
  }
  return { baseSizes: undefined, scales: undefined, sizes: Object.freeze(sizes) };
}

function expectLevels(check: ScalarCheck, argument: string, list: ArrayLike<unknown>, strides: readonly Stride[]) {
  if (list.length === strides.length) return;
  const expected = `${String(strides.length)} values, one per stride`;
  check.fail('ERR_SHAPE', argument, expected, String(list.length));
}

/** Rows and columns of every level. */
export function featureSizesOf(
  check: ScalarCheck,
  image: { imageHeight: number; imageWidth: number },
  strides: readonly Stride[],
  given: readonly FeatureSize[] | undefined,
): readonly FeatureSize[] {
  if (given === undefined) {
    return strides.map((stride) =>
      Object.freeze([
        cells(image.imageHeight, verticalOf(stride)),
        cells(image.imageWidth, horizontalOf(stride)),
      ] as const),
    );
  }
  expectLevels(check, 'featureSizes', given, strides);
  for (const [level, [rows, columns]] of given.entries()) {
    const stride = strides[level] as Stride;
    const extent = Math.max(rows * verticalOf(stride), columns * horizontalOf(stride));
    if (extent <= LENGTHS.max) continue;
    check.fail('ERR_RANGE', 'featureSizes', 'cells of at most 2^25 pixels together', String(extent), level);
  }
  return given;
}

/**
 * ceil(size / stride) of the decimal numbers that float64 stands for: 7 pixels are 10 cells of 0.7, though 7 / 0.7 exceeds 10.
 * The rule is that of native/math/hard_negatives.h.
 */
function cells(size: number, stride: number): number {
  const quotient = size / stride;
  const nearest = Math.round(quotient);
  return Math.abs(quotient - nearest) <= 2 ** -51 * quotient ? nearest : Math.ceil(quotient);
}

interface Shapes {
  sizes: readonly (readonly number[])[];
  aspectRatios: readonly number[];
  rounding: AnchorRounding;
  order: AnchorOrder;
}

/** [L, S, 2] half widths and half heights, rounded to float32 once. */
export function halfSizes(check: ScalarCheck, { sizes, aspectRatios, rounding, order }: Shapes): Float32Array {
  const halves = rounding === 'none' ? exactHalves : wholeHalves;
  const all = sizes.flatMap((ofLevel) =>
    order === 'scale-major'
      ? ofLevel.flatMap((side) => aspectRatios.flatMap((ratio) => halves(side, ratio)))
      : aspectRatios.flatMap((ratio) => ofLevel.flatMap((side) => halves(side, ratio))),
  );
  // Up to 2^24 pixels float32 still resolves every pixel.
  const bad = all.find((half) => !(half >= 2 ** -24 && half <= 2 ** 24));
  if (bad !== undefined) {
    const expected = 'anchors of sides between 2^-23 and 2^25 pixels';
    check.fail('ERR_RANGE', 'baseSizes', expected, `half a side of ${String(bad)}`);
  }
  return Float32Array.from(all);
}

function exactHalves(side: number, ratio: number): [halfWidth: number, halfHeight: number] {
  return [side / Math.sqrt(ratio) / 2, (side * Math.sqrt(ratio)) / 2];
}

/** torchvision's AnchorGenerator.generate_anchors, whose corners on both sides round alike; every step in float32, as there. */
function wholeHalves(side: number, ratio: number): [halfWidth: number, halfHeight: number] {
  const { fround } = Math;
  const high = fround(Math.sqrt(fround(ratio)));
  const wide = fround(1 / high);
  return [roundHalfToEven(fround(wide * fround(side)) / 2), roundHalfToEven(fround(high * fround(side)) / 2)];
}

function roundHalfToEven(value: number): number {
  return value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}
