// YOLO: a text file an image, in labels/ or beside it; ultralytics', darknet's and the labelling tools' folders.
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, isImageName, stemOf, type DatasetFiles } from '../files.js';
import { eachOf } from '../bounded.js';
import { refuse, type Warnings } from '../warnings.js';
import { splitOfPath, type Reading, type Source, type SourceImage } from './source.js';
import { isNamesFile, readYoloConfig, reportOtherNames, type YoloConfig } from './yolo-config.js';
import { readYoloRows } from './yolo-labels.js';
import { imagesOfEntry } from './yolo-splits.js';

export async function readYolo({ files, warnings }: Reading): Promise<Source> {
  const config = await readYoloConfig(files, warnings);
  const members = await membersOf(files, config, warnings);
  const labels = labelsOf(files, members);
  if (labels.size === 0) refuseUnlabelled(files.root, members);
  reportOrphans(files, new Set(labels.values()), warnings);
  await reportOtherNames(files, config, labels.values(), warnings);
  const images: (SourceImage | undefined)[] = [];
  const texts = new Map<string, string>();
  await eachOf([...new Set(labels.values())], async (label) => {
    texts.set(label, await files.text(label));
  });
  const names = config.names;
  const nameOf = (label: number) => names[label] ?? String(label);
  let [rows, unknown, firstUnknown, highest] = [0, 0, '', -1];
  const reported = new Set<string>();
  for (const { file, split } of members) {
    const label = labels.get(file);
    const image: SourceImage = { file, split, at: { file: label ?? file }, boxes: [] };
    images.push(image);
    if (label === undefined) {
      if (!reported.has(file)) warnings.add('label-missing', { file }, 'no label file: nothing in it');
      reported.add(file);
      continue;
    }
    const read = readYoloRows(label, texts.get(label)!, config.keypoints, reported.has(label) ? SILENT : warnings);
    if (texts.get(label)!.trim() === '' && !reported.has(label))
      warnings.add('label-empty', { file: label }, 'no rows: nothing in it');
    for (const { class: number, edges, line } of read) {
      const at = { file: label, line };
      rows++;
      highest = Math.max(highest, number);
      if (names.length > 0 && number >= names.length) {
        const message = `class ${number} of ${names.length} (0..${names.length - 1})`;
        if (!reported.has(label)) warnings.add('class-unknown', at, message);
        if (unknown++ === 0) firstUnknown = `${label}:${line} has ${message}`;
        continue;
      }
      image.boxes.push({ class: nameOf(number), edges, at, name: `box (${nameOf(number)})` });
    }
    reported.add(label);
  }
  const where = config.file ?? 'the labels';
  if (unknown > 0.1 * rows)
    refuse(where, 'classes that are named', `${unknown} of ${rows} rows of others: ${firstUnknown}`);
  if (names.length === 0 && highest >= 0) {
    warnings.add('class-unnamed', { file: where }, 'no data.yaml, obj.names or classes.txt: numbers are the names');
    if (highest >= 10_000) refuse(where, 'class numbers', `one of ${highest}`);
  }
  const classes = names.length > 0 ? names : Array.from({ length: highest + 1 }, (_, i) => String(i));
  return {
    format: 'yolo',
    classes: uniqueNames(classes, where, warnings),
    images: images as SourceImage[],
    shares: true,
  };
}

const SILENT = { add: () => undefined } as unknown as Warnings;

interface Member {
  file: string;
  split: SplitName | undefined;
}

