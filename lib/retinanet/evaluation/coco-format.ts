// COCO's formats: ground truth as in instances.json, detections as the COCO tool takes them.
import type { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { newColumns, type BoxColumns, type FoundBoxes, type TrueBoxes } from './objects.js';

/** What identifies an image or a category: in COCO's own files an integer. */
export type CocoId = number | string;

/** The left and upper edge, width and height in pixels. */
export type CocoBox = [x: number, y: number, width: number, height: number];

/** Ground truth as COCO's instances.json has it. Fields besides these are passed over. */
export interface CocoTruth {
  /** Every image that was looked at, with or without objects; no id twice. */
  images: {
    /** What annotations and detections name as `image_id`. */
    id: CocoId;
    /** For messages. */
    file_name?: string;
    /** In pixels. */
    width?: number;
    /** In pixels. */
    height?: number;
  }[];
  /** Every class; no id twice. */
  categories: {
    /** What annotations and detections name as `category_id`. */
    id: CocoId;
    /** Default: the id. */
    name?: string;
  }[];
  /** The objects. */
  annotations: CocoAnnotation[];
}

/** An object in an image. */
export interface CocoAnnotation {
  /** Not used. */
  id?: CocoId;
  /** Of `images`. */
  image_id: CocoId;
  /** Of `categories`. */
  category_id: CocoId;
  /** Four finite numbers. */
  bbox: CocoBox;
  /** Of the object's outline in pixels, by which it is small, medium or large. Default: width * height of its box. */
  area?: number;
  /** 1: a region with objects of the class that nobody told apart; neither object nor background. Default 0. */
  iscrowd?: 0 | 1 | boolean;
}

/** A detection. */
export interface CocoResult {
  /** Of the truth's `images`. */
  image_id: CocoId;
  /** Of the truth's `categories`. */
  category_id: CocoId;
  /** Four finite numbers. */
  bbox: CocoBox;
  /** The higher, the more certain; NaN ranks last. */
  score: number;
}

/** Truth as the evaluations take it. Images and classes are in the order of their ids. */
export interface ReadTruth {
  truth: TrueBoxes;
  imageIds: ReadonlyMap<CocoId, number>;
  categoryIds: ReadonlyMap<CocoId, number>;
  /** Of each class. */
  names: string[];
}

type Entry = Record<string, unknown>;

/** @throws RetinanetOpsError naming the list and the row that does not fit */
export function readTruth(check: Check, given: unknown): ReadTruth {
  const fields = check.fields<CocoTruth>('truth', given, ['images', 'categories', 'annotations']);
  const [images, categories, annotations] = (['images', 'categories', 'annotations'] as const).map((name) =>
    entries(check, `truth.${name}`, fields[name]),
  ) as [Entry[], Entry[], Entry[]];
  const imageIds = indexIds(check, 'truth.images', images, 'file_name');
  const categoryIds = indexIds(check, 'truth.categories', categories, 'name');
  const names: string[] = [];
  for (const [row, { id, name }] of categories.entries()) {
    const given = name ?? id;
    if (typeof given !== 'string' && typeof given !== 'number') {
      check.fail('ERR_DTYPE', 'truth.categories[].name', 'a string', describe(given), row);
    }
    names[categoryIds.get(id as CocoId)!] = String(given);
  }

  const columns = readBoxes(check, 'truth.annotations', annotations, imageIds, categoryIds);
  const size = columns.area.slice();
  const ignored = new Uint8Array(annotations.length);
  for (const [row, { area, iscrowd }] of annotations.entries()) {
    if (area !== undefined && area !== null) size[row] = check.number('truth.annotations[].area', area, {}, row);
    if (iscrowd === undefined || iscrowd === null || iscrowd === 0 || iscrowd === false) continue;
    if (iscrowd !== 1 && iscrowd !== true) {
      check.fail('ERR_DTYPE', 'truth.annotations[].iscrowd', '0 or 1', describe(iscrowd), row);
    }
    ignored[row] = 1;
  }
  return { truth: { ...columns, size, ignored }, imageIds, categoryIds, names };
}

/** @throws RetinanetOpsError naming the row that does not fit */
export function readResults(check: Check, given: unknown, { imageIds, categoryIds }: ReadTruth): FoundBoxes {
  const results = entries(check, 'detections', given);
  const columns = readBoxes(check, 'detections', results, imageIds, categoryIds);
  const score = Float64Array.from(results, (entry, row) => {
    if (typeof entry['score'] === 'number') return entry['score'];
    return check.fail('ERR_DTYPE', 'detections[].score', 'a number', describe(entry['score']), row);
  });
  return { ...columns, score };
}

function entries(check: Check, argument: string, given: unknown): Entry[] {
  if (!Array.isArray(given)) check.fail('ERR_DTYPE', argument, 'an Array of objects', describe(given));
  for (const [row, entry] of (given as unknown[]).entries()) {
    if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) continue;
    check.fail('ERR_DTYPE', argument, 'an Array of objects', describe(entry), row);
  }
  return given as Entry[];
}

