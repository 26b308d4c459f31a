// The data set of a session: read, checked before anything is written, and known again when a run goes on.
import { createHash } from 'node:crypto';
import type { Check } from '../../arguments/check.js';
import type { AnnotatedDataset } from '../data/annotations.js';
import { openImagesOf } from '../data/open-images.js';
import { readDataset, type ReadDatasetOptions } from '../data/read-dataset.js';

const SPLITS = ['train', 'val', 'test'] as const;

/**
 * @param data a folder, or a data set that was read
 * @throws RetinanetOpsError as readDataset and openImages, whichever split does not fit
 */
export async function datasetOf(check: Check, data: unknown, options: ReadDatasetOptions): Promise<AnnotatedDataset> {
  const { format, val, seed, checkImages, onImage } = options;
  const dataset =
    typeof data === 'string'
      ? await readDataset(data, { format, val, seed, checkImages, onImage })
      : check.fields<AnnotatedDataset>('data', data, ['root', 'format', 'classes', 'splits', 'warnings']);
  const splits = check.fields<AnnotatedDataset['splits']>('data.splits', dataset.splits, SPLITS);
  const frame = { imageHeight: 32, imageWidth: 32 };
  for (const split of SPLITS) {
    if (split === 'train' || splits[split]?.images?.length > 0) openImagesOf(check, dataset, split, frame);
  }
  return dataset;
}

/**
 * Of what training sees: the classes, the images to train on and to validate with, and their boxes. Not of the folder's place, of pixels,
 * of the test split, nor of the form that a program gave the same annotations.
 */
export function fingerprintOf({ classes, splits }: AnnotatedDataset): string {
  const hash = createHash('sha256').update(JSON.stringify(classes));
  for (const name of ['train', 'val'] as const) {
    hash.update(name);
    for (const { file, width, height, boxes, ignore } of splits[name].images) {
      const objects = boxes.map((one) => [one.class, Array.from(one.box), one.difficult === true]);
      hash.update(JSON.stringify([file, width, height, objects, ignore.map((region) => Array.from(region))]));
    }
  }
  return hash.digest('hex');
}
