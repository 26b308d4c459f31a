// Pascal VOC: an XML file an image, in VOCdevkit's folders or any others.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, nearest, stemOf, type DatasetFiles } from '../files.js';
import { refuse, type Warnings } from '../warnings.js';
import { eachOf } from '../bounded.js';
import { splitOfPath, type Reading, type Source, type SourceImage } from './source.js';
import { findLists, readLists, type Listed } from './voc-lists.js';
import { readVocXml, type VocAnnotation, type VocDamage } from './voc-xml.js';

/** Folders of annotations, which have one of images beside them. */
const ANNOTATION_FOLDER = /^(annotations?|annots?|xmls?|labels?|anns?|bboxes)$/i;
const IMAGE_FOLDER = /^(jpegimages|images?|imgs?|pictures|photos|frames|data)$/i;

export async function readVoc({ files, warnings }: Reading): Promise<Source> {
  const xmls = files.paths.filter((path) => /\.xml$/i.test(path));
  const lists = findLists(files, () => false);
  const listed = await readLists(files, lists);
  const chosen = listed.length > 0 ? choose(xmls, listed, warnings) : unlisted(xmls);
  const annotations = new Map<string, VocAnnotation | VocDamage>();
  await eachOf([...new Set(chosen.map(({ xml }) => xml))], async (xml) => {
    annotations.set(xml, readVocXml(xml, await files.text(xml)));
  });
  const { images, claimed } = pair(files, chosen, annotations, warnings);
  const annotated = new Set(xmls.map((xml) => nameKey(xml)));
  const missing = new Set(listed.map(({ name }) => name.normalize('NFC').toLowerCase()));
  for (const image of files.images) {
    const stem = nameKey(image);
    if (claimed.has(image) || annotated.has(stem) || missing.has(stem)) continue;
    warnings.add('image-without-annotation', { file: image }, 'no XML file for it: left out, no negative');
  }
  const classes = [...new Set(images.flatMap(({ boxes }) => boxes.map((box) => box.class)))].sort();
  return { format: 'voc', classes, images, shares: false };
}

interface Chosen {
  xml: string;
  split: SplitName | undefined;
}

const unlisted = (xmls: readonly string[]): Chosen[] => xmls.map((xml) => ({ xml, split: splitOfPath(folderOf(xml)) }));

/** The annotations that lists name. */
function choose(xmls: readonly string[], listed: readonly Listed[], warnings: Warnings): Chosen[] {
  const byStem = new Map<string, string[]>();
  const key = (stem: string) => stem.normalize('NFC').toLowerCase();
  for (const xml of xmls) {
    const stem = key(stemOf(xml));
    byStem.set(stem, [...(byStem.get(stem) ?? []), xml]);
  }
  const used = new Set<string>();
  const chosen = listed.flatMap(({ name, split, at, root }): Chosen[] => {
    const all = byStem.get(key(name)) ?? [];
    const own = all.filter((xml) => stemOf(xml).normalize('NFC') === name.normalize('NFC'));
    const [xml] = nearest(own.length > 0 ? own : all, `${root}/`);
    if (xml === undefined) {
      warnings.add('listed-without-annotation', at, `${name} has no XML file`);
      return [];
    }
    used.add(xml);
    return [{ xml, split }];
  });
  for (const xml of xmls) {
    if (!used.has(xml)) warnings.add('not-listed', { file: xml }, 'no list names it');
  }
  return chosen;
}

/** Joins annotations and images. */
function pair(
  files: DatasetFiles,
  chosen: readonly Chosen[],
  annotations: ReadonlyMap<string, VocAnnotation | VocDamage>,
  warnings: Warnings,
): { images: SourceImage[]; claimed: Set<string> } {
  const images = new Map<string, SourceImage>();
  const reported = new Set<string>();
  const claimed = new Set<string>();
  const owners = new Map(chosen.map(({ xml }) => [nameKey(xml), xml]));
  for (const { xml, split } of chosen) {
    const once = !reported.has(xml);
    reported.add(xml);
    const read = annotations.get(xml)!;
    const file = imageOf(files, xml, 'damage' in read ? '' : read.filename);
    if (file !== undefined) claimed.add(file);
    if ('damage' in read) {
      if (once) warnings.add('annotation-damaged', { file: xml, line: read.line }, read.damage);
      continue;
    }
    const { filename, stated, boxes } = read;
    const owner = file !== undefined && ownerOf(file, xml, owners);
    if (owner) {
      if (once) warnings.add('annotation-without-image', { file: xml }, `says ${filename}, which ${owner} is of`);
      continue;
    }
    if (file === undefined) {
      if (once) warnings.add('annotation-without-image', { file: xml }, `no image ${filename || stemOf(xml)}`);
      continue;
    }
    if (once) {
      for (const { kind, line, message } of read.warnings) warnings.add(kind, { file: xml, line }, message);
    }
    const before = images.get(`${split ?? ''}\0${file}`);
    if (before) {
      warnings.add('annotation-repeated', { file: xml }, `${file} has ${before.at.file} already`);
      before.boxes.push(...boxes);
    } else {
      images.set(`${split ?? ''}\0${file}`, { file, split, stated, at: { file: xml }, boxes: [...boxes] });
    }
  }
  return { images: [...images.values()], claimed };
}

const nameKey = (path: string): string => stemOf(path).normalize('NFC').toLowerCase();

/** The annotation of an image's own name beside another one that only says its name: files that were renamed keep what they said. */
function ownerOf(image: string, xml: string, owners: ReadonlyMap<string, string>): string | undefined {
  if (nameKey(image) === nameKey(xml)) return undefined;
  const owner = owners.get(nameKey(image));
  return owner !== undefined && folderOf(owner) === folderOf(xml) ? owner : undefined;
}

/** The image of an annotation: of its own name, the nearest; else the one that <filename> says. */
function imageOf(files: DatasetFiles, xml: string, filename: string): string | undefined {
  const stem = stemOf(xml);
  const folder = folderOf(xml);
  const all = files.withStem(stem);
  const exact = all.filter((path) => stemOf(path).normalize('NFC') === stem.normalize('NFC'));
  const sameStem = closest(exact.length > 0 ? exact : all, folder);
  if (sameStem.length === 1) return sameStem[0];
  const said = baseOf(filename.replaceAll('\\', '/')).normalize('NFC');
  if (sameStem.length > 1) {
    const picked = sameStem.filter((path) => baseOf(path).normalize('NFC') === said);
    if (picked.length === 1) return picked[0];
    const names = sameStem.map(baseOf).join(' or ');
    refuse({ file: xml }, 'one image', `several of its name: ${baseOf(xml)} could mean ${names}`);
  }
  if (said === '') return undefined;
  const named = closest(files.locate(said, [folder]), folder);
  const found = named.length > 0 ? named : closest(files.withStem(stemOf(said)), folder);
  return found.length === 1 ? found[0] : undefined;
}

/** Of several images those whose folder fits the annotation's best: the same, or the same but for the folders of images and XML. */
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
