// What is trained on: scenes of few and small handwritten digits, and photographs of blood cells.
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
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

/**
 * Gradients of every loss are brought to the same length: a focal loss that begins with the prior has short ones but for a few steps at the
 * start, which would otherwise rule the second moments of Adam for the rest of a short run.
 */
export const CLIP_NORM = 0.5;

export const DATA_SETS: readonly DataSet[] = [
  {
    ...{ name: 'digits', title: 'digits', steps: 600, tuningSteps: 240 },
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

/** One to three small digits, so that of the anchors one in hundreds has an object. */
const CROWD = { count: [1, 3], heights: [14, 40] } as const;
const SCENES = { train: 3000, valid: 100, test: 300 };

async function drawScenes(folder: string, { imageWidth: width, imageHeight: height }: DataSet['frame']): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await writeDigits(unfinished, { seed: 1, width, height, scenes: SCENES, crowd: CROWD });
  await rename(unfinished, folder);
}
