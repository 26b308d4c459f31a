// Anchors: a grid that is never materialised, or any list of boxes.
import type { AnchorArguments } from '../../binding.js';
import { backendIndex } from '../runtime/backend.js';
import type { Call } from '../arguments/call.js';
import { isOfAnotherCopy, mark } from '../runtime/copies.js';
import { describe } from '../arguments/describe.js';
import { operandKind, type Floats, type FloatsLike } from '../runtime/device-tensor.js';
import { plan } from '../runtime/plan.js';
import { Check } from '../arguments/check.js';
import {
  ANCHOR_GRID_OPTIONS,
  featureSizesOf,
  halfSizes,
  horizontalOf,
  readSizes,
  verticalOf,
  type AnchorGridOptions,
  type AnchorOrder,
  type AnchorRounding,
  type FeatureSize,
  type Stride,
} from './anchor-grid-options.js';

/** One level of the feature pyramid, as an AnchorGrid has it. */
export interface AnchorLevel {
  /** Pixels between rows and, unless horizontalStride says otherwise, between columns. */
  readonly stride: number;
  /** Pixels between columns. */
  readonly horizontalStride: number;
  /** Rows of cells; ceil(imageHeight / stride) by default. */
  readonly height: number;
  /** Columns of cells; ceil(imageWidth / horizontalStride) by default. */
  readonly width: number;
  /** Sizes times aspect ratios. */
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
 * scale-major, ratio-minor, or as `order` says; centres at (i + centerOffset) * stride. An anchor of side s = baseSize * scale, or
 * of `sizes`, and ratio r is s / sqrt(r) wide and s * sqrt(r) high.
 *
 * @throws RetinanetOpsError ERR_DTYPE, ERR_RANGE, ERR_SHAPE, ERR_OPTION: bad option, or more than 2^31 - 1 anchors
 */
export class AnchorGrid {
  /** Pixels. */
  readonly imageHeight: number;
  /** Pixels. */
  readonly imageWidth: number;
  /** Pixels between neighbouring cells, one stride per level: a number, or [between rows, between columns]. */
  readonly strides: readonly Stride[];
  /** The centre of cell i lies at (i + centerOffset) * stride. */
  readonly centerOffset: number;
  /** [rows, columns] of cells, one pair per level. */
  readonly featureSizes: readonly FeatureSize[];
  /** Side of the square anchor of scale 1, pixels, one side per level; undefined where `sizes` were given. */
  readonly baseSizes: readonly number[] | undefined;
  /** Sizes of anchors, relative to baseSizes; undefined where `sizes` were given. */
  readonly scales: readonly number[] | undefined;
  /** [L][S] sides of the square anchors, pixels: as given, or the products of baseSizes and scales. */
  readonly sizes: readonly (readonly number[])[];
  /** height / width. */
  readonly aspectRatios: readonly number[];
  /** Whether the corners of a cell's anchors around its centre are rounded to whole pixels. */
  readonly rounding: AnchorRounding;
  /** Which of a cell's anchors follow each other. */
  readonly order: AnchorOrder;
  /** One entry per stride, in the order of the anchors. */
  readonly levels: readonly AnchorLevel[];
  /** A: anchors of one image. */
  readonly count: number;
  /** What native code takes; out of reach, because native code relies on it. */
  readonly #native: NativeAnchors;

  constructor(options: AnchorGridOptions) {
    const check = new Check('AnchorGrid');
    const given = check.options('options', options, ANCHOR_GRID_OPTIONS);
    this.imageHeight = given.imageHeight;
    this.imageWidth = given.imageWidth;
    this.strides = Object.freeze(given.strides);
    this.centerOffset = given.centerOffset;
    this.featureSizes = Object.freeze(featureSizesOf(check, this, this.strides, given.featureSizes));
    const { baseSizes, scales, sizes } = readSizes(check, given);
    this.baseSizes = baseSizes;
    this.scales = scales;
    this.sizes = sizes;
    this.aspectRatios = Object.freeze(given.aspectRatios);
    this.rounding = given.rounding;
    this.order = given.order;
    const anchorsPerCell = (this.sizes[0] as readonly number[]).length * this.aspectRatios.length;
    let offset = 0;
    const levels = this.strides.map((strideOf, l): AnchorLevel => {
      const [height, width] = this.featureSizes[l] as FeatureSize;
      const [stride, horizontalStride] = [verticalOf(strideOf), horizontalOf(strideOf)];
      const count = height * width * anchorsPerCell;
      const level = { stride, horizontalStride, height, width, anchorsPerCell, offset, count };
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
        anchorLevels: Float64Array.from(
          this.levels.flatMap((l) => [l.height, l.width, l.stride, l.horizontalStride, this.centerOffset]),
        ),
        halfSizes: halfSizes(check, this),
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
      const { levels, count, sizes, ...options } = value as AnchorGrid;
      const grid = new AnchorGrid(options.baseSizes === undefined ? { ...options, sizes } : options);
      const isSame = grid.count === count && JSON.stringify(grid.levels) === JSON.stringify(levels);
      return isSame ? grid : undefined;
    } catch {
      return undefined; // another class's, or a grid of another version that has more options
    }
  }

  /** @internal What native code takes. */
  static nativeOf(grid: AnchorGrid): NativeAnchors {
    return grid.#native;
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