/** The place of each id among all of them, numbers by size, then texts. */
function indexIds(check: Check, argument: string, list: readonly Entry[], label: string): Map<CocoId, number> {
  const rows = new Map<CocoId, number>();
  for (const [row, { id, [label]: name }] of list.entries()) {
    if (!isId(id)) check.fail('ERR_DTYPE', `${argument}[].id`, 'an integer or a string', describe(id), row);
    const first = rows.get(id);
    if (first !== undefined) {
      const other = list[first]![label];
      const owners = typeof other === 'string' && typeof name === 'string' ? ` ('${other}' and '${name}')` : '';
      const received = `${describe(id)} as at row ${String(first)}${owners}`;
      check.fail('ERR_DATA', `${argument}[].id`, 'an id that no other has', received, row);
    }
    rows.set(id, row);
  }
  const ids = [...rows.keys()].sort(
    (a, b) => Number(typeof a === 'string') - Number(typeof b === 'string') || (a < b ? -1 : 1),
  );
  return new Map(ids.map((id, place) => [id, place]));
}

export function isId(id: unknown): id is CocoId {
  return typeof id === 'string' || Number.isSafeInteger(id);
}

function readBoxes(
  check: Check,
  argument: string,
  list: readonly Entry[],
  imageIds: ReadTruth['imageIds'],
  categoryIds: ReadTruth['categoryIds'],
): BoxColumns {
  const columns = newColumns(list.length);
  const index = (ids: ReadonlyMap<CocoId, number>, field: string, what: string, given: unknown, row: number) => {
    const place = ids.get(given as CocoId);
    if (place !== undefined) return place;
    if (!isId(given)) check.fail('ERR_DTYPE', `${argument}[].${field}`, 'an integer or a string', describe(given), row);
    const code = field === 'category_id' ? 'ERR_LABEL' : 'ERR_DATA';
    return check.fail(code, `${argument}[].${field}`, `the id of one of ${what}`, describe(given), row);
  };
  for (const [row, { image_id: image, category_id: category, bbox }] of list.entries()) {
    columns.image[row] = index(imageIds, 'image_id', 'truth.images', image, row);
    columns.label[row] = index(categoryIds, 'category_id', 'truth.categories', category, row);
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every((number) => Number.isFinite(number))) {
      const received = Array.isArray(bbox) ? JSON.stringify(bbox).slice(0, 80) : describe(bbox);
      check.fail('ERR_BOX', `${argument}[].bbox`, 'four finite numbers (x, y, width, height)', received, row);
    }
    const [x, y, width, height] = bbox as CocoBox;
    columns.edges[4 * row] = x;
    columns.edges[4 * row + 1] = y;
    columns.edges[4 * row + 2] = x + width;
    columns.edges[4 * row + 3] = y + height;
    columns.area[row] = width * height;
  }
  return columns;
}
