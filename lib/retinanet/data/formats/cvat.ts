// CVAT's XML for images: all images of a task or a project in one file.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, isImageName, joinPath, plainPath, type DatasetFiles } from '../files.js';
import { refuse, type Warnings } from '../warnings.js';
import { SHAPES, shapesOf, type CvatShape } from './cvat-shapes.js';
import { className, ofSplit, splitFiles, splitOfPath, type Reading, type Source, type SourceImage } from './source.js';
import { isNode, lineFinder, listOf, numberOf, parseXml, textOf, xmlParser, type XmlNode } from './xml.js';

const parser = xmlParser(['image', 'track', 'label', 'attribute', ...SHAPES], { ignoreAttributes: false });

/** Labels of these types have no boxes. */
const BOXLESS = /^(tag|points|polyline|skeleton)$/i;

/** An <image> with its shapes. */
interface CvatImage {
  name: string;
  subset: string;
  line: number;
  stated?: { width: number; height: number };
  shapes: (CvatShape & { line: number })[];
}

interface Part {
  path: string;
  split: SplitName | undefined;
  labels: { name: string; type: string }[];
  images: CvatImage[];
}

/** @param paths the files that hold annotations; see findFormats */
export async function readCvat({ files, warnings }: Reading, paths: readonly string[]): Promise<Source> {
  const parts: Part[] = [];
  for (const { path, split } of splitFiles(paths, warnings)) {
    parts.push({ path, split, ...readXml(path, await files.text(path)) });
  }
  const classes = classesOf(parts);
  const images = new Map<string, SourceImage>();
  for (const part of parts) readPart(files, warnings, part, classes, images);
  return { format: 'cvat', classes, images: [...images.values()], shares: false };
}

function readXml(file: string, text: string): Pick<Part, 'labels' | 'images'> {
  const expected = "CVAT's XML for images";
  const parsed = parseXml(parser, text);
  if ('damage' in parsed) refuse({ file, line: parsed.line }, expected, parsed.damage);
  const { annotations } = parsed.document;
  if (!isNode(annotations)) refuse({ file }, expected, 'no <annotations>, or none with anything in it');
  if (listOf(annotations.track).length > 0) refuse({ file }, expected, CVAT_VIDEO);
  const lineOf = lineFinder(text);
  const images = listOf(annotations.image).filter(isNode);
  return { labels: labelsOf(annotations.meta), images: images.map((image) => readImage(image, lineOf)) };
}

/** What messages say of CVAT's other XML. */
export const CVAT_VIDEO =
  "CVAT's XML for video: export the task as CVAT for images, COCO, Pascal VOC or YOLO, with its pictures";

function readImage(image: XmlNode, lineOf: (node: unknown) => number): CvatImage {
  const [width, height] = [numberOf(image['@width']), numberOf(image['@height'])];
  return {
    name: textOf(image['@name']),
    subset: textOf(image['@subset']),
    line: lineOf(image),
    stated: width > 0 && height > 0 ? { width, height } : undefined,
    shapes: shapesOf(image).map((shape) => ({ ...shape, line: lineOf(isNode(shape.node) ? shape.node : image) })),
  };
}

/** The labels of the task, project or job, without those of a skeleton's points. */
function labelsOf(meta: unknown): Part['labels'] {
  const owners = isNode(meta) ? [meta, ...Object.values(meta).flat()].filter(isNode) : [];
  return owners.flatMap(({ labels }) => {
    const declared = isNode(labels) ? listOf(labels.label).filter(isNode) : [];
    return declared.flatMap(({ name, type, parent }) => {
      const named = className(textOf(name));
      return named === '' || textOf(parent) !== '' ? [] : [{ name: named, type: textOf(type) }];
    });
  });
}

