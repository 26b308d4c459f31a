// What `retinanet-ops detect` says of pictures: for people, and in the formats of files.
import type { Check } from '../arguments/check.js';
import type { CocoId } from '../retinanet/evaluation/coco-format.js';
import { readTruth } from '../retinanet/evaluation/coco-format.js';
import { NO_CLASS } from '../retinanet/model/coco-names.js';
import type { FileDetections } from '../retinanet/detection/detect-files.js';
import type { NamedPicture } from '../retinanet/detection/find-pictures.js';
import { table } from './table.js';

/** Forms of detections in a file. */
export type DetectionsFormat = 'coco' | 'csv' | 'json';

/** Ids of pictures, in their order, and of classes in COCO's formats. */
export interface CocoIds {
  images: readonly CocoId[];
  categories: readonly CocoId[];
}

/** A picture that could not be read. */
export interface Failure {
  file: string;
  message: string;
}

/** Collects the detections of one picture after another, and writes them in any form. Only what was found is kept. */
export class DetectionsReport {
  readonly failures: Failure[] = [];
  private readonly names: readonly string[];
  private readonly ids: CocoIds;
  private readonly found: (FileDetections & { name: string; id: CocoId })[] = [];

  /** @param names of the classes */
  constructor(names: readonly string[], ids: CocoIds) {
    this.names = names;
    this.ids = ids;
  }

  /** @param index of the picture among all */
  add(detections: FileDetections, { name }: NamedPicture, index: number): void {
    this.found.push({ ...detections, name, id: this.ids.images[index]! });
  }

  /** A file's content, in bytes: of many pictures it is more than a string can hold. */
  written(format: DetectionsFormat): Uint8Array {
    const chunks: Buffer[] = [];
    let text = '';
    for (const part of this.parts(format)) {
      text += part;
      if (text.length < CHUNK) continue;
      chunks.push(Buffer.from(text));
      text = '';
    }
    return Buffer.concat([...chunks, Buffer.from(text)]);
  }

  private *parts(format: DetectionsFormat): Iterable<string> {
    if (format === 'csv') {
      yield* this.csv();
      return;
    }
    if (format === 'coco') {
      yield* listOf(this.coco());
    } else {
      yield '{"images": ';
      yield* listOf(this.json());
      yield `,\n"failed": ${JSON.stringify(this.failures)}}`;
    }
    yield '\n';
  }

  /** Each picture with what is in it. */
  lines(): string {
    const lines = this.found.map(({ file, ...one }) => {
      const objects = objectsOf(one).map(({ label, score, box }) => {
        return `${this.names[label]!} ${Math.round(100 * score)}% [${box.map((edge) => Math.round(edge)).join(', ')}]`;
      });
      return `${file}: ${objects.join(', ') || 'nothing'}\n`;
    });
    return lines.join('');
  }

  /** How many of each class. */
  summary(): string {
    const rows = this.names.map((name, k): [string, number, number] => {
      const counts = this.found.map(({ labels }) => labels.reduce((sum, label) => sum + Number(label === k), 0));
      return [name, counts.reduce((sum, count) => sum + count, 0), counts.filter((count) => count > 0).length];
    });
    const isShown = ([name, count]: [string, number, number]) => count > 0 || !NO_CLASS.includes(name);
    return `${table(['class', 'detections', 'pictures'], rows.filter(isShown))}\n`;
  }

  private *csv(): Iterable<string> {
    yield 'file,class,score,x1,y1,x2,y2\n';
    for (const { file, ...one } of this.found) {
      for (const { label, score, box } of objectsOf(one)) {
        yield `${[file, this.names[label]!, score, ...box].map(csvField).join(',')}\n`;
      }
    }
  }

  private *json(): Iterable<object> {
    for (const { file, width, height, ...one } of this.found) {
      const detections = objectsOf(one).map(({ label, score, box }) => ({ class: this.names[label]!, score, box }));
      yield { file, width, height, detections };
    }
  }

  private *coco(): Iterable<object> {
    for (const { id, name, ...one } of this.found) {
      for (const { label, score, box } of objectsOf(one)) {
        const [x1, y1, x2, y2] = box;
        yield {
          ...{ image_id: id, category_id: this.ids.categories[label]! },
          ...{ bbox: [x1, y1, rounded(x2 - x1, 3), rounded(y2 - y1, 3)], score },
          ...{ file_name: name, category_name: this.names[label]! },
        };
      }
    }
  }
}

/** Characters that are put together before they become bytes. */
const CHUNK = 2 ** 20;

/** An array of JSON, with an object on every line. */
function* listOf(objects: Iterable<object>): Iterable<string> {
  let before = '[\n';
  for (const object of objects) {
    yield before + JSON.stringify(object);
    before = ',\n';
  }
  yield before === '[\n' ? '[]' : '\n]';
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

/** Rows of a picture, rounded to what a detection is sure of at most. */
function objectsOf({ boxes, scores, labels }: Pick<FileDetections, 'boxes' | 'scores' | 'labels'>) {
  return Array.from(scores, (score, row) => ({
    label: labels[row]!,
    score: rounded(score, 6),
    box: Array.from(boxes.subarray(4 * row, 4 * row + 4), (edge) => rounded(edge, 3)) as [
      x1: number,
      y1: number,
      x2: number,
      y2: number,
    ],
  }));
}

/** A field as RFC 4180 has it; the rule is all that a library of writers would be used for. */
function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Pictures and classes counted from 1, as cocoTruth counts them. */
export function countedIds(pictures: readonly unknown[], classes: readonly unknown[]): CocoIds {
  const count = (list: readonly unknown[]) => list.map((_, i) => i + 1);
  return { images: count(pictures), categories: count(classes) };
}

/**
 * The ids that a truth gives to pictures, by their file names, and to classes, by their names.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming a picture that the truth has not, or more than once, `ERR_LABEL` a class that it has not
 */
export function idsOfTruth(
  check: Check,
  given: unknown,
  pictures: readonly NamedPicture[],
  classNames: readonly string[],
): CocoIds {
  const { categoryIds, names } = readTruth(check, given);
  const { images } = given as { images: { id: CocoId; file_name?: unknown }[] };
  const byBase = new Map<string, { id: CocoId; path: string }[]>();
  for (const { id, file_name: file } of images) {
    const path = `/${slashes(typeof file === 'string' ? file : '')}`;
    const base = baseOf(path);
    byBase.set(base, [...(byBase.get(base) ?? []), { id, path }]);
  }
  const imageOf = ({ file, name }: NamedPicture): CocoId => {
    const ends = [`/${slashes(file)}`, `/${name}`];
    const alike = byBase.get(baseOf(ends[0]!)) ?? [];
    const same = alike.filter(({ path }) => ends.some((end) => end.endsWith(path) || path.endsWith(end)));
    const [one, another] = same.length > 0 ? same : alike;
    if (one !== undefined && another === undefined) return one.id;
    const received = one === undefined ? 'one without it' : 'one with several of this name';
    return check.fail('ERR_DATA', '--truth', `a truth that names ${file}`, received);
  };
  const ids = [...categoryIds.keys()];
  const categoryOf = (name: string): CocoId => {
    if (NO_CLASS.includes(name)) return name;
    const place = names.indexOf(name);
    if (place < 0) check.fail('ERR_LABEL', '--truth', `a truth with the class '${name}'`, names.join(', '));
    return ids[place]!;
  };
  return { images: pictures.map(imageOf), categories: classNames.map(categoryOf) };
}

const slashes = (path: string) => path.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
