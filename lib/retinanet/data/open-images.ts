// The images of a data set's folder as training takes them: decoded when they are needed.
import { join } from 'node:path';

import { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { number, type OptionsOf } from '../../arguments/options.js';
import type { AnnotatedDataset, AnnotatedImage, BoxEdges, SplitName } from './annotations.js';
import { checkAnnotations, type ImageAnnotations, type ImageSource } from './dataset.js';
import type { DecodedImage } from './images.js';
import { boxesInPicture, checkFrame, fitPicture, type Frame, type Letterbox } from './letterbox.js';
import { PictureReader } from './picture-reader.js';

const SPLITS: readonly SplitName[] = ['train', 'val', 'test'];

const OPTIONS = {
  /** Bytes of decoded pixels that are kept for later epochs; training is the same for any. Default 2^30. */
  cacheBytes: number({ min: 0, max: Number.MAX_SAFE_INTEGER, integer: true, default: 2 ** 30 }),
};

/** How images are opened. */
export interface OpenImagesOptions extends OptionsOf<typeof OPTIONS> {}

/** Images of files. */
export interface OpenedImages extends ImageSource {
  /** Bytes of decoded pixels that are kept; never more than `cacheBytes`. */
  readonly cachedBytes: number;
  /** Boxes [n, 4] in pixels of the frame of image `index` as boxes in pixels of its file, upright, cut at its border. */
  toPicture(index: number, boxes: Float32Array): Float32Array;
  /** The picture of image `index` as it is in its file, upright; it is decoded each time. */
  picture(index: number): Promise<DecodedImage>;
}

/**
 * The images of a split for `trainRetinaNet`. Only their annotations are in memory: pixels are decoded on sharp's threads when they
 * are read, resized to the frame (as a whole, aspect ratio kept, at the upper left; the rest has the colour of `pixelMean`), and kept
 * until the cache is full. Images that are kept stay: an epoch sees every image once, so none is worth more than another. Boxes are in
 * pixels of the frame; difficult ones and ignored regions are `ignoreBoxes`.
 *
 * @param dataset annotations as the readers of data sets give them
 * @param split `train`, `val` or `test`
 * @param frame the net's `config`
 * @throws RetinanetOpsError `ERR_DATA` for a split without images; `ERR_DTYPE`, `ERR_RANGE`, `ERR_SHAPE`, `ERR_OPTION`, `ERR_LABEL`
 *   or `ERR_BOX` for arguments that don't fit, naming the image. Reading rejects with `ERR_DATA` for a file that is no picture, damaged,
 *   or of another size than annotated, and with `ERR_BACKEND` where the package sharp is not installed.
 */
export function openImages(
  dataset: AnnotatedDataset,
  split: SplitName,
  frame: Frame,
  options: OpenImagesOptions = {},
): OpenedImages {
  return openImagesOf(new Check('openImages'), dataset, split, frame, options);
}

/** As openImages, as part of another check. */
export function openImagesOf(
  check: Check,
  dataset: unknown,
  split: SplitName,
  frame: Frame,
  options: OpenImagesOptions = {},
): OpenedImages {
  const { root, classes, images } = checkSplit(check, dataset, split);
  const checked = checkFrame(check, 'frame', frame);
  const { cacheBytes } = check.options('options', options, OPTIONS);
  const pictures = images.map((image) => ({
    ...image,
    path: join(root, image.file),
    place: fitPicture(image, checked),
  }));
  const annotations = checkAnnotations(check, annotationsOf(check, classes, pictures, checked));
  const files = pictures.map(({ path, width, height, place }) => ({ path, width, height, place }));
  const reader = new PictureReader(files, checked, cacheBytes);
  return {
    ...annotations,
    read: (index, out) => reader.read(index, out),
    toPicture: (index, boxes) => {
      const { place, ...size } = reader.picture('toPicture', index);
      return boxesInPicture(new Check('toPicture').array('Float32Array', 'boxes', boxes), place, size);
    },
    picture: (index) => reader.whole(index),
    get cachedBytes() {
      return reader.cachedBytes;
    },
  };
}

function checkSplit(check: Check, value: unknown, split: unknown) {
  const names = ['root', 'classes', 'splits'] as const;
  const { root, classes, splits } = check.fields<AnnotatedDataset>('dataset', value, names);
  const name = check.oneOf('split', split, SPLITS);
  const argument = `dataset.splits.${name}`;
  const given = check.fields<AnnotatedDataset['splits']>('dataset.splits', splits, SPLITS)[name];
  const { images } = check.fields<{ images: AnnotatedImage[] }>(argument, given, ['images']);
  if (!Array.isArray(images)) check.fail('ERR_DTYPE', `${argument}.images`, 'an Array', describe(images));
  if (images.length === 0) check.fail('ERR_DATA', argument, 'at least one image', 'none');
  return {
    root: check.string('dataset.root', root),
    classes: check.strings('dataset.classes', classes),
    images: images.map((image, row) => checkImage(check, `${argument}.images`, image, row)),
  };
}

function checkImage(check: Check, argument: string, value: unknown, row: number): AnnotatedImage {
  const names = ['file', 'width', 'height', 'boxes', 'ignore'] as const;
  const { file, width, height, boxes, ignore } = check.fields<AnnotatedImage>(`${argument}[${row}]`, value, names);
  check.string(`${argument}.file`, file, row);
  const pixels = (name: string, size: unknown) =>
    check.number(`${argument}.${name}`, size, { min: 1, integer: true }, row);
  for (const [name, list] of Object.entries({ boxes, ignore })) {
    if (!Array.isArray(list)) check.fail('ERR_DTYPE', `${argument}.${name}`, 'an Array', describe(list), row);
  }
  return { file, width: pixels('width', width), height: pixels('height', height), boxes, ignore };
}

function annotationsOf(
  check: Check,
  classNames: string[],
  pictures: readonly (AnnotatedImage & { place: Letterbox })[],
  { imageHeight, imageWidth }: Frame,
): ImageAnnotations {
  const labelOf = new Map(classNames.map((name, label) => [name, label]));
  const labels: number[] = [];
  const objects = new RaggedBoxes();
  const ignored = new RaggedBoxes();
  for (const picture of pictures) {
    const { file, boxes, ignore, place } = picture;
    for (const given of boxes) {
      if (typeof given !== 'object' || given === null)
        check.fail('ERR_DTYPE', 'a box', 'an object', describe(given), { image: file });
      const label = labelOf.get(given.class);
      if (label === undefined) {
        check.fail('ERR_LABEL', 'a box', 'one of dataset.classes', describe(given.class), { image: file });
      }
      const edges = edgesOf(check, given.box, picture);
      if (given.difficult) {
        ignored.add(edges, place);
      } else {
        objects.add(edges, place);
        labels.push(label);
      }
    }
    for (const edges of ignore) ignored.add(edgesOf(check, edges, picture), place);
    objects.endImage();
    ignored.endImage();
  }
  return {
    ...{ classNames, imageHeight, imageWidth, length: pictures.length },
    names: pictures.map(({ file }) => file),
    ...{ boxes: Float32Array.from(objects.boxes), labels: Int32Array.from(labels) },
    offsets: Int32Array.from(objects.offsets),
    ...{ ignoreBoxes: Float32Array.from(ignored.boxes), ignoreOffsets: Int32Array.from(ignored.offsets) },
  };
}

/** A box that touches its image; what else may be wrong with it is found where all boxes are checked. */
function edgesOf(check: Check, value: unknown, { file, width, height }: AnnotatedImage): BoxEdges {
  const isBox = Array.isArray(value) && value.length === 4 && value.every((edge) => typeof edge === 'number');
  if (!isBox) check.fail('ERR_DTYPE', 'a box', '[x1, y1, x2, y2]', describe(value), { image: file });
  const [x1, y1, x2, y2] = value as BoxEdges;
  if (x1 >= width || y1 >= height || x2 <= 0 || y2 <= 0) {
    const expected = `boxes that touch their ${width}x${height} image`;
    check.fail('ERR_BOX', 'a box', expected, `[${value.join(', ')}]`, { image: file });
  }
  return value as BoxEdges;
}

/** Boxes of one image after another, in pixels of the frame. */
class RaggedBoxes {
  readonly boxes: number[] = [];
  readonly offsets = [0];

  add([x1, y1, x2, y2]: BoxEdges, { scaleX, scaleY }: Letterbox): void {
    this.boxes.push(x1 * scaleX, y1 * scaleY, x2 * scaleX, y2 * scaleY);
  }

  endImage(): void {
    this.offsets.push(this.boxes.length / 4);
  }
}
