// What a network gives for a batch of pictures.
import { AnchorGrid, type Anchors } from 'retinanet-ops';
import { f32 } from '../../support/arrays.js';
import { shuffled, uniform } from '../../support/random.js';
import type { Next } from '../driver/case.js';
import { boxesOf, countOf } from './anchors.js';

export interface Outputs {
  classLogits: Float32Array;
  boxDeltas: Float32Array;
  anchors: Anchors;
  numClasses?: number;
}

/** Evenly spaced logits in random order: no two scores are equal, none lies within rounding of a threshold. */
export function someOutputs(next: Next, anchors: Anchors, images: number, numClasses: number): Outputs {
  const total = images * countOf(anchors) * numClasses;
  const classLogits = Float32Array.from(shuffled(next, total), (i) => -6 + (8 * i) / total);
  return { classLogits, boxDeltas: uniform(next, images * countOf(anchors) * 4, -0.4, 0.4), anchors, numClasses };
}

/** Shapes by path, where these are the only argument. */
export function outputShapes({ classLogits, boxDeltas, anchors, numClasses = 1 }: Outputs): Record<string, number[]> {
  const count = countOf(anchors);
  const images = count === 0 ? 0 : boxDeltas.length / (4 * count);
  return {
    '0.classLogits': [images, count, classLogits.length === 0 ? numClasses : classLogits.length / (images * count)],
    '0.boxDeltas': [images, count, 4],
    ...(anchors instanceof AnchorGrid ? {} : { '0.anchors': [boxesOf(anchors).length / 4, 4] }),
  };
}

/** Two images, three anchors, two classes. */
export function exampleOutputs() {
  const logits = [0.5, -1, 2, -3, 0.25, 1];
  const deltas = [0.1, 0.2, -0.1, 0.3, 0, 0, 0.5, -0.5, 1, -1, 0.2, 0.1];
  return {
    classLogits: f32(...logits, ...logits),
    boxDeltas: f32(...deltas, ...deltas),
    anchors: f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44),
  };
}
