import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import type { DetectionDataset } from 'retinanet-ops/retinanet';
import sharp from 'sharp';

export interface VocOptions {
  width: number;
  height: number;
  onImage?: (done: number, total: number) => void;
}

export interface VocDataset {
  train: DetectionDataset;
  test: DetectionDataset;
  /** The original of every test image, for the pictures. */
  testFiles: string[];
  /** Boxes without area, left out: where each was, to show the user. */
  degenerate: string[];
}

interface VocObject {
  name: string;
  box: [x1: number, y1: number, x2: number, y2: number];
}

/** One annotation file, boxes in pixels of the original image. */
interface Annotation {
  id: string;
  imagePath: string;
  objects: VocObject[];
}

function bad(message: string, cause?: unknown): RetinanetOpsError {
  return new RetinanetOpsError('ERR_DATA', message, cause === undefined ? {} : { cause });
}

const PARTS = ['Annotations', 'ImageSets', 'JPEGImages'];

/** The directory itself, or the one folder in it that is laid out so (a checkout of BCCD holds `BCCD/`). */
async function findRoot(directory: string): Promise<string> {
  const root = resolve(directory);
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: unknown) => {
    throw bad(`the folder ${root} cannot be read: ${(cause as Error).message}`, cause);
  });
  const complete = (folder: string) => PARTS.every((part) => existsSync(join(folder, part)));
  if (complete(root)) return root;
  const inner = entries.filter((e) => e.isDirectory() && complete(join(root, e.name))).map((e) => e.name);
  if (inner.length === 1) return join(root, ...inner);
  if (inner.length > 1) throw bad(`${root} holds several Pascal VOC folders; name one of them: ${inner.join(', ')}`);
  const missing = PARTS.filter((part) => !existsSync(join(root, part)));
  throw bad(`${root} is not a Pascal VOC folder: it has no ${missing.join(', no ')}`);
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw bad(`${what} ${path} cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** Image names of one split; a line may carry VOC's second column (1 or -1), which says nothing here. */
async function readSplit(root: string, split: string): Promise<string[]> {
  const path = join(root, 'ImageSets', 'Main', `${split}.txt`);
  const text = await readText(path, 'the list of images');
  const names = text.split(/\r?\n/).map((line) => line.trim().split(/\s+/)[0] ?? '');
  return names.filter((name) => name !== '');
}

const parser = new XMLParser({ isArray: (name) => name === 'object', parseTagValue: false });

async function readAnnotation(root: string, id: string): Promise<Annotation> {
  const path = join(root, 'Annotations', `${id}.xml`);
  const text = await readText(path, 'the annotation');
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is one more package for this one call
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw bad(`${path} is not well-formed XML: ${valid.err.msg} (line ${String(valid.err.line)})`);
  const { annotation } = parser.parse(text) as {
    annotation?: { filename?: string; object?: { name?: string; bndbox?: Record<string, string | undefined> }[] };
  };
  if (typeof annotation !== 'object') throw bad(`${path} has no <annotation>`);
  const objects = (annotation.object ?? []).map(({ name, bndbox }, i): VocObject => {
    const where = `${path}, object ${String(i + 1)}`;
    if (typeof name !== 'string' || name === '') throw bad(`${where} has no <name>`);
    const side = (key: string) => {
      const value = bndbox?.[key];
      const number = Number(value);
      if (value === undefined || value === '' || !Number.isFinite(number)) {
        throw bad(
          `${where} (${name}): <${key}> must be a number, got ${value === undefined ? 'nothing' : `"${value}"`}`,
        );
      }
      return number;
    };
    return { name, box: [side('xmin'), side('ymin'), side('xmax'), side('ymax')] };
  });
  // Names in the lists are without extension; the annotation knows it.
  const listed = parse(annotation.filename ?? '');
  const imagePath = join(root, 'JPEGImages', listed.name === id && listed.ext !== '' ? listed.base : `${id}.jpg`);
  return { id, imagePath, objects };
}

/** Decodes one image to [height, width, 3] at `out` and returns its original size. */
async function readImage(path: string, out: Uint8Array, width: number, height: number) {
  try {
    const image = sharp(path, { failOn: 'truncated' });
    const { width: originalWidth, height: originalHeight } = await image.metadata();
    const pixels = await image
      .resize(width, height, { fit: 'fill' })
      .flatten()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();
    out.set(pixels);
    return { originalWidth, originalHeight };
  } catch (cause) {
    throw bad(`the image ${path} cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** Classes are taken from the training annotations, so that what is only tested is an error, not a silent zero. */
function classesOf(annotations: Annotation[]): string[] {
  return [...new Set(annotations.flatMap(({ objects }) => objects.map(({ name }) => name)))].sort();
}

/**
 * Reads a Pascal VOC folder (`Annotations`, `ImageSets/Main`, `JPEGImages`), scaling every image to width x height:
 * `train` and `val` make the training set, `test` the test set. Boxes are clipped to their image; those without area are
 * left out and listed.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file: missing folders, lists or files, malformed XML, boxes that are not
 *   numbers, images that do not decode, a class in the test set that training never sees
 */
export async function loadVoc(directory: string, { width, height, onImage }: VocOptions): Promise<VocDataset> {
  const root = await findRoot(directory);
  const [trainNames, valNames, testNames] = await Promise.all(
    ['train', 'val', 'test'].map((split) => readSplit(root, split)),
  );
  const annotate = (names: string[] = []) => Promise.all(names.map((name) => readAnnotation(root, name)));
  const trainAnnotations = await annotate([...new Set([...(trainNames ?? []), ...(valNames ?? [])])]);
  const testAnnotations = await annotate(testNames);
  if (trainAnnotations.length === 0) throw bad(`${root} lists no training images in ImageSets/Main`);
  if (testAnnotations.length === 0) throw bad(`${root} lists no test images in ImageSets/Main`);
  const classNames = classesOf(trainAnnotations);
  if (classNames.length === 0) throw bad(`the training images of ${root} have no objects at all`);

  const degenerate: string[] = [];
  const total = trainAnnotations.length + testAnnotations.length;
  let done = 0;

  const load = async (annotations: Annotation[]): Promise<DetectionDataset> => {
    const bytes = width * height * 3;
    const images = new Uint8Array(new SharedArrayBuffer(annotations.length * bytes));
    const boxes: number[] = [];
    const labels: number[] = [];
    const offsets = [0];
    for (const [i, { id, imagePath, objects }] of annotations.entries()) {
      const out = images.subarray(i * bytes, (i + 1) * bytes);
      const { originalWidth, originalHeight } = await readImage(imagePath, out, width, height);
      for (const { name, box } of objects) {
        const label = classNames.indexOf(name);
        if (label < 0) {
          throw bad(
            `the test image ${id} shows the class ${name}, which no training image has (${classNames.join(', ')})`,
          );
        }
        const scaled = box.map((value, side) => {
          const [original, size] = side % 2 === 0 ? [originalWidth, width] : [originalHeight, height];
          return (Math.min(original, Math.max(0, value)) * size) / original;
        });
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = scaled;
        if (!(x2 > x1 && y2 > y1)) {
          degenerate.push(`${name} [${box.join(', ')}] in ${id}`);
          continue;
        }
        boxes.push(...scaled);
        labels.push(label);
      }
      offsets.push(labels.length);
      onImage?.(++done, total);
    }
    return {
      classNames,
      imageHeight: height,
      imageWidth: width,
      length: annotations.length,
      images,
      boxes: Float32Array.from(boxes),
      labels: Int32Array.from(labels),
      offsets: Int32Array.from(offsets),
      names: annotations.map(({ id }) => id),
    };
  };
  const train = await load(trainAnnotations);
  const test = await load(testAnnotations);
  return { train, test, testFiles: testAnnotations.map(({ imagePath }) => imagePath), degenerate };
}
