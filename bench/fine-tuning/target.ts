// What is learned in the end: BCCD, as small as two cores train on it in a minute.
import { type AnnotatedDataset, readDataset, type TrainingOptions } from 'retinanet-ops/retinanet';
import { HEIGHT, WIDTH } from './scenes.js';

export const FRAME = { imageWidth: WIDTH, imageHeight: HEIGHT } as const;
/** Of source and target alike. */
export const AUGMENT = {
  verticalFlip: true,
  zoom: 1.25,
  shift: 0.1,
  aspect: 1.15,
  colour: 0.1,
} as const satisfies TrainingOptions['augment'];
export const STEPS = 350;

export interface Target {
  dataset: AnnotatedDataset;
  steps: number;
}

/** @param folder of BCCD (github.com/Shenggan/BCCD_Dataset), as it is downloaded */
export async function readTarget(folder: string, steps: number): Promise<Target> {
  return { dataset: await readDataset(folder, { checkImages: false }), steps };
}
