// Data sets to learn from first, written as a labelling tool would leave them: a folder for each split, with pictures and boxes as CSV.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Box = [x1: number, y1: number, x2: number, y2: number];

/** A picture of a split. */
export interface Scene {
  file: string;
  width: number;
  height: number;
  objects: { name: string; box: Box }[];
}

export const SPLITS = ['train', 'valid'] as const;
export type Split = (typeof SPLITS)[number];

/** Pixels of a scene, as BCCD is trained on. */
export const [WIDTH, HEIGHT] = [256, 192];

/** The folder of a split's pictures. */
export function splitFolder(folder: string, split: Split): string {
  const path = join(folder, split);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Written last: where it is, the split is whole. */
export const boxesFile = (folder: string, split: Split) => join(folder, split, '_annotations.csv');

export function writeBoxes(folder: string, split: Split, scenes: readonly Scene[]): void {
  const rows = scenes.flatMap(({ file, width, height, objects }) =>
    objects.map(({ name, box }) => [file, width, height, name, ...box].join(',')),
  );
  splitFolder(folder, split);
  writeFileSync(boxesFile(folder, split), `filename,width,height,class,xmin,ymin,xmax,ymax\n${rows.join('\n')}\n`);
}
