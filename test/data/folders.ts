// Data sets that tests write: files by path, pictures with filled rectangles.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { readDataset, type AnnotatedDataset, type ReadDatasetOptions } from 'retinanet-ops/retinanet';
import sharp from 'sharp';

export type Edges = [x1: number, y1: number, x2: number, y2: number];
export const DOG: Edges = [8, 8, 40, 40];
export const CAT: Edges = [20, 12, 56, 44];

/** RGB pixels, light gray with dark rectangles. */
export function pixels(width: number, height: number, ...boxes: Edges[]): Buffer {
  const data = Buffer.alloc(width * height * 3, 200);
  for (const [x1, y1, x2, y2] of boxes) {
    for (let y = y1; y < y2; y++) data.fill(20, (y * width + x1) * 3, (y * width + x2) * 3);
  }
  return data;
}

/** A 64x48 picture in a format. */
export function picture(format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' = 'png'): Promise<Buffer> {
  return sharp(pixels(64, 48, DOG), { raw: { width: 64, height: 48, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

export type Files = Record<string, string | Buffer>;

/** Writes the files, and a picture for every other path, into a folder that goes with the test. */
export async function folder(t: ExecutionContext, files: Files, pictures: readonly string[] = []): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'retinanet-ops-data-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const png = pictures.length > 0 ? await picture() : Buffer.alloc(0);
  const all = { ...Object.fromEntries(pictures.map((path) => [path, png])), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** What a test compares: boxes by file, of each split; kinds of warnings with their counts. */
export interface Read {
  train: Record<string, [string, ...Edges][]>;
  val: Record<string, [string, ...Edges][]>;
  test: Record<string, [string, ...Edges][]>;
  classes: string[];
  warnings: Record<string, number>;
  dataset: AnnotatedDataset;
}

export async function read(root: string, options?: ReadDatasetOptions): Promise<Read> {
  const dataset = await readDataset(root, options);
  const of = (split: 'train' | 'val' | 'test') =>
    Object.fromEntries(
      dataset.splits[split].images.map(({ file, boxes }) => [
        file,
        boxes.map(({ class: name, box }): [string, ...Edges] => [
          name,
          ...(box.map((v) => Number(v.toFixed(3))) as Edges),
        ]),
      ]),
    );
  const warnings = Object.fromEntries(dataset.warnings.map(({ kind, count }) => [kind, count]));
  return { train: of('train'), val: of('val'), test: of('test'), classes: dataset.classes, warnings, dataset };
}

/** Writes a data set and reads it. */
export async function readFiles(t: ExecutionContext, files: Files, pictures: readonly string[] = []): Promise<Read> {
  return read(await folder(t, files, pictures));
}

/** Writes a data set that must be refused. */
export async function refused(t: ExecutionContext, message: RegExp, files: Files, pictures: readonly string[] = []) {
  const root = await folder(t, files, pictures);
  const error = await t.throwsAsync(() => readDataset(root), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_DATA',
    message,
  });
  t.regex(error?.message ?? '', /^readDataset: expected .* for .*, received [^\n]*$/);
}

/** One Pascal VOC annotation; `extra` goes into the first object. */
export function xml(filename: string, objects: [name: string, edges: readonly unknown[]][], extra = ''): string {
  const object = ([name, [x1, y1, x2, y2]]: [string, readonly unknown[]], i: number) =>
    `<object>\n<name>${name}</name>${i === 0 ? extra : ''}\n<bndbox><xmin>${String(x1)}</xmin><ymin>${String(y1)}</ymin>` +
    `<xmax>${String(x2)}</xmax><ymax>${String(y2)}</ymax></bndbox>\n</object>\n`;
  return (
    `<annotation>\n<filename>${filename}</filename>\n<size><width>64</width><height>48</height><depth>3</depth></size>\n` +
    `${objects.map(object).join('')}</annotation>\n`
  );
}

/** A COCO file. */
export function coco(
  images: object[],
  annotations: object[],
  categories: object[] = [
    { id: 1, name: 'dog' },
    { id: 2, name: 'cat' },
  ],
) {
  return JSON.stringify({ images, annotations, categories });
}
