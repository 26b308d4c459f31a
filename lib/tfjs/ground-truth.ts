// Ground truth as kernel inputs.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GroundTruth } from '../operations/assign.js';
import type { Check } from '../arguments/validate.js';
import type { Arrays } from './memory.js';
import { boxes, expectShape, ints, type Input } from './tensors.js';

/** Ground truth of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1]. */
export interface TensorGroundTruth {
  /** float32 [G, 4], finite, with area. */
  boxes: Input;
  /** int32 [G], class labels >= 0. */
  labels: Input;
  /** int32 [B + 1], from 0 to G. */
  offsets: Input;
  /** float32 [I, 4]: see MatchOptions.ignoreIof. */
  ignoreBoxes?: Input;
  /** int32 [B + 1], from 0 to I. */
  ignoreOffsets?: Input;
}

/** The names of the ground truth among a kernel's inputs. */
export const GROUND_TRUTH_INPUTS = ['gtBoxes', 'gtLabels', 'gtOffsets', 'ignoreBoxes', 'ignoreOffsets'] as const;

export function groundTruthInputs(check: Check, value: TensorGroundTruth): Record<string, Tensor> {
  const names = ['boxes', 'labels', 'offsets', 'ignoreBoxes', 'ignoreOffsets'] as const;
  const given = check.options<TensorGroundTruth>('groundTruth', value ?? null, names);
  const inputs: Record<string, Tensor> = {
    ...gtInputs(check, 'groundTruth.boxes', given.boxes, 'groundTruth.labels', given.labels),
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
  boxesValue: Input,
  labelsName: string,
  labelsValue: Input,
): { gtBoxes: Tensor; gtLabels: Tensor } {
  const gtBoxes = boxes(check, boxesName, boxesValue);
  const gtLabels = ints(check, labelsName, labelsValue);
  expectShape(check, labelsName, gtLabels, [gtBoxes.shape[0]], 'one a box');
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

function offsets(check: Check, name: string, value: Input): Tensor {
  const result = ints(check, name, value);
  expectShape(check, name, result, [result.size], 'one more than images');
  return result;
}
