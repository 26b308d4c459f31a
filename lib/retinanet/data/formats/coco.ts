// COCO's instances JSON: official, Roboflow's, CVAT's, Label Studio's, VIA's.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, type DatasetFiles } from '../files.js';
import { refuse, type Warnings } from '../warnings.js';
import { checkCorners, edgesOfAnnotation } from './coco-boxes.js';
import { parseJson } from './json.js';
import { className, ofSplit, splitFiles, type Reading, type Source, type SourceImage } from './source.js';

type Id = string;

/** The JSON, of which anything may be missing or wrong. */
interface CocoFile {
  images?: { id?: unknown; file_name?: unknown; width?: unknown; height?: unknown }[];
  annotations?: CocoAnnotation[];
  categories?: CocoCategory[];
}

/** An annotation, of which anything may be missing or wrong. */
export interface CocoAnnotation {
  id?: unknown;
  image_id?: unknown;
  category_id?: unknown;
  bbox?: unknown;
  area?: unknown;
  iscrowd?: unknown;
  ignore?: unknown;
  segmentation?: unknown;
}

interface CocoCategory {
  id?: unknown;
  name?: unknown;
  supercategory?: unknown;
}

interface Part {
  path: string;
  split: SplitName | undefined;
  json: CocoFile;
}

/** @param paths the files that hold annotations; see findFormats */
export async function readCoco({ files, warnings }: Reading, paths: readonly string[]): Promise<Source> {
  const instances = paths.filter((path) => /instances?_/i.test(baseOf(path)));
  const chosen = instances.length > 0 ? instances : paths;
  for (const path of paths) {
    if (!chosen.includes(path)) warnings.add('file-not-read', { file: path }, 'instances_*.json have the boxes');
  }
  const parts: Part[] = [];
  for (const { path, split } of splitFiles(chosen, warnings)) {
    parts.push({ path, split, json: parse(path, await files.text(path)) });
  }
  const classes = classesOf(parts, warnings);
  const images = parts.flatMap((part) => readPart(files, warnings, part, classes.byFile.get(part)!));
  return { format: 'coco', classes: classes.names, images, shares: false };
}

function parse(path: string, text: string): CocoFile {
  const parsed = parseJson(text);
  if ('damage' in parsed) refuse({ file: path }, 'JSON', `a file that is none (${parsed.damage})`);
  const coco = parsed.json as CocoFile;
  for (const key of ['images', 'annotations', 'categories'] as const) {
    if (Array.isArray(coco[key])) continue;
    if (key === 'annotations' && coco[key] === undefined) coco.annotations = [];
    else refuse({ file: path }, `a list "${key}"`, coco[key] === undefined ? 'none' : 'something else');
  }
  return coco;
}

/** Names in the order of the first file's ids, joined across files by name; what each file's ids mean. */
function classesOf(
  parts: readonly Part[],
  warnings: Warnings,
): { names: string[]; byFile: Map<Part, Map<Id, string>> } {
  const used = new Set(
    parts.flatMap((part) => {
      const ids = new Set((part.json.annotations ?? []).map((annotation) => String(annotation?.category_id)));
      return sorted(part).flatMap(({ id, name }) => (ids.has(String(id)) ? [className(String(name))] : []));
    }),
  );
  const names: string[] = [];
  const placeholders = new Set<string>();
  const byFile = new Map<Part, Map<Id, string>>();
  for (const part of parts) {
    const meaning = new Map<Id, string>();
    const own = new Set<string>();
    const categories = sorted(part);
    const groups = new Set(categories.map(({ supercategory }) => className(String(supercategory))));
    for (const { id, name: given, supercategory } of categories) {
      const name = typeof given === 'string' || typeof given === 'number' ? className(String(given)) : String(id);
      const at = { file: part.path };
      const other = meaning.get(String(id));
      if (other !== undefined && other !== name) {
        refuse(at, 'one category for an id', `two: category id ${String(id)} is used by ${other} and ${name}`);
      }
      if (given === undefined || given === null)
        warnings.add('class-unnamed', at, `category ${String(id)} has no name`);
      // Roboflow's category 0 has the name of the set; the others name it as theirs.
      const isGroup = categories.length > 1 && groups.has(name) && className(String(supercategory)) !== name;
      if (isGroup && !used.has(name)) {
        if (!placeholders.has(name))
          warnings.add('class-placeholder', at, `category ${String(id)} ${name} groups others`);
        placeholders.add(name);
        continue;
      }
      if (own.has(name)) warnings.add('class-repeated', at, `category ${String(id)} is called ${name} as well`);
      own.add(name);
      meaning.set(String(id), name);
      if (!names.includes(name)) names.push(name);
    }
    byFile.set(part, meaning);
  }
  return { names, byFile };
}

