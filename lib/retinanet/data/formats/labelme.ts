// labelme: a JSON file an image, beside it or in a folder of its own.
import { folderOf, type DatasetFiles } from '../files.js';
import { eachOf } from '../bounded.js';
import { readLabelmeJson } from './labelme-json.js';
import { nameKey, pair, reportBare, type Damage, type ImageAnnotation } from './pairs.js';
import { splitOfPath, type Reading, type Source } from './source.js';

const jsonsOf = (files: DatasetFiles): string[] => files.paths.filter((path) => /\.json$/i.test(path));

export async function readLabelme({ files, warnings }: Reading): Promise<Source> {
  const annotations = new Map<string, ImageAnnotation | Damage>();
  const jsons = jsonsOf(files);
  await eachOf(jsons, async (path) => {
    const read = readLabelmeJson(path, await files.text(path));
    // Other JSON is none of this, unless it has the name of an image.
    if (read) annotations.set(path, read);
    else if (bySameName(files, path)) annotations.set(path, { damage: 'no "shapes" in it', line: 1 });
  });
  const chosen = jsons.filter((path) => annotations.has(path));
  const splits = chosen.map((path) => ({ path, split: splitOfPath(folderOf(path)) }));
  const { images, claimed } = pair(files, splits, annotations, warnings);
  reportBare(files, claimed, new Set(chosen.map(nameKey)), 'JSON', warnings);
  const objects = images.flatMap(({ boxes }) => boxes.filter(({ crowd }) => !crowd));
  return { format: 'labelme', classes: [...new Set(objects.map((box) => box.class))].sort(), images, shares: false };
}

const bySameName = (files: DatasetFiles, path: string): boolean => files.withStem(nameKey(path)).length > 0;

/** Whether at least half of the images have a JSON file of their name. */
export function isJsonAnImage(files: DatasetFiles): boolean {
  const names = new Set(jsonsOf(files).map(nameKey));
  const named = files.images.filter((image) => names.has(nameKey(image))).length;
  return named > 0 && 2 * named >= files.images.length;
}
