// What tells whether a data set is the one that a run began with.
import { createHash } from 'node:crypto';
import type { AnnotatedDataset } from '../data/annotations.js';

/** Of the classes, the images of each split and their boxes; not of the folder's place, nor of pixels. */
export function fingerprintOf({ classes, splits }: AnnotatedDataset): string {
  const hash = createHash('sha256').update(JSON.stringify(classes));
  for (const name of ['train', 'val', 'test'] as const) {
    hash.update(name);
    for (const image of splits[name].images) hash.update(JSON.stringify(image));
  }
  return hash.digest('hex');
}
