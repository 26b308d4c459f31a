// Anchors: a grid that is never materialised, or any list of boxes.
import type { AnchorArguments } from '../../binding.js';
import { backendIndex } from '../runtime/backend.js';
import type { Call } from '../arguments/call.js';
import { isOfAnotherCopy, mark } from '../runtime/copies.js';
import { describe } from '../arguments/describe.js';
import { operandKind, type Floats, type FloatsLike } from '../runtime/device-tensor.js';
import { plan } from '../runtime/plan.js';
import { Check } from '../arguments/check.js';
import { number, value, type OptionsOf } from '../arguments/options.js';
import type { ScalarCheck } from '../arguments/scalar-check.js';

const PIXELS = { min: 1, max: 2 ** 24, integer: true, needed: true } as const;
/** More pixels than an image may have, less than float32 stops resolving. */
const LENGTHS = { min: 0, max: 2 ** 25, exclusiveMin: true } as const;
const readLengths = (check: ScalarCheck, argument: string, given: unknown) => check.numbers(argument, given, LENGTHS);

const OPTIONS = {
  /** Pixels, an integer >= 1. */
  imageHeight: number(PIXELS),
  /** Pixels, an integer >= 1. */
  imageWidth: number(PIXELS),
  /** Pixels between neighbouring cells, one stride per level. Default 8, 16, 32, 64, 128 (P3 to P7). */
  strides: value<ArrayLike<number>, readonly number[]>(readLengths, [8, 16, 32, 64, 128]),
  /** Side of the square anchor of scale 1, pixels, one side per level. Default 4 times the stride. */
  baseSizes: value<ArrayLike<number>, readonly number[] | undefined>(readLengths),
  /** Default 1, 2^(1/3), 2^(2/3). */
  scales: value<ArrayLike<number>, readonly number[]>(readLengths, [1, 2 ** (1 / 3), 2 ** (2 / 3)]),
  /** height / width. Default 0.5, 1, 2. */
  aspectRatios: value<ArrayLike<number>, readonly number[]>(readLengths, [0.5, 1, 2]),
};

/** Options of an AnchorGrid; the defaults are the paper's. */
export interface AnchorGridOptions extends OptionsOf<typeof OPTIONS> {}

/** One level of the feature pyramid, as an AnchorGrid has it. */
export interface AnchorLevel {
  /** Pixels. */
  readonly stride: number;
  /** Rows of cells: ceil(imageHeight / stride). */
  readonly height: number;
  /** Columns of cells: ceil(imageWidth / stride). */
  readonly width: number;
  /** Scales times aspect ratios. */
  readonly anchorsPerCell: number;
  /** Index of the level's first anchor. */
  readonly offset: number;
  /** Anchors of the level: height * width * anchorsPerCell. */
  readonly count: number;
}

/** A grid, or boxes [A, 4] of finite x1, y1, x2, y2 with area; with tensors, boxes are a tensor too. */
export type Anchors<F extends Floats = Float32Array> = AnchorGrid | FloatsLike<F>;

/** Anchor indices are int32. */
const MAX_ANCHORS = 2 ** 31 - 1;

/**
 * The anchors of a feature pyramid (Lin et al. 2017, section 4, whose values are the defaults). Order: level, row, column, then
 * scale-major, ratio-minor; centres at (i + 0.5) * stride. An anchor of side s = baseSize * scale and ratio r is s / sqrt(r)
 * wide and s * sqrt(r) high.
 *
 * @throws RetinanetOpsError ERR_DTYPE, ERR_RANGE, ERR_SHAPE, ERR_OPTION: bad option, or more than 2^31 - 1 anchors
 */
export class AnchorGrid {
  /** Pixels. */
  readonly imageHeight: number;
  /** Pixels. */
  readonly imageWidth: number;
  /** Pixels between neighbouring cells, one stride per level. */
  readonly strides: readonly number[];
  /** Side of the square anchor of scale 1, pixels, one side per level. */
  readonly baseSizes: readonly number[];
  /** Sizes of anchors, relative to baseSizes. */
  readonly scales: readonly number[];
  /** height / width. */
  readonly aspectRatios: readonly number[];
  /** One entry per stride, in the order of the anchors. */
  readonly levels: readonly AnchorLevel[];
  /** A: anchors of one image. */
  readonly count: number;
  /** What native code takes; out of reach, because native code relies on it. */
  readonly #native: NativeAnchors;

