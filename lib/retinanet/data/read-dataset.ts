// An annotated data set from a folder, as a labelling tool left it.
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Check } from '../../arguments/check.js';
import { boolean, callback, number, oneOf, type OptionsOf } from '../../arguments/options.js';
import {
  DATA_FORMATS,
  type AnnotatedDataset,
  type AnnotatedImage,
  type DataFormat,
  type SplitName,
} from './annotations.js';
import { placeBoxes } from './boxes.js';
import { checkClasses, checkUsable, refuseEmpty } from './checks.js';
import { DatasetFiles } from './files.js';
import { readCoco } from './formats/coco.js';
import { readCsv } from './formats/csv.js';
import { readCvat } from './formats/cvat.js';
import { findFormats, refuseUnknown, type FoundFormat } from './formats/find.js';
import { readLabelme } from './formats/labelme.js';
import type { Reading, Source } from './formats/source.js';
import { readVoc } from './formats/voc.js';
import { readYolo } from './formats/yolo.js';
import { readHeaders } from './headers.js';
import { drawSplit } from './splits.js';
import { refuse, Warnings } from './warnings.js';

const READERS: Record<DataFormat, (reading: Reading, paths: readonly string[]) => Promise<Source>> = {
  voc: readVoc,
  coco: readCoco,
  yolo: readYolo,
  csv: readCsv,
  labelme: readLabelme,
  cvat: readCvat,
};

/** How a folder is read. */
export const READING = {
  /** The format, where it is not to be found by looking: `voc`, `coco`, `yolo`, `csv`, `labelme` or `cvat`. */
  format: oneOf(DATA_FORMATS),
  /**
   * Share of the images that is drawn for validation, in [0, 1), where the source has no validation split. Default 0.2 where it has no
   * test split either, else none.
   */
  val: number({ min: 0, max: 0.9999 }),
  /** Decides what is drawn. Default 0. */
  seed: number({ min: 0, max: 2 ** 31 - 1, integer: true, default: 0 }),
  /**
   * Whether every image's file is looked into: its size, its EXIF orientation, whether it is whole. Without it, sizes that the source
   * states are believed, which is faster and right for sets that are known to be sound. Default true.
   */
  checkImages: boolean(true),
  /** Called now and then with how many of the images have been looked into. */
  onImage: callback<(done: number, total: number) => void>(),
};

/** How to read a data set. */
export interface ReadDatasetOptions extends OptionsOf<typeof READING> {}

/**
 * Reads the annotations of a data set: Pascal VOC, COCO JSON, YOLO, CSV, labelme's JSON or CVAT's XML for images, in the folders
 * and with the oddities that labelling tools leave. What can be mended is, what cannot is left out, and either is counted in `warnings`.
 *
 * Coordinates are taken as edges in pixels, as labelling tools of today write them: nothing is subtracted from Pascal VOC's. Boxes are
 * clipped to the upright image. Images that VOC, CSV and labelme do not annotate are left out; YOLO's, COCO's and CVAT's
 * have nothing in them.
 *
 * @param folder with everything below it
 * @returns the images with their boxes in pixels, by split
 * @throws RetinanetOpsError `ERR_DATA` naming file and line: no annotations, or such as must not be guessed about; `ERR_OPTION`,
 *   `ERR_RANGE` or `ERR_DTYPE` for a bad option; `ERR_BACKEND` where sharp is missing
 */
export async function readDataset(folder: string, options?: ReadDatasetOptions): Promise<AnnotatedDataset> {
  const check = new Check('readDataset');
  const root = check.string('folder', folder);
  const { format, val, seed, checkImages, onImage } = check.options('options', options, READING);
  const files = await listFiles(root);
  const warnings = new Warnings();
  const found = await chooseFormat(files, format, warnings);
  const source = await READERS[found.format]({ files, warnings }, found.paths);
  checkUsable(root, source, warnings);
  const headers = await readHeaders(files, source.images, warnings, { checkImages, onImage });
  const places = new Map<string, SplitName | undefined>();
  const images = source.images.flatMap((image): { image: AnnotatedImage; split: SplitName | undefined }[] => {
    const header = headers.get(image.file);
    if (!header) return [];
    // What is said of an image in two splits is said once.
    const quiet = places.has(image.file);
    if (quiet && places.get(image.file) !== image.split) {
      warnings.add(
        'split-overlap',
        { file: image.file },
        `in ${places.get(image.file) ?? 'none'} and ${image.split ?? 'none'}`,
      );
    }
    places.set(image.file, image.split);
    const placed = placeBoxes(image, header, source.shares, quiet ? new Warnings() : warnings);
    const { width, height } = header;
    return [{ image: { file: image.file, width, height, ...placed }, split: image.split }];
  });
  if (images.every(({ image }) => image.boxes.length === 0))
    refuseEmpty(root, 'at least one box within its image', warnings);
  const splits = splitImages(images, val, seed);
  const dataset = { root, format: found.format, classes: source.classes, splits, warnings: [] };
  checkClasses(dataset, source, warnings);
  return { ...dataset, warnings: warnings.list() };
}

async function listFiles(root: string): Promise<DatasetFiles> {
  const what = await stat(root).catch((cause: unknown) => {
    refuse(
      root,
      'a folder',
      (cause as { code?: string }).code === 'ENOENT' ? 'nothing there' : (cause as Error).message,
      cause,
    );
  });
  if (!what.isDirectory()) refuse(root, 'a folder', `the file ${basename(root)}: give the folder that holds it`);
  return DatasetFiles.list(root).catch((cause: unknown) => {
    refuse(root, 'a folder that can be listed', (cause as Error).message, cause);
  });
}

async function chooseFormat(
  files: DatasetFiles,
  wanted: DataFormat | undefined,
  warnings: Warnings,
): Promise<FoundFormat> {
  const found = await findFormats(files);
  const [first, ...others] = found;
  if (!first) return refuseUnknown(files);
  if (wanted === undefined) {
    for (const { format, paths } of others) {
      warnings.add('several-formats', { file: paths[0]! }, `format '${first.format}' is read, not '${format}'`);
    }
    return first;
  }
  const chosen = found.find(({ format }) => format === wanted);
  return (
    chosen ??
    refuse(files.root, `annotations of the format '${wanted}'`, `'${found.map(({ format }) => format).join("', '")}'`)
  );
}

function splitImages(
  images: readonly { image: AnnotatedImage; split: SplitName | undefined }[],
  val: number | undefined,
  seed: number,
): AnnotatedDataset['splits'] {
  const of = (name: SplitName) => images.filter(({ split }) => (split ?? 'train') === name).map(({ image }) => image);
  const [train, validation, test] = [of('train'), of('val'), of('test')];
  const isDrawn = validation.length === 0 && (val !== undefined || test.length === 0);
  const drawn = isDrawn ? drawSplit(train, val ?? 0.2, seed) : { train, val: validation };
  return { train: { images: drawn.train }, val: { images: drawn.val }, test: { images: test } };
}
