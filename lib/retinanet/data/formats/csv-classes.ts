// The class list of a CSV set: rows `name,id`.
import { baseOf, type DatasetFiles } from '../files.js';
import type { Warnings } from '../warnings.js';
import { readRows } from './csv-rows.js';
import { className } from './source.js';

export interface ClassList {
  file: string;
  names: string[];
  /** Names by their ids as written: some files give those instead. */
  byId: ReadonlyMap<string, string>;
}

/** Whether a file is called like a class list. */
export const isClassList = (path: string): boolean =>
  /class|label_?map|categories/i.test(baseOf(path)) && /\.csv$/i.test(path);

/** The names in the order of their ids, from 0 whatever those are; undefined where there is no list. */
export async function readClasses(files: DatasetFiles, warnings: Warnings): Promise<ClassList | undefined> {
  for (const file of files.paths.filter(isClassList)) {
    const rows = readRows(file, await files.text(file));
    const isId = (cell: string | undefined) => cell !== undefined && /^-?\d+(\.0*)?$/.test(cell);
    const pairs = rows.flatMap(({ cells }) => {
      if (cells.length !== 2) return [];
      const [a = '', b = ''] = cells;
      if (isId(b)) return [{ name: className(a), id: Number(b) }];
      return isId(a) ? [{ name: className(b), id: Number(a) }] : [];
    });
    // One row may be a header.
    if (pairs.length === 0 || pairs.length < rows.length - 1) continue;
    const sorted = pairs.sort((a, b) => a.id - b.id);
    const gap = sorted.findIndex(({ id }, i) => id !== i);
    if (gap >= 0) {
      warnings.add(
        'class-ids-packed',
        { file },
        `ids ${sorted
          .map(({ id }) => id)
          .slice(0, 5)
          .join(', ')} became 0..${sorted.length - 1}`,
      );
    }
    const names = [...new Set(sorted.map(({ name }) => name))];
    if (names.length < sorted.length) warnings.add('class-repeated', { file }, 'a name is there more than once');
    return { file, names, byId: new Map(sorted.map(({ id, name }) => [String(id), name])) };
  }
  return undefined;
}
