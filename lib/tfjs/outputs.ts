// A network's two outputs: class logits and box deltas.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Check } from '../arguments/check.js';
import {
  expectClasses,
  expectShape,
  floats,
  readAnchors,
  shapeText,
  type Input,
  type TensorAnchors,
} from './tensors.js';

/** A network's two outputs, for B images of A anchors and K classes. */
export interface TensorOutputs {
  /** float32 [B, A, K] or [A, K]. */
  classLogits: Input;
  /** float32 [B, A, 4] or [A, 4]. */
  boxDeltas: Input;
  /** What the rows of both stand for. */
  anchors: TensorAnchors;
  /** K, if given that of the shape. */
  numClasses?: number;
}

/** The outputs, their anchors and classes; [A, ...] stands for a batch of one. */
export function readOutputs(
  check: Check,
  arrays: { classLogits?: unknown; boxDeltas?: unknown },
  given: { anchors?: unknown; numClasses?: number },
): { inputs: Record<string, Tensor>; grid: ReturnType<typeof readAnchors>['grid']; numClasses: number } {
  const anchors = readAnchors(check, given.anchors);
  const classLogits = floats(check, 'classLogits', arrays.classLogits);
  const boxDeltas = floats(check, 'boxDeltas', arrays.boxDeltas);
  if (classLogits.rank !== 2 && classLogits.rank !== 3) {
    check.fail('ERR_SHAPE', 'classLogits', 'shape [B, A, K] or [A, K]', shapeText(classLogits));
  }
  if (classLogits.shape.at(-2) !== anchors.count) {
    check.fail('ERR_SHAPE', 'classLogits', `${String(anchors.count)} anchors`, shapeText(classLogits));
  }
  expectClasses(check, given.numClasses, 'classLogits', classLogits);
  expectShape(check, 'boxDeltas', boxDeltas, [...classLogits.shape.slice(0, -1), 4], 'to match classLogits');
  return {
    inputs: { ...anchors.inputs, classLogits, boxDeltas },
    grid: anchors.grid,
    numClasses: classLogits.shape.at(-1) as number,
  };
}