function sorted({ json }: Part): CocoCategory[] {
  const categories = (json.categories ?? []).filter((category) => category !== null && typeof category === 'object');
  return categories.sort((a, b) => Number(a.id) - Number(b.id) || (String(a.id) < String(b.id) ? -1 : 1));
}

function readPart(
  files: DatasetFiles,
  warnings: Warnings,
  { path, split, json }: Part,
  meaning: ReadonlyMap<Id, string>,
): SourceImage[] {
  const folder = folderOf(path);
  const above = folderOf(folder);
  const bases = [folder, `${folder}/images`, above, `${above}/images`, '', 'images'];
  if (split !== undefined) bases.splice(2, 0, `${above}/${split}`, `${above}/images/${split}`);
  const known = new Map<Id, string>();
  const byId = new Map<Id, SourceImage | undefined>();
  const byFile = new Map<string, SourceImage>();
  for (const [i, image] of (json.images ?? []).entries()) {
    const name = typeof image?.file_name === 'string' ? image.file_name : '';
    const id = String(image?.id);
    if (name === '' || image.id === undefined || image.id === null) {
      warnings.add('image-missing', { file: path }, `images[${i}] has no ${name === '' ? 'file_name' : 'id'}`);
      continue;
    }
    const other = known.get(id);
    if (other !== undefined && other !== name) {
      refuse({ file: path }, 'one image for an id', `two: image id ${id} is used by ${other} and ${name}`);
    }
    known.set(id, name);
    const found = ofSplit(files.locate(name, bases), split);
    if (found.length > 1) refuse({ file: path }, 'one image of that name', `${found.join(' or ')} for ${name}`);
    const [file] = found;
    byId.set(id, undefined);
    if (file === undefined) {
      warnings.add('image-missing', { file: path }, `${name} is not there`);
      continue;
    }
    const { width, height } = image as { width: number; height: number };
    const stated = width > 0 && height > 0 ? { width, height } : undefined;
    const read = byFile.get(file) ?? { file, split, stated, at: { file: path }, boxes: [] };
    byFile.set(file, read);
    byId.set(id, read);
  }
  addBoxes(warnings, path, json.annotations ?? [], meaning, byId);
  return [...byFile.values()];
}

function addBoxes(
  warnings: Warnings,
  path: string,
  annotations: readonly CocoAnnotation[],
  meaning: ReadonlyMap<Id, string>,
  byId: ReadonlyMap<Id, SourceImage | undefined>,
): void {
  const at = { file: path };
  checkCorners(path, annotations, (annotation) => byId.get(String(annotation.image_id))?.stated);
  let unknown = 0;
  let firstUnknown = '';
  for (const annotation of annotations) {
    if (annotation === null || typeof annotation !== 'object') continue;
    const name = `annotation ${String(annotation.id)}`;
    const image = byId.get(String(annotation.image_id));
    if (image === undefined) {
      if (byId.has(String(annotation.image_id))) continue; // its image has been reported
      warnings.add(
        'annotation-without-image',
        at,
        `${name} is of image ${String(annotation.image_id)}, which is not listed`,
      );
      continue;
    }
    const label = meaning.get(String(annotation.category_id));
    if (label === undefined) {
      const message = `${name} has category ${String(annotation.category_id)}, which is not declared`;
      warnings.add('class-unknown', at, message);
      if (unknown++ === 0) firstUnknown = message;
      continue;
    }
    const edges = edgesOfAnnotation(annotation);
    if (typeof edges === 'string') {
      warnings.add('box-unreadable', at, `${name}: ${edges}`);
      continue;
    }
    const crowd = annotation.iscrowd === 1 || annotation.iscrowd === true || annotation.ignore === 1;
    image.boxes.push({ class: label, edges, crowd, at, name: `${name} (${label})` });
  }
  if (unknown > 0.1 * annotations.length) {
    refuse(at, 'declared categories', `${unknown} of ${annotations.length} annotations of others: ${firstUnknown}`);
  }
}
