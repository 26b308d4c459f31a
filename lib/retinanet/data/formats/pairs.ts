// Formats with an annotation file an image: which file belongs to which image.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, joinPath, nearest, plainPath, stemOf, type DatasetFiles } from '../files.js';
import { refuse, type WarningKind, type Warnings } from '../warnings.js';
import type { SourceBox, SourceImage } from './source.js';

/** Folders of annotations, which have one of images beside them. */
const ANNOTATION_FOLDER = /^(annotations?|annots?|xmls?|jsons?|labels?|anns?|bboxes)$/i;
const IMAGE_FOLDER = /^(jpegimages|images?|imgs?|pictures|photos|frames|data)$/i;

/** What an annotation file says. */
export interface ImageAnnotation {
  /** The image as it is called there: a name or a path, '' without one. */
  filename: string;
  stated?: { width: number; height: number };
  boxes: SourceBox[];
  /** Objects that cannot be read, and of which the bounds are taken. */
  warnings: { kind: WarningKind; line?: number; message: string }[];
  /** What is there of an image that has no file. */
  instead?: string;
}

/** Why a file is no annotation, and where. */
export interface Damage {
  damage: string;
  line: number;
}

/** An annotation file that is read. */
export interface Chosen {
  path: string;
  split: SplitName | undefined;
}

/** The name without folder and extension, as it is compared. */
export const nameKey = (path: string): string => stemOf(path).normalize('NFC').toLowerCase();

/** Joins annotations and images. */
export function pair(
  files: DatasetFiles,
  chosen: readonly Chosen[],
  annotations: ReadonlyMap<string, ImageAnnotation | Damage>,
  warnings: Warnings,
): { images: SourceImage[]; claimed: Set<string> } {
  const images = new Map<string, SourceImage>();
  const reported = new Set<string>();
  const claimed = new Set<string>();
  const owners = new Map(chosen.map(({ path }) => [joinPath(folderOf(path), nameKey(path)), path]));
  for (const { path, split } of chosen) {
    const once = !reported.has(path);
    reported.add(path);
    const read = annotations.get(path)!;
    const file = imageOf(files, path, 'damage' in read ? '' : read.filename);
    if (file !== undefined) claimed.add(file);
    if ('damage' in read) {
      if (once) warnings.add('annotation-damaged', { file: path, line: read.line }, read.damage);
      continue;
    }
    const { filename, stated, boxes, instead } = read;
    const owner = file !== undefined && ownerOf(file, path, owners);
    if (owner) {
      if (once) warnings.add('annotation-without-image', { file: path }, `says ${filename}, which ${owner} is of`);
      continue;
    }
    if (file === undefined) {
      const why = `no image ${filename || stemOf(path)}${instead === undefined ? '' : `, ${instead}`}`;
      if (once) warnings.add('annotation-without-image', { file: path }, why);
      continue;
    }
    if (once) {
      for (const { kind, line, message } of read.warnings) warnings.add(kind, { file: path, line }, message);
    }
    const before = images.get(`${split ?? ''}\0${file}`);
    if (before) {
      warnings.add('annotation-repeated', { file: path }, `${file} has ${before.at.file} already`);
      before.boxes.push(...boxes);
    } else {
      images.set(`${split ?? ''}\0${file}`, { file, split, stated, at: { file: path }, boxes: [...boxes] });
    }
  }
  return { images: [...images.values()], claimed };
}

/** The annotation of an image's own name beside another one that only says its name: files that were renamed keep what they said. */
function ownerOf(image: string, path: string, owners: ReadonlyMap<string, string>): string | undefined {
  if (nameKey(image) === nameKey(path)) return undefined;
  return owners.get(joinPath(folderOf(path), nameKey(image)));
}

/** The image of an annotation: of its own name, where its path leads or the nearest; else the one that it names. */
function imageOf(files: DatasetFiles, path: string, filename: string): string | undefined {
  const stem = stemOf(path);
  const folder = folderOf(path);
  const said = plainPath(filename).normalize('NFC');
  const all = files.withStem(stem);
  const exact = all.filter((image) => stemOf(image).normalize('NFC') === stem.normalize('NFC'));
  const led = said.includes('/') ? files.find(joinPath(folder, said)) : undefined;
  if (led !== undefined && all.includes(led)) return led;
  const sameStem = closest(exact.length > 0 ? exact : all, folder);
  if (sameStem.length === 1) return sameStem[0];
  if (sameStem.length > 1) {
    const picked = sameStem.filter((image) => baseOf(image).normalize('NFC') === baseOf(said));
    if (picked.length === 1) return picked[0];
    const names = sameStem.map(baseOf).join(' or ');
    refuse({ file: path }, 'one image', `several of its name: ${baseOf(path)} could mean ${names}`);
  }
  if (baseOf(said) === '') return undefined;
  const named = closest(files.locate(said, [folder]), folder);
  const found = named.length > 0 ? named : closest(files.withStem(stemOf(said)), folder);
  return found.length === 1 ? found[0] : undefined;
}

/** Of several images those whose folder fits the annotation's best: the same, or the same but for the folders of images and annotations. */
function closest(paths: readonly string[], folder: string): string[] {
  if (paths.length < 2) return [...paths];
  const same = paths.filter((path) => folderOf(path) === folder);
  if (same.length > 0) return same;
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => !ANNOTATION_FOLDER.test(part) && !IMAGE_FOLDER.test(part))
      .join('/');
  const alike = paths.filter((path) => plain(folderOf(path)) === plain(folder));
  return nearest(alike.length > 0 ? alike : paths, folder);
}

/** Reports the images that no annotation is of. @param named the names, by nameKey, that annotations have or are missing under */
export function reportBare(
  files: DatasetFiles,
  claimed: ReadonlySet<string>,
  named: ReadonlySet<string>,
  kind: 'XML' | 'JSON',
  warnings: Warnings,
): void {
  for (const image of files.images) {
    if (claimed.has(image) || named.has(nameKey(image))) continue;
    warnings.add('image-without-annotation', { file: image }, `no ${kind} file for it: left out, no negative`);
  }
}
