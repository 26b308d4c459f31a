import { Check } from '../../arguments/check.js';

/**
 * What is in the images of a data set, all of one size.
 *
 * Image i owns the rows `offsets[i] ... offsets[i + 1] - 1` of `boxes` and `labels`, and those of `ignoreBoxes` that `ignoreOffsets`
 * says.
 */
export interface ImageAnnotations {
  /** Names of the K classes; label k means `classNames[k]`. */
  classNames: string[];
  /** Height of every image, H, in pixels. */
  imageHeight: number;
  /** Width of every image, W, in pixels. */
  imageWidth: number;
  /** Number of images n. */
  length: number;
  /** [G, 4] x1, y1, x2, y2 in pixels of the resized image. */
  boxes: Float32Array;
  /** [G] class indices, 0 .. K - 1. */
  labels: Int32Array;
  /** [n + 1] first row of every image, then G. */
  offsets: Int32Array;
  /** [I, 4] regions that are neither objects nor background in training, such as crowds; with `ignoreOffsets`. */
  ignoreBoxes?: Float32Array;
  /** [n + 1] first row of every image, then I. */
  ignoreOffsets?: Int32Array;
  /** [n] names of the images for messages, such as file names. */
  names?: string[];
}

/** Images and their boxes, all of one size, in the layout that training reads directly. */
export interface DetectionDataset extends ImageAnnotations {
  /** [n, H, W, 3] RGB, 0..255. Over a `SharedArrayBuffer` worker threads read it without copying. */
  images: Uint8Array;
}

/** Images that need not be in memory all at once, and their boxes. {@link openImages} makes one of files. */
export interface ImageSource extends ImageAnnotations {
  /**
   * Writes the pixels of image `index` into `out` [H, W, 3], RGB, 0..255: the same ones each time. Several calls run at once.
   * Training that needs an image whose promise is rejected ends with `ERR_DATA` that names it.
   */
  read: (index: number, out: Uint8Array) => Promise<void>;
}

/** What images own rows of: their offsets are sound. */
interface Ragged {
  offsets: Int32Array;
  names?: readonly string[];
}

/** What messages call the image that owns a row. */
export function imageOf({ offsets, names }: Ragged): (row: number) => string {
  return (row) => {
    const image = offsets.findLastIndex((first) => first <= row);
    return names?.[image] ?? String(image);
  };
}

/**
 * Checks ragged rows: `offsets` starts at 0, never falls and ends at the number of rows.
 *
 * @param images number of images, `offsets.length - 1`
 * @param name what messages call the offsets
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE` or `ERR_RANGE`, naming the first bad entry.
 */
export function validateOffsets(offsets: Int32Array, images: number, rows: number, name: string): void {
  const check = new Check('validateOffsets');
  check.number('images', images, { min: 0, integer: true });
  check.number('rows', rows, { min: 0, integer: true });
  checkOffsets(check, check.string('name', name), offsets, images, rows);
}

/** As validateOffsets, as part of another check. */
export function checkOffsets(check: Check, name: string, value: unknown, images: number, rows: number): Int32Array {
  const offsets = check.array('Int32Array', name, value, images + 1, '(images + 1)');
  check.offsets(name, offsets, rows);
  return offsets;
}

const ANNOTATIONS = [
  'classNames',
  'imageHeight',
  'imageWidth',
  'length',
  'boxes',
  'labels',
  'offsets',
  'ignoreBoxes',
  'ignoreOffsets',
  'names',
] as const;

/**
 * Refuses a data set that training could not use: wrong array kinds or lengths, falling offsets, labels without a class
 * name, boxes that are not finite or have no area. Boxes may reach beyond the image (crops do that), never lie outside it.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE`, `ERR_RANGE`, `ERR_OPTION`, `ERR_LABEL` or `ERR_BOX`, naming the row and its
 *   image.
 */
export function validateDataset(dataset: DetectionDataset): void {
  const check = new Check('validateDataset');
  checkDataset(check, check.fields<DetectionDataset>('dataset', dataset, [...ANNOTATIONS, 'images']));
}

/** What training takes, checked. */
export function checkTrainingSet(check: Check, value: unknown): DetectionDataset | ImageSource {
  const names = [...ANNOTATIONS, 'images', 'read'] as const;
  const { read, ...given } = check.fields<DetectionDataset & ImageSource>('dataset', value, names);
  if (read === undefined) return checkDataset(check, given);
  check.function('dataset.read', read);
  checkSizes(check, given);
  return { ...checkAnnotations(check, given), read: read.bind(value) };
}

function checkDataset(check: Check, given: DetectionDataset): DetectionDataset {
  checkSizes(check, given);
  const values = given.length * given.imageHeight * given.imageWidth * 3;
  const images = check.array('Uint8Array', 'dataset.images', given.images, values, '[n, H, W, 3]');
  return { ...checkAnnotations(check, given), images };
}

