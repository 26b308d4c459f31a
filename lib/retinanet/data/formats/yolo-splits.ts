// What an entry of a YOLO configuration means: a folder, a list of paths or a pattern, here or on the machine it was written on.
import { baseOf, folderOf, isAbsolutePath, isImageName, joinPath, plainPath, type DatasetFiles } from '../files.js';
import type { Warnings } from '../warnings.js';
import { linesOf } from './source.js';
import { basesOf, type YoloConfig } from './yolo-config.js';

/** The images, and where was looked for them. */
export async function imagesOfEntry(
  files: DatasetFiles,
  config: YoloConfig,
  entry: string,
  warnings: Warnings,
): Promise<{ images: string[]; looked: string[] }> {
  const path = plainPath(entry).replace(/\/\*[^/]*$/, '');
  const bases = basesOf(config);
  const at = { file: config.file ?? entry };
  const looked = [...new Set(bases.map((base) => joinPath(base, path)))];
  if (/\.txt$/i.test(path)) {
    const list =
      looked.map((place) => files.find(place)).find((found) => found !== undefined) ?? files.locate(path, bases)[0];
    if (list === undefined) return { images: [], looked };
    if (isAbsolutePath(entry)) warnings.add('path-elsewhere', at, `${entry}: ${list} is used`);
    return { images: await imagesOfList(files, list, bases, warnings), looked };
  }
  if (isImageName(path)) return { images: files.locate(path, bases), looked };
  const folder = folderOfEntry(files, path, bases);
  if (folder === undefined) return { images: [], looked };
  if (isAbsolutePath(entry) || isAbsolutePath(config.base)) {
    warnings.add('path-elsewhere', at, `${isAbsolutePath(entry) ? entry : config.base}: ${folder || '.'} is used`);
  }
  return { images: files.imagesUnder(folder), looked };
}

/** The folder that a path means: below one of the bases, else the one that ends with as many of its last parts as any does. */
function folderOfEntry(files: DatasetFiles, path: string, bases: readonly string[]): string | undefined {
  const holds = (folder: string | undefined) => folder !== undefined && files.imagesUnder(folder).length > 0;
  for (const base of bases) {
    const found = files.findFolder(joinPath(base, path));
    if (holds(found)) return found;
  }
  const parts = joinPath(path).split('/');
  for (let from = 0; from < parts.length; from++) {
    const rest = parts.slice(from).join('/');
    for (const base of bases) {
      const found = files.findFolder(joinPath(base, rest));
      if (holds(found)) return found;
    }
    const [found, ...others] = files.foldersEnding(rest).filter(holds);
    if (found !== undefined && others.length === 0) return found;
  }
  return undefined;
}

async function imagesOfList(
  files: DatasetFiles,
  list: string,
  bases: readonly string[],
  warnings: Warnings,
): Promise<string[]> {
  const places = [folderOf(list), ...bases];
  return linesOf(await files.text(list)).flatMap(({ line, text }) => {
    const at = { file: list, line };
    const found = files.locate(text, places).filter(isImageName);
    const [image] = found.length > 0 || isImageName(text) ? found : files.withStem(baseOf(plainPath(text)));
    if (image === undefined) {
      warnings.add('image-missing', at, `${text} is not there`);
      return [];
    }
    return [image];
  });
}
