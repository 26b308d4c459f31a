// What is trained on: tiny handwritten digits, few in a scene, and photographs of blood cells.
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AnnotatedDataset,
  readDataset,
  type RetinaNetConfig,
  type TrainingOptions,
} from 'retinanet-ops/retinanet';
import { writeDigits } from '../../demo/digits.js';

export interface DataSet {
  name: 'digits' | 'bccd';
  title: string;
  frame: Required<Pick<RetinaNetConfig, 'imageWidth' | 'imageHeight'>>;
  /** Of a run. */
  steps: number;
  /** Of a run that seeks a learning rate. */
  tuningSteps: number;
  augment: NonNullable<TrainingOptions['augment']>;
}

export const DATA_SETS: readonly DataSet[] = [
  {
    ...{ name: 'digits', title: 'digits', steps: 300, tuningSteps: 150 },
    frame: { imageWidth: 128, imageHeight: 128 },
    augment: { horizontalFlip: false },
  },
  {
    ...{ name: 'bccd', title: 'BCCD', steps: 300, tuningSteps: 150 },
    frame: { imageWidth: 160, imageHeight: 120 },
    augment: { verticalFlip: true, zoom: 1.25, shift: 0.1, aspect: 1.15, colour: 0.1 },
  },
];

/** Where pictures are: `bccd` is the folder of BCCD (github.com/Shenggan/BCCD_Dataset), `drawn` of what is drawn here. */
export interface Folders {
  drawn: string;
  bccd?: string;
}

export async function openDataSet({ name, frame }: DataSet, { drawn, bccd }: Folders): Promise<AnnotatedDataset> {
  if (name === 'bccd') return readDataset(bccd!, { checkImages: false });
  const folder = join(drawn, `digits-${frame.imageWidth}-${CROWD.heights.join('-')}`);
  if (!existsSync(folder)) await drawScenes(folder, frame);
  return readDataset(folder, { checkImages: false });
}

/** None to two digits, so that an anchor with an object is one in hundreds. */
const CROWD = { count: [0, 2], heights: [12, 28] } as const;
const SCENES = { train: 4000, valid: 150, test: 300 };

/** One class: it is all about finding them among strokes, rings and pieces of digits. */
async function drawScenes(folder: string, { imageWidth: width, imageHeight: height }: DataSet['frame']): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await writeDigits(unfinished, { seed: 1, width, height, scenes: SCENES, crowd: CROWD });
  for (const split of Object.keys(SCENES)) {
    const file = join(unfinished, split, '_annotations.csv');
    const rows = (await readFile(file, 'utf8')).split('\n');
    const CLASS = /^((?:[^,]*,){3})\d(?=,)/;
    await writeFile(file, rows.map((row) => row.replace(CLASS, '$1digit')).join('\n'));
  }
  await rename(unfinished, folder);
}