function checkSizes(check: Check, given: ImageAnnotations): void {
  for (const name of ['imageHeight', 'imageWidth', 'length'] as const) {
    check.number(`dataset.${name}`, given[name], { min: 1, integer: true });
  }
}

/** Checks what is in images, whose sizes have been checked. */
export function checkAnnotations(check: Check, given: ImageAnnotations): ImageAnnotations {
  const { imageHeight, imageWidth, length } = given;
  const truth = checkTruth(check, 'dataset', given, length);
  const { boxes } = truth;
  for (let i = 0; i < boxes.length; i += 4) {
    if (boxes[i]! < imageWidth && boxes[i + 1]! < imageHeight && boxes[i + 2]! > 0 && boxes[i + 3]! > 0) continue;
    const expected = `boxes that touch their ${String(imageWidth)}x${String(imageHeight)} image`;
    const received = `[${boxes.slice(i, i + 4).join(', ')}]`;
    check.fail('ERR_BOX', 'dataset.boxes', expected, received, { row: i / 4, image: imageOf(truth)(i / 4) });
  }
  return { imageHeight, imageWidth, length, ...truth, ...checkIgnored(check, { ...given, names: truth.names }) };
}

function checkIgnored(
  check: Check,
  { ignoreBoxes, ignoreOffsets, length, names }: ImageAnnotations,
): Pick<ImageAnnotations, 'ignoreBoxes' | 'ignoreOffsets'> {
  if (ignoreBoxes === undefined && ignoreOffsets === undefined) return {};
  if (ignoreBoxes === undefined || ignoreOffsets === undefined) {
    const missing = ignoreBoxes === undefined ? 'ignoreBoxes' : 'ignoreOffsets';
    check.fail('ERR_OPTION', `dataset.${missing}`, 'ignoreBoxes and ignoreOffsets together', 'undefined');
  }
  const boxes = check.array('Float32Array', 'dataset.ignoreBoxes', ignoreBoxes);
  const count = check.boxCount('dataset.ignoreBoxes', boxes);
  const offsets = checkOffsets(check, 'dataset.ignoreOffsets', ignoreOffsets, length, count);
  check.boxes('dataset.ignoreBoxes', boxes, { area: true, imageOf: imageOf({ offsets, names }) });
  return { ignoreBoxes: boxes, ignoreOffsets: offsets };
}

/** The part of a data set that says what is in its images. */
export type Truth = Pick<ImageAnnotations, 'classNames' | 'boxes' | 'labels' | 'offsets' | 'names'>;

const TRUTH_FIELDS = ['classNames', 'boxes', 'labels', 'offsets', 'names'] as const;

/** Checks what is in images; `images`: how many there are, where that is known already. */
export function checkTruth(check: Check, name: string, value: unknown, images?: number): Truth {
  const given = check.fields<Truth>(name, value, TRUTH_FIELDS);
  const classNames = check.strings(`${name}.classNames`, given.classNames);
  if (classNames.length === 0) check.fail('ERR_SHAPE', `${name}.classNames`, 'at least one name', '0');
  const labels = check.array('Int32Array', `${name}.labels`, given.labels);
  const count = labels.length;
  const boxes = check.array('Float32Array', `${name}.boxes`, given.boxes, 4 * count, '[G, 4], four per label,');
  const offsets = check.array('Int32Array', `${name}.offsets`, given.offsets);
  checkOffsets(check, `${name}.offsets`, offsets, images ?? Math.max(0, offsets.length - 1), count);
  const names =
    given.names === undefined
      ? undefined
      : check.strings(`${name}.names`, given.names, offsets.length - 1, '(one per image)');
  const truth = { classNames, boxes, labels, offsets, names };
  check.labels(`${name}.labels`, labels, 0, classNames.length, imageOf(truth));
  check.boxes(`${name}.boxes`, boxes, { area: true, imageOf: imageOf(truth) });
  return truth;
}

/**
 * Mean and standard deviation of each colour channel over a sample of the images' pixels, as createRetinaNet takes them. Images
 * that use little of the range, such as photographs through a microscope, are learned much faster with their own.
 *
 * @throws RetinanetOpsError `ERR_DTYPE` or `ERR_SHAPE`
 */
export function pixelStatistics(dataset: Pick<DetectionDataset, 'images'>): {
  /** [3] red, green, blue, 0..255. */
  pixelMean: number[];
  /** [3] red, green, blue, at least 1. */
  pixelStd: number[];
} {
  const check = new Check('pixelStatistics');
  const given = check.fields<Pick<DetectionDataset, 'images'>>('dataset', dataset, ['images']);
  const images = check.array('Uint8Array', 'dataset.images', given.images);
  if (images.length % 3 !== 0) {
    check.fail('ERR_SHAPE', 'dataset.images', 'three values per pixel', `${String(images.length)} values`);
  }
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
