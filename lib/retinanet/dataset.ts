import { RetinanetOpsError } from '../errors.js';

/**
 * Images and their boxes, all of one size, in the layout that training reads directly.
 *
 * Image i owns the rows `offsets[i] ... offsets[i + 1] - 1` of `boxes` and `labels`.
 */
export interface DetectionDataset {
  /** Names of the K classes; label k means `classNames[k]`. */
  classNames: string[];
  imageHeight: number;
  imageWidth: number;
  /** Number of images n. */
  length: number;
  /** [n, H, W, 3] RGB, 0..255. Over a `SharedArrayBuffer` worker threads read it without copying. */
  images: Uint8Array;
  /** [G, 4] x1, y1, x2, y2 in pixels of the resized image. */
  boxes: Float32Array;
  /** [G] class indices, 0 .. K - 1. */
  labels: Int32Array;
  /** [n + 1] first row of every image, then G. */
  offsets: Int32Array;
  /** [n] what to call an image in messages: a file name, for example. */
  names?: string[];
}

/** Detected objects of n images, ragged in the same way: image i owns the rows from `offsets[i]` up to `offsets[i + 1]`. */
export interface Detections {
  /** [D, 4] x1, y1, x2, y2 in pixels. */
  boxes: Float32Array;
  /** [D] 0..1. */
  scores: Float32Array;
  /** [D] class indices. */
  labels: Int32Array;
  /** [n + 1]. */
  offsets: Int32Array;
}

function requireRange(value: number, name: string): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RetinanetOpsError('ERR_RANGE', `dataset.${name} must be an integer of at least 1, got ${String(value)}`);
  }
}

function requireArray(
  value: unknown,
  type: typeof Uint8Array | typeof Float32Array | typeof Int32Array,
  name: string,
  length: number,
  shape: string,
): void {
  if (!(value instanceof type)) {
    const got = value === null || typeof value !== 'object' ? typeof value : value.constructor.name;
    throw new RetinanetOpsError('ERR_DTYPE', `${name} must be a ${type.name} ${shape}, got ${got}`);
  }
  if (value.length !== length) {
    throw new RetinanetOpsError(
      'ERR_SHAPE',
      `${name} must have ${String(length)} elements ${shape}, got ${String(value.length)}`,
    );
  }
}

/**
 * Checks ragged rows: `offsets` starts at 0, never falls and ends at the number of rows.
 *
 * @throws RetinanetOpsError `ERR_DTYPE` or `ERR_SHAPE`, naming the first bad entry.
 */
export function validateOffsets(offsets: Int32Array, images: number, rows: number, name: string): void {
  requireArray(offsets, Int32Array, name, images + 1, '[number of images + 1]');
  let previous = 0;
  for (const [i, offset] of offsets.entries()) {
    if (i === 0 ? offset !== 0 : offset < previous) {
      const expected = i === 0 ? 'start at 0' : `not fall (${String(previous)} before)`;
      throw new RetinanetOpsError('ERR_SHAPE', `${name} must ${expected}, got ${String(offset)} at entry ${String(i)}`);
    }
    previous = offset;
  }
  if (previous !== rows) {
    throw new RetinanetOpsError(
      'ERR_SHAPE',
      `${name} must end at ${String(rows)}, the number of rows, got ${String(previous)}`,
    );
  }
}

/**
 * Refuses a data set that training could not use: wrong array kinds or lengths, falling offsets, labels without a class
 * name, boxes that are not finite or have no area. Boxes may reach beyond the image (crops do that), never lie outside it.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE`, `ERR_RANGE`, `ERR_LABEL` or `ERR_BOX`, naming the row and its image.
 */
export function validateDataset(dataset: DetectionDataset): void {
  const { classNames, imageHeight, imageWidth, length, images, boxes, labels, offsets, names } = dataset;
  if (!Array.isArray(classNames) || classNames.length === 0) {
    throw new RetinanetOpsError('ERR_SHAPE', 'dataset.classNames must be an array of at least one name');
  }
  requireRange(imageHeight, 'imageHeight');
  requireRange(imageWidth, 'imageWidth');
  requireRange(length, 'length');
  requireArray(images, Uint8Array, 'dataset.images', length * imageHeight * imageWidth * 3, '[n, H, W, 3]');
  if (!(labels instanceof Int32Array)) requireArray(labels, Int32Array, 'dataset.labels', 0, '[G]');
  requireArray(boxes, Float32Array, 'dataset.boxes', labels.length * 4, '[G, 4], G = labels.length');
  validateOffsets(offsets, length, labels.length, 'dataset.offsets');
  if (names !== undefined && names.length !== length) {
    throw new RetinanetOpsError(
      'ERR_SHAPE',
      `dataset.names must have one name an image (${String(length)}), got ${String(names.length)}`,
    );
  }

  for (let image = 0; image < length; image++) {
    const end = offsets[image + 1] ?? 0;
    for (let row = offsets[image] ?? 0; row < end; row++) {
      const where = () => `at row ${String(row)} (image ${names?.[image] ?? String(image)})`;
      const label = labels[row] ?? -1;
      if (label < 0 || label >= classNames.length) {
        throw new RetinanetOpsError(
          'ERR_LABEL',
          `dataset.labels must be 0 to ${String(classNames.length - 1)}, got ${String(label)} ${where()}`,
        );
      }
      const [x1 = NaN, y1 = NaN, x2 = NaN, y2 = NaN] = boxes.subarray(row * 4, row * 4 + 4);
      const box = () => `[${[x1, y1, x2, y2].join(', ')}]`;
      if (![x1, y1, x2, y2].every(Number.isFinite) || !(x2 > x1 && y2 > y1)) {
        throw new RetinanetOpsError(
          'ERR_BOX',
          `dataset.boxes must be finite with x2 > x1, y2 > y1, got ${box()} ${where()}`,
        );
      }
      if (x1 >= imageWidth || y1 >= imageHeight || x2 <= 0 || y2 <= 0) {
        throw new RetinanetOpsError(
          'ERR_BOX',
          `dataset.boxes must touch their ${String(imageWidth)}x${String(imageHeight)} image, got ${box()} ${where()}`,
        );
      }
    }
  }
}

/**
 * Mean and standard deviation of each colour channel over a sample of the images' pixels, as createRetinaNet takes them. Images
 * that use little of the range, such as photographs through a microscope, are learned much faster with their own.
 */
export function pixelStatistics({ images }: Pick<DetectionDataset, 'images'>): {
  pixelMean: number[];
  pixelStd: number[];
} {
  const sum = [0, 0, 0];
  const squares = [0, 0, 0];
  // Every eleventh pixel: unless 11 divides the width, all columns get their turn.
  const step = 3 * 11;
  let count = 0;
  for (let i = 0; i + 2 < images.length; i += step, count++) {
    for (let k = 0; k < 3; k++) {
      const value = images[i + k]!;
      sum[k]! += value;
      squares[k]! += value * value;
    }
  }
  const pixelMean = sum.map((total) => total / Math.max(1, count));
  // At least one grey level: a constant channel must not be divided by zero.
  const pixelStd = squares.map((total, k) =>
    Math.max(1, Math.sqrt(Math.max(0, total / Math.max(1, count) - pixelMean[k]! ** 2))),
  );
  return { pixelMean, pixelStd };
}
