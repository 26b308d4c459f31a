// What is wrong or unusual about a data set, collected by kind.
import { RetinanetOpsError } from '../../arguments/errors.js';
import type { DataWarning } from './annotations.js';

/** Every kind of warning, with what it is about and what has been done. */
export const WARNING_KINDS = {
  'several-formats': 'annotations of another format lie there as well: not read',
  'file-not-read': 'an annotation file that another one makes superfluous: not read',
  'path-elsewhere': 'a path of another machine: its last folders were found here',
  'split-missing': 'a split that is not where it is said to be: what its folder\u2019s name tells, or empty',
  'split-overlap': 'an image in more than one split: kept in each',
  'annotation-damaged': 'an annotation file that cannot be read: left out with its image',
  'annotation-without-image': 'an annotation whose image is not there: left out',
  'annotation-repeated': 'a second annotation of the same image: its boxes joined to the first',
  'listed-without-annotation': 'a listed name without an annotation: left out',
  'not-listed': 'an annotation that no list names: left out',
  'image-without-annotation': 'an image without an annotation file: left out, no negative',
  'image-missing': 'a listed image that is not there: left out',
  'image-damaged': 'an image that is cut off, damaged or no picture: left out',
  'image-deep': 'more than 8 bits per channel: scaled to 8 by the range that is named',
  'label-missing': 'a YOLO image without a label file: nothing in it',
  'label-empty': 'a YOLO label file without rows: nothing in it',
  'label-without-image': 'a YOLO label file without its image: left out',
  'boxes-turned': 'boxes on pixels before their EXIF orientation: turned with them',
  'boxes-scaled': 'boxes on an image of another size and the same shape: scaled',
  'size-differs': 'a stated size that is not the image\u2019s: the image\u2019s own is used',
  'pixel-convention': 'coordinates from 0 to the width: taken as edges, nothing is subtracted',
  'box-swapped': 'corners in the wrong order: sorted',
  'box-clipped': 'a box that sticks out of its image: clipped',
  'box-outside': 'a box outside its image: left out',
  'box-empty': 'a box without area (a side under half a pixel): left out',
  'box-unreadable': 'a box that is no box: left out',
  'box-not-shares': 'a YOLO row that is not in 0..1: left out',
  'box-repeated': 'the same box and class again: left out',
  'angle-lost': 'an oriented box: its upright bounds are used',
  'outline-lost': 'a polygon or another outline: its upright bounds are used',
  'parts-joined': 'outlines of one label and group: parts of one object, one box around them',
  'shape-without-box': 'a point, a line, or what is said of the whole image or its background: left out',
  'confidence-ignored': 'a sixth number, a confidence: ignored',
  'class-unknown': 'a box of a class that is not declared: left out',
  'class-unnamed': 'a class without a name: its number is used',
  'class-count': 'a number of classes that is not that of the names: the names count',
  'class-names-differ': 'a list that names classes otherwise than the one that is used: not read',
  'class-ids-packed': 'class numbers that do not run from 0: packed',
  'class-placeholder': 'a category that only groups the others and has no box: left out',
  'class-repeated': 'two classes of one name: joined',
  'class-alike': 'names of classes that differ in case or blanks only: kept apart',
  'class-not-trained': 'a class that no training image shows',
} as const;

/** The kinds of warnings. */
export type WarningKind = keyof typeof WARNING_KINDS;

/** Where something is said. */
export interface Place {
  file: string;
  line?: number;
}

const EXAMPLES = 5;

/** Counts by kind, and the first few places of each. */
export class Warnings {
  private readonly kinds = new Map<WarningKind, DataWarning>();

  add(kind: WarningKind, { file, line }: Place, message: string): void {
    let warning = this.kinds.get(kind);
    if (!warning) this.kinds.set(kind, (warning = { kind, count: 0, examples: [] }));
    warning.count++;
    if (warning.examples.length < EXAMPLES) {
      warning.examples.push(line === undefined ? { file, message } : { file, line, message });
    }
  }

  count(kind: WarningKind): number {
    return this.kinds.get(kind)?.count ?? 0;
  }

  list(): DataWarning[] {
    return [...this.kinds.values()];
  }
}

/** Refuses the data, in one sentence that names the place. */
export function refuse(place: Place | string, expected: string, received: string, cause?: unknown): never {
  const where = typeof place === 'string' ? place : `${place.file}${place.line === undefined ? '' : `:${place.line}`}`;
  throw new RetinanetOpsError(
    'ERR_DATA',
    `readDataset: expected ${expected} for ${where}, received ${received}`,
    cause === undefined ? undefined : { cause },
  );
}
