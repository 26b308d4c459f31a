// CSV: keras-retinanet's `path,x1,y1,x2,y2,class`, TensorFlow's and Roboflow's `filename,width,height,class,xmin,ymin,xmax,ymax`, and
// others that name their columns.
import type { SplitName } from '../annotations.js';
import { folderOf, type DatasetFiles } from '../files.js';
import { refuse, type Warnings } from '../warnings.js';
import { readClasses, type ClassList } from './csv-classes.js';
import { edgesIn, layoutOf, type Layout } from './csv-layout.js';
import { readRows, type CsvRow } from './csv-rows.js';
import { className, ofSplit, splitFiles, type Reading, type Source, type SourceImage } from './source.js';

/** @param paths the files that hold annotations; see findFormats */
export async function readCsv({ files, warnings }: Reading, paths: readonly string[]): Promise<Source> {
  const declared = await readClasses(files, warnings);
  const images: SourceImage[] = [];
  const seen = new Set<string>();
  for (const { path, split } of splitFiles(paths, warnings)) {
    const rows = readRows(path, await files.text(path));
    const layout = layoutOf(rows);
    if (!layout)
      refuse({ file: path, line: 1 }, 'path,x1,y1,x2,y2,class or a header', rows[0]?.cells.join(',') ?? 'nothing');
    const table = { files, warnings, path, split, layout, declared };
    for (const image of readTable(table, layout.hasHeader ? rows.slice(1) : rows)) {
      images.push(image);
      for (const box of image.boxes) seen.add(box.class);
    }
  }
  const classes = declared ? declared.names : [...seen].sort();
  return { format: 'csv', classes, images, shares: false };
}

interface Table {
  files: DatasetFiles;
  warnings: Warnings;
  path: string;
  split: SplitName | undefined;
  layout: Layout;
  declared: ClassList | undefined;
}

function readTable({ files, warnings, path, split, layout, declared }: Table, rows: readonly CsvRow[]): SourceImage[] {
  const folder = folderOf(path);
  const bases = [folder, `${folder}/images`, '', 'images', ...(split === undefined ? [] : [split, `images/${split}`])];
  const byName = new Map<string, SourceImage | undefined>();
  const byFile = new Map<string, SourceImage>();
  for (const { cells, line } of rows) {
    const at = { file: path, line };
    const name = cells[layout.path] ?? '';
    if (name === '') {
      warnings.add('box-unreadable', at, 'a row without a path');
      continue;
    }
    if (!byName.has(name)) byName.set(name, imageNamed(name));
    const image = byName.get(name);
    const values = layout.edges.map((column) => cells[column] ?? '');
    const written = layout.class === undefined ? 'object' : className(cells[layout.class] ?? '');
    const label = declared?.names.includes(written) ? written : (declared?.byId.get(written) ?? written);
    const isEmpty = values.every((value) => value === '');
    if (declared && label !== '' && !declared.names.includes(label)) {
      refuse(
        at,
        `a class of ${declared.file} (${declared.names.slice(0, 20).join(', ')})`,
        `class ${label}, which is not in it`,
      );
    }
    if (image === undefined) {
      warnings.add('image-missing', at, `${name} is not there`);
      continue;
    }
    const size = (layout.size ?? []).map((column) => Number(cells[column]));
    const [width = 0, height = 0] = size;
    if (width > 0 && height > 0) image.stated ??= { width, height };
    if (isEmpty && (label === '' || layout.class === undefined)) continue; // nothing in this image
    const edges = edgesIn(layout, values);
    const isBad = typeof edges === 'string';
    if (isBad || label === '') {
      warnings.add('box-unreadable', at, isBad ? edges : 'a box without a class');
      continue;
    }
    image.boxes.push({ class: label, edges, at, name: `box (${label})` });
  }
  return [...byFile.values()];

  function imageNamed(name: string): SourceImage | undefined {
    const located = files.locate(name, bases);
    const found = ofSplit(located.length > 0 ? located : files.withStem(name), split);
    if (found.length > 1) refuse({ file: path }, 'one image of that name', `${found.join(' or ')} for ${name}`);
    const [file] = found;
    if (file === undefined) return undefined;
    const image = byFile.get(file) ?? { file, split, at: { file: path }, boxes: [] };
    byFile.set(file, image);
    return image;
  }
}
