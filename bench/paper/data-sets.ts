// What is trained on: photographs of blood cells, and drawn scenes of many handwritten digits.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AnnotatedDataset,
  readDataset,
  type RetinaNetConfig,
  type TrainingOptions,
} from 'retinanet-ops/retinanet';
import { writeDigits } from '../../demo/digits.js';

export interface DataSet {
  name: string;
  title: string;
  dataset: AnnotatedDataset;
  frame: Required<Pick<RetinaNetConfig, 'imageWidth' | 'imageHeight'>>;
  steps: number;
  augment: TrainingOptions['augment'];
}

/** Pixels of a scene's side: three times the area of the demo's, with as many more digits. */
const SCENE = 160;
const SCENES = { train: 2000, valid: 100, test: 200 };

/** Draws the scenes, unless they are there. */
export async function digits(folder: string, isQuick: boolean): Promise<DataSet> {
  const path = join(folder, `digits-${SCENE}`);
  if (!existsSync(join(path, 'test', '_annotations.csv'))) {
    await writeDigits(path, { seed: 1, width: SCENE, height: SCENE, scenes: SCENES });
  }
  return {
    ...{ name: 'digits', title: 'digits', dataset: await readDataset(path, { checkImages: false }) },
    frame: { imageWidth: SCENE, imageHeight: SCENE },
    steps: isQuick ? 250 : 500,
    augment: { horizontalFlip: false },
  };
}

/** The folder of BCCD (github.com/Shenggan/BCCD_Dataset), as it is downloaded. */
export async function bccd(folder: string): Promise<DataSet> {
  return {
    ...{ name: 'bccd', title: 'BCCD', dataset: await readDataset(folder, { checkImages: false }) },
    frame: { imageWidth: 256, imageHeight: 192 },
    steps: 350,
    augment: { verticalFlip: true, zoom: 1.25, shift: 0.1, aspect: 1.15, colour: 0.1 },
  };
}