/** The images of each split, as the configuration says; without one, all that there are. */
async function membersOf(files: DatasetFiles, config: YoloConfig, warnings: Warnings): Promise<Member[]> {
  const { splits, file } = config;
  const members: Member[] = [];
  for (const split of ['train', 'val', 'test'] as const) {
    const once = new Set<string>();
    for (const entry of splits[split] ?? []) {
      const { images, looked } = await imagesOfEntry(files, config, entry, warnings);
      for (const image of images) once.add(image);
      if (images.length > 0) continue;
      const received = `nothing at ${looked.map((place) => place || '.').join(', ')}`;
      const at = { file: file ?? entry };
      // darknet's lists are often made where training runs, and stay there.
      const isList = /\.data$/i.test(file ?? '');
      if (split === 'train' && !isList) refuse(at, `the images of train: ${entry}`, received);
      const named = isList ? [] : imagesNamed(files, split);
      for (const image of named) once.add(image);
      const instead = named[0] === undefined ? '' : `: ${folderOf(named[0])} is used`;
      warnings.add('split-missing', at, `${split}: ${entry}: ${received}${instead}`);
    }
    members.push(...[...once].map((image) => ({ file: image, split })));
  }
  if (members.some(({ split }) => split === 'train') || (members.length > 0 && splits.train === undefined))
    return members;
  return files.images.map((image) => ({ file: image, split: splitOfPath(folderOf(image)) }));
}

/** The images of the one folder that is called as a split is: `validate/images` where the configuration says valid/images. */
function imagesNamed(files: DatasetFiles, split: SplitName): string[] {
  const images = files.images.filter((image) => splitOfPath(folderOf(image)) === split);
  return new Set(images.map(folderOf)).size === 1 ? images : [];
}

/** The label file of each image that has one. */
function labelsOf(files: DatasetFiles, members: readonly Member[]): Map<string, string> {
  const labels = new Map<string, string>();
  for (const { file } of members) {
    for (const place of labelPlaces(file)) {
      const found = files.find(place);
      if (found === undefined || isNamesFile(found)) continue;
      labels.set(file, found);
      break;
    }
  }
  return labels;
}

/** Where the label of an image may be: in labels/ for its images/, beside it, in a folder labels beside or below its own. */
function labelPlaces(image: string): string[] {
  const folder = folderOf(image);
  const name = `${baseOf(image).replace(/\.[^.]*$/, '')}.txt`;
  const parts = folder.split('/');
  const at = parts.findLastIndex((part) => /^(images?|imgs?|jpegimages)$/i.test(part));
  const swapped =
    at < 0 ? [] : ['labels', 'label'].map((word) => [...parts.slice(0, at), word, ...parts.slice(at + 1)].join('/'));
  const above = folderOf(folder);
  const folders = [
    ...swapped,
    folder,
    `${folder}/labels`,
    `${above}/labels`,
    `labels/${folder}`,
    `${above}/labels/${baseOf(folder)}`,
  ];
  const under = (path: string) => (path.startsWith('/') ? path.slice(1) : path);
  return folders.map((place) => under(`${place}/${name}`));
}

function refuseUnlabelled(root: string, members: readonly Member[]): never {
  const [example] = members;
  if (!example) refuse(root, 'images', 'none');
  const places = labelPlaces(example.file).slice(0, 2).join(' and ');
  refuse(
    example.file,
    `label files for its ${members.length} images`,
    `none, neither for ${example.file} at ${places} nor for another`,
  );
}

function reportOrphans(files: DatasetFiles, used: ReadonlySet<string>, warnings: Warnings): void {
  const folders = new Set([...used].map(folderOf));
  for (const folder of folders) {
    for (const path of files.inFolder(folder)) {
      const isLabel =
        /\.txt$/i.test(path) && !isNamesFile(path) && !/^(train|val|valid|test)\.txt$|readme/i.test(baseOf(path));
      if (!isLabel || used.has(path) || files.withStem(stemOf(path)).some(isImageName)) continue;
      warnings.add('label-without-image', { file: path }, 'no image of its name');
    }
  }
}

/** Two classes of one name become one. */
function uniqueNames(names: readonly string[], file: string, warnings: Warnings): string[] {
  const unique = [...new Set(names)];
  if (unique.length < names.length) {
    const repeated = names.find((name, i) => names.indexOf(name) !== i) ?? '';
    warnings.add('class-repeated', { file }, `${repeated} is there more than once`);
  }
  return unique;
}