  constructor(options: AnchorGridOptions) {
    const check = new Check('AnchorGrid');
    const { strides, baseSizes, scales, aspectRatios, ...image } = check.options('options', options, OPTIONS);
    this.imageHeight = image.imageHeight;
    this.imageWidth = image.imageWidth;
    this.strides = Object.freeze(strides);
    this.baseSizes = Object.freeze(baseSizes ?? strides.map((stride) => 4 * stride));
    this.scales = Object.freeze(scales);
    this.aspectRatios = Object.freeze(aspectRatios);
    if (this.baseSizes.length !== this.strides.length) {
      check.fail(
        'ERR_SHAPE',
        'baseSizes',
        `${String(this.strides.length)} values, one per stride`,
        String(this.baseSizes.length),
      );
    }
    const anchorsPerCell = this.scales.length * this.aspectRatios.length;
    let offset = 0;
    const levels = this.strides.map((stride) => {
      const height = cells(this.imageHeight, stride);
      const width = cells(this.imageWidth, stride);
      const level = { stride, height, width, anchorsPerCell, offset, count: height * width * anchorsPerCell };
      offset += level.count;
      return Object.freeze(level);
    });
    this.levels = Object.freeze(levels);
    this.count = offset;
    if (!(this.count <= MAX_ANCHORS)) {
      check.fail('ERR_RANGE', 'strides', 'a grid of at most 2^31 - 1 anchors', `one of ${String(this.count)}`);
    }
    this.#native = {
      count: this.count,
      fields: {
        anchorLevels: Float64Array.from(this.levels.flatMap((l) => [l.height, l.width, l.stride])),
        halfSizes: this.#halfSizes(check),
        anchorBoxes: null,
      },
    };
  }

  /** All boxes, [A, 4]. The operations take the grid itself and never need them. */
  boxes(): Float32Array {
    const check = new Check('AnchorGrid.boxes');
    const out = check.newArray('Float32Array', 4 * this.count);
    return plan(check, 'gridBoxes', { backend: backendIndex(check), ...this.#native.fields, out }, () => out).runSync();
  }

  static {
    mark(this.prototype);
  }

  /**
   * @internal A true AnchorGrid, made anew where another copy of this package made it; undefined for everything else, look-alikes
   * included.
   */
  static from(value: unknown): AnchorGrid | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    if (#native in value) return value;
    if (!isOfAnotherCopy(value)) return undefined;
    try {
      const { levels: _, count, ...options } = value as AnchorGrid;
      const grid = new AnchorGrid(options);
      return grid.count === count ? grid : undefined;
    } catch {
      return undefined; // another class's, or a grid of another version that has more options
    }
  }

  /** @internal What native code takes. */
  static nativeOf(grid: AnchorGrid): NativeAnchors {
    return grid.#native;
  }

  /** [L, S, 2] half widths and half heights, rounded to float32 once. */
  #halfSizes(check: Check): Float32Array {
    const halves = this.baseSizes.flatMap((baseSize) =>
      this.scales.flatMap((scale) =>
        this.aspectRatios.flatMap((ratio) => {
          const side = baseSize * scale;
          return [side / Math.sqrt(ratio) / 2, (side * Math.sqrt(ratio)) / 2];
        }),
      ),
    );
    // Up to 2^24 pixels float32 still resolves every pixel.
    const bad = halves.find((half) => !(half >= 2 ** -24 && half <= 2 ** 24));
    if (bad !== undefined) {
      check.fail(
        'ERR_RANGE',
        'baseSizes',
        'anchors of sides between 2^-23 and 2^25 pixels',
        `half a side of ${String(bad)}`,
      );
    }
    return Float32Array.from(halves);
  }
}

export interface NativeAnchors {
  count: number;
  fields: AnchorArguments;
}

/** Any anchors as native code takes them, validated. */
export function nativeAnchors(call: Call, anchors: unknown): NativeAnchors {
  const grid = AnchorGrid.from(anchors);
  if (grid !== undefined) return AnchorGrid.nativeOf(grid);
  if (operandKind(anchors) !== 'Float32Array') {
    call.fail('ERR_DTYPE', 'anchors', 'an AnchorGrid or a Float32Array [A, 4]', describe(anchors));
  }
  const data = call.operand('Float32Array', 'anchors', anchors);
  const count = call.boxes('anchors', data, { area: true });
  if (count > MAX_ANCHORS) call.fail('ERR_RANGE', 'anchors', 'at most 2^31 - 1 boxes', String(count));
  return { count, fields: { anchorLevels: null, halfSizes: null, anchorBoxes: data } };
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
