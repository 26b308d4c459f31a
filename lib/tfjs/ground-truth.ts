// Ground truth as kernel inputs.
import type { Tensor } from '@tensorflow/tfjs-core';
import { GROUND_TRUTH, type GroundTruth } from '../operations/ground-truth.js';
import type { Check } from '../arguments/check.js';
import type { Arrays } from './memory.js';
import { boxes, expectShape, ints, splitOptions, type TensorOptionsOf } from './tensors.js';

/**
 * Ground truth of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1]. Boxes are float32, labels and offsets int32.
 */
export interface TensorGroundTruth extends TensorOptionsOf<typeof GROUND_TRUTH> {}

/** The names of the ground truth among a kernel's inputs. */
export const GROUND_TRUTH_INPUTS = ['gtBoxes', 'gtLabels', 'gtOffsets', 'ignoreBoxes', 'ignoreOffsets'] as const;

export function groundTruthInputs(check: Check, value: unknown): Record<string, Tensor> {
  const { boxes: gtBoxes, labels, ...given } = splitOptions(check, value, GROUND_TRUTH, 'groundTruth').arrays;
  const inputs: Record<string, Tensor> = {
    ...gtInputs(check, 'groundTruth.boxes', gtBoxes, 'groundTruth.labels', labels),
    gtOffsets: offsets(check, 'groundTruth.offsets', given.offsets),
  };
  if (given.ignoreBoxes !== undefined) {
    inputs['ignoreBoxes'] = boxes(check, 'groundTruth.ignoreBoxes', given.ignoreBoxes);
  }
  if (given.ignoreOffsets !== undefined) {
    inputs['ignoreOffsets'] = offsets(check, 'groundTruth.ignoreOffsets', given.ignoreOffsets);
  }
  return inputs;
}

/** Boxes and labels of one image or all. */
export function gtInputs(
  check: Check,
  boxesName: string,
  boxesValue: unknown,
  labelsName: string,
  labelsValue: unknown,
): { gtBoxes: Tensor; gtLabels: Tensor } {
  const gtBoxes = boxes(check, boxesName, boxesValue);
  const gtLabels = ints(check, labelsName, labelsValue);
  expectShape(check, labelsName, gtLabels, [gtBoxes.shape[0]], '(one per box)');
  return { gtBoxes, gtLabels };
}

export function groundTruthOf(x: Arrays): GroundTruth {
  return {
    boxes: x.floats('gtBoxes'),
    labels: x.ints('gtLabels'),
    offsets: x.ints('gtOffsets'),
    ignoreBoxes: x.floatsIfAny('ignoreBoxes'),
    ignoreOffsets: x.intsIfAny('ignoreOffsets'),
  };
}

function offsets(check: Check, name: string, value: unknown): Tensor {
  const result = ints(check, name, value);
  expectShape(check, name, result, [result.size], 'one more than images');
  return result;
}
