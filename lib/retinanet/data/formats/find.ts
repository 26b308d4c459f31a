// Which formats lie in a folder.
import type { DataFormat } from '../annotations.js';
import { baseOf, stemOf, type DatasetFiles } from '../files.js';
import { refuse } from '../warnings.js';
import { isLfsPointer } from '../text.js';
import { isClassList } from './csv-classes.js';
import { layoutOf } from './csv-layout.js';
import { readRows } from './csv-rows.js';
import { CVAT_VIDEO } from './cvat.js';
import { isJsonAnImage } from './labelme.js';
import { linesOf } from './source.js';
import { isNamesFile } from './yolo-config.js';

export interface FoundFormat {
  format: DataFormat;
  /** The files that hold annotations, where those are few; of YOLO and VOC one of many. */
  paths: string[];
}

const HEAD = 1 << 16;
/** Files of one format that are looked into before it is given up. */
const TRIES = 50;

/** The formats that are there, the one to read first. */
export async function findFormats(files: DatasetFiles): Promise<FoundFormat[]> {
  const [coco, voc, config, rows, csv, labelme, cvat] = await Promise.all([
    filesWhere(files, /\.json$/i, isCoco, Infinity),
    filesWhere(files, /\.xml$/i, (text) => /<annotation[\s>]/.test(text), 1),
    filesWhere(files, /\.(ya?ml|data)$/i, isYoloConfig, 1),
    filesWhere(
      files,
      /\.txt$/i,
      isYoloRows,
      1,
      (path) => !isNamesFile(path) && files.withStem(stemOf(path)).length > 0,
    ),
    filesWhere(files, /\.csv$/i, isCsv, Infinity, (path) => !isClassList(path)),
    filesWhere(files, /\.json$/i, isLabelme, 1),
    filesWhere(files, /\.xml$/i, isCvat, Infinity),
  ]);
  const found: FoundFormat[] = [];
  const add = (format: DataFormat, paths: string[]) => {
    if (paths.length > 0 && !found.some((other) => other.format === format)) found.push({ format, paths });
  };
  // Where labelme's are the images' own, others have been made of them.
  if (isJsonAnImage(files)) add('labelme', labelme);
  add('coco', coco);
  if (config.length > 0) add('yolo', rows);
  add('voc', voc);
  add('labelme', labelme);
  add('cvat', cvat);
  add('yolo', rows);
  add('csv', csv);
  add('yolo', config);
  return found;
}

/** Says what is there instead of annotations. */
export async function refuseUnknown(files: DatasetFiles): Promise<never> {
  const expected = 'Pascal VOC XML, COCO JSON, YOLO text, CSV, labelme JSON or CVAT XML annotations';
  if (files.paths.length === 0) refuse(files.root, expected, 'no file at all');
  for (const [name, isIt, received] of OTHER_TOOLS) {
    const [file] = await filesWhere(files, name, isIt, 1);
    if (file !== undefined) refuse({ file }, expected, received);
  }
  const counts = new Map<string, number>();
  for (const path of files.paths) {
    const extension = /\.[^.]{1,8}$/.exec(baseOf(path))?.[0].toLowerCase() ?? 'others';
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 4);
  refuse(files.root, expected, `none among ${most.map(([extension, count]) => `${count} ${extension}`).join(', ')}`);
}

/** Formats of labelling tools that are not read, and what their users can do. */
const OTHER_TOOLS: readonly [name: RegExp, isIt: (text: string) => boolean, received: string][] = [
  [/\.(json|xml|txt|csv|ya?ml)$/i, isLfsPointer, "Git LFS's pointer to it: git lfs pull fetches the file itself"],
  [
    /\.(csv|json)$/i,
    (text) => /region_(shape_)?attributes|"regions"/.test(text),
    "VIA's own format: export the annotations as COCO",
  ],
  [
    /\.json$/i,
    (text) => /^\s*\[/.test(text) && text.includes('"coordinates"') && text.includes('"label"'),
    "CreateML's JSON: export the data set as COCO, VOC or YOLO",
  ],
  [
    /\.json$/i,
    (text) => /"(rectanglelabels|annotations|completions)"/.test(text) && /"(from_name|to_name)"/.test(text),
    "Label Studio's own JSON: export the project as COCO, Pascal VOC or YOLO",
  ],
  [
    /\.json$/i,
    (text) => text.includes('"items"') && text.includes('"label_id"'),
    "Datumaro's JSON: export as COCO, VOC or YOLO",
  ],
  [
    /\.json$/i,
    (text) => text.includes('"objects"') && text.includes('"classTitle"'),
    "Supervisely's JSON: export as COCO, Pascal VOC or YOLO",
  ],
  [/\.xml$/i, (text) => /<annotations[\s>]/.test(text) && /<track[\s>]/.test(text), CVAT_VIDEO],
];

async function filesWhere(
  files: DatasetFiles,
  name: RegExp,
  isIt: (text: string) => boolean,
  atMost: number,
  also: (path: string) => boolean = () => true,
): Promise<string[]> {
  const found: string[] = [];
  let tries = 0;
  for (const path of files.paths) {
    if (!name.test(path) || !also(path)) continue;
    if (isIt(await files.text(path, HEAD))) found.push(path);
    if (found.length >= atMost || (found.length === 0 && ++tries >= TRIES)) break;
  }
  return found;
}

/** The beginning of an object with COCO's lists, of which the last may be beyond what is seen. */
function isCoco(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  const has = (key: string) => new RegExp(`"${key}"\\s*:\\s*\\[`).test(text);
  const isWhole = text.length < HEAD;
  const isOther = /"(caption|segments_info|keypoints)"\s*:/.test(text) && !/"bbox"\s*:/.test(text);
  if (isOther) return false;
  if (isWhole) return has('images') && (has('annotations') || has('categories'));
  return has('images') || has('annotations') || (has('categories') && /"supercategory"/.test(text));
}

/** The beginning of an object with labelme's shapes; old versions write megabytes of pixels first. */
function isLabelme(text: string): boolean {
  if (!/^\s*\{/.test(text) || isCoco(text)) return false;
  const isCut = text.length >= HEAD;
  const hasShapes = /"shapes"\s*:\s*\[/.test(text) && /"(imagePath|imageData|points)"\s*:/.test(text);
  return hasShapes || (isCut && /"imageData"\s*:\s*"/.test(text));
}

/** CVAT's XML, unless it is seen to be that for video. */
function isCvat(text: string): boolean {
  return /<annotations[\s>]/.test(text) && /<(image|meta)[\s>]/.test(text) && !/<track[\s>]/.test(text);
}

function isYoloConfig(text: string): boolean {
  const has = (key: string) => new RegExp(`^\\s*${key}\\s*[:=]`, 'm').test(text);
  return has('names') || (has('nc') && has('train'));
}

function isYoloRows(text: string): boolean {
  const [first] = linesOf(text);
  const cells = first?.text.split(/[\s,]+/).map(Number) ?? [];
  return cells.length >= 5 && cells.every(Number.isFinite) && Number.isInteger(cells[0]);
}

function isCsv(text: string): boolean {
  const whole = text.length < HEAD ? text : text.slice(0, text.lastIndexOf('\n'));
  try {
    return layoutOf(readRows('', whole)) !== undefined;
  } catch {
    // Its reader tells where the quotes are wrong.
    return layoutOf(readRows('', whole.replaceAll('"', ''))) !== undefined;
  }
}
