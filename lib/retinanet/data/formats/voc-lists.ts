// The lists of ImageSets: which image belongs to which split.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, isImageName, joinPath, stemOf, type DatasetFiles } from '../files.js';
import { linesOf, splitOfPath } from './source.js';

/** A listed name. */
export interface Listed {
  name: string;
  split: SplitName;
  at: { file: string; line: number };
  /** The folder that the list's set lies in. */
  root: string;
}

const LIST = /(^|_)(train|val|valid|validation|test|trainval)\.txt$/i;

/** The lists of a folder tree, those of single classes only where there are no others. */
export function findLists(files: DatasetFiles, hasLabelRows: (path: string) => boolean): string[] {
  const found = files.paths.filter((path) => LIST.test(baseOf(path)) && !hasLabelRows(path));
  const inSets = found.filter((path) => /(^|\/)ImageSets\//i.test(path));
  const lists = inSets.length > 0 ? inSets : found;
  // Segmentation and Layout list other tasks' images.
  const main = lists.filter((path) => /\/Main\//i.test(path));
  const ours = main.length > 0 ? main : lists;
  const whole = ours.filter((path) => !baseOf(path).includes('_'));
  return whole.length > 0 ? whole : ours;
}

/** The names in lists, each once a split; `trainval` stands in for `train` where that is missing or empty. */
export async function readLists(files: DatasetFiles, lists: readonly string[]): Promise<Listed[]> {
  const read = await Promise.all(
    lists.map(async (file) => {
      const joined = /trainval\.txt$/i.test(file);
      const split = joined ? 'train' : (splitOfPath(baseOf(file)) ?? 'train');
      const folder = folderOf(file);
      const root = folder.replace(/(^|\/)ImageSets(\/.*)?$/i, '');
      const listed = linesOf(await files.text(file)).flatMap(({ line, text }): Listed[] => {
        const name = nameIn(files, text);
        return name === '' ? [] : [{ name, split, at: { file, line }, root }];
      });
      return { joined, root, listed };
    }),
  );
  const once = new Set<string>();
  return read.flatMap(({ joined, root, listed }) => {
    const others = read.filter((other) => other.root === root && !other.joined).flatMap((other) => other.listed);
    if (joined && others.some(({ split }) => split === 'train')) return [];
    const elsewhere = new Set(joined ? others.map(({ name }) => name) : []);
    return listed.filter(({ name, split }) => {
      const key = `${root}\0${split}\0${name}`;
      if (elsewhere.has(name) || once.has(key)) return false;
      once.add(key);
      return true;
    });
  });
}

/** The stem that a line means: 'img', 'img 1' (a class's list), 'img.jpg', 'JPEGImages/img.jpg Annotations/img.xml'. */
function nameIn(files: DatasetFiles, text: string): string {
  const stem = (words: string) => stemOf(joinPath(words.replaceAll('\\', '/')));
  if (files.withStem(stem(text)).length > 0) return stem(text);
  const withoutFlag = text.replace(/\s+[-+]?[01]$/, '');
  if (withoutFlag !== text) return stem(withoutFlag);
  const words = text.split(/\s+/);
  const image = words.length === 2 && words.find(isImageName);
  return stem(image || text);
}