/** Names in the order of the first file's labels; where none are declared, those of the shapes, sorted. */
function classesOf(parts: readonly Part[]): string[] {
  const shapes = parts.flatMap(({ images }) => images).flatMap((image) => image.shapes);
  const used = new Set(shapes.filter(({ edges }) => Array.isArray(edges)).map(({ label }) => className(label)));
  const declared = parts.flatMap(({ labels }) => labels);
  if (declared.length === 0) return [...used].filter((name) => name !== '').sort();
  return [
    ...new Set(declared.filter(({ name, type }) => !BOXLESS.test(type) || used.has(name)).map(({ name }) => name)),
  ];
}

function readPart(
  files: DatasetFiles,
  warnings: Warnings,
  { path, split: ofFile, images: listed }: Part,
  classes: readonly string[],
  images: Map<string, SourceImage>,
): void {
  let [shapes, unknown, firstUnknown] = [0, 0, ''];
  for (const listing of listed) {
    const at = { file: path, line: listing.line };
    const split = splitOfPath(listing.subset) ?? ofFile ?? splitOfPath(folderOf(plainPath(listing.name)));
    const file = fileOf(files, path, listing, split);
    if (file === undefined) {
      warnings.add('image-missing', at, listing.name === '' ? 'no name' : `${listing.name} is not there`);
      continue;
    }
    const key = `${split ?? ''}\0${file}`;
    const before = images.get(key);
    if (before) warnings.add('annotation-repeated', at, `${file} has ${before.at.file}:${before.at.line ?? 1} already`);
    const image = before ?? { file, split, stated: listing.stated, at, boxes: [] };
    images.set(key, image);
    shapes += listing.shapes.length;
    for (const shape of listing.shapes) {
      const message = addShape(image, shape, path, classes, warnings);
      if (message !== undefined && unknown++ === 0) firstUnknown = message;
    }
  }
  if (unknown > 0.1 * shapes) {
    refuse({ file: path }, 'declared labels', `${unknown} of ${shapes} shapes of others: ${firstUnknown}`);
  }
}

/** @returns what is wrong where the label is none that is declared */
function addShape(
  image: SourceImage,
  { kind, label, edges, lost, difficult, crowd, line }: CvatImage['shapes'][number],
  path: string,
  classes: readonly string[],
  warnings: Warnings,
): string | undefined {
  const at = { file: path, line };
  const named = className(label);
  if (edges === undefined) {
    warnings.add('shape-without-box', at, `a ${kind} (${named})`);
    return undefined;
  }
  if (typeof edges === 'string' || named === '') {
    warnings.add('box-unreadable', at, `${kind}: ${typeof edges === 'string' ? edges : 'no label'}`);
    return undefined;
  }
  if (!classes.includes(named)) {
    warnings.add('class-unknown', at, `${kind} (${named}), a label that is not declared`);
    return `${kind} (${named}) at line ${line}`;
  }
  if (lost) warnings.add(lost, at, `${kind} (${named}) became its upright bounds`);
  image.boxes.push({
    ...{ class: named, edges, at, name: `${kind} (${named})` },
    ...(difficult && { difficult }),
    ...(crowd && { crowd }),
  });
  return undefined;
}

/** The file of an image: in images/ or beside the XML, with or without a folder of its subset. Frames of a video have no extension. */
function fileOf(
  files: DatasetFiles,
  path: string,
  { name, subset, line }: CvatImage,
  split: SplitName | undefined,
): string | undefined {
  if (name === '') return undefined;
  const folder = folderOf(path);
  const above = folderOf(folder);
  const tops = [`${folder}/images`, folder, `${above}/images`, above, 'images', ''];
  const bases = subset === '' ? tops : [...tops.map((top) => `${top}/${subset}`), ...tops];
  const located = isImageName(name) ? files.locate(name, bases) : framesOf(files, plainPath(name), bases);
  const found = ofSplit(located, split);
  if (found.length > 1) refuse({ file: path, line }, 'one image of that name', `${found.join(' or ')} for ${name}`);
  return found[0];
}

function framesOf(files: DatasetFiles, name: string, bases: readonly string[]): readonly string[] {
  const all = files.withStem(baseOf(name));
  for (const base of bases) {
    const found = all.filter((image) => folderOf(image) === joinPath(base, folderOf(name)));
    if (found.length > 0) return found;
  }
  return all;
}
