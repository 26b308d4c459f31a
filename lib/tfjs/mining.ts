// Example mining on tensors.
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import {
  HARD_EXAMPLES_OPTIONS,
  HARD_NEGATIVES_OPTIONS,
  planOnlineHardExamples,
  planSelectHardNegatives,
  type HardNegativesOptions,
  type OnlineHardExamplesOptions,
} from '../operations/mining.js';
import { Check } from '../arguments/check.js';
import { defineKernel, scoped } from './engine.js';
import { compute, write } from './memory.js';
import { boxes as boxTensor, expectShape, floats, ints, splitOptions, type Input } from './tensors.js';

const hardNegatives = defineKernel<HardNegativesOptions>(
  'RetinanetOpsSelectHardNegatives',
  ({ inputs, backend, attrs }) => {
    const { result } = compute(backend, inputs, {}, (x) =>
      planSelectHardNegatives(x.floats('losses'), x.ints('labels'), attrs).runSync(),
    );
    return [write(backend, result, [result.length])];
  },
  'selectHardNegatives: not differentiable',
);

const hardExamples = defineKernel<OnlineHardExamplesOptions>(
  'RetinanetOpsOnlineHardExamples',
  ({ inputs, backend, attrs }) => {
    const { result } = compute(backend, inputs, {}, (x) =>
      planOnlineHardExamples(x.floats('losses'), x.floats('boxes'), attrs).runSync(),
    );
    return [write(backend, result, [result.length])];
  },
  'onlineHardExamples: not differentiable',
);

/**
 * Hard negative mining (Liu et al. 2016, SSD, section 2.2): of the background anchors the max(floor(ratio * positives),
 * minNegatives) of the largest loss, as selectHardNegatives of 'retinanet-ops' does. Not differentiable; gather the losses at the
 * indices to train on them.
 *
 * @param losses float32 [...] or [..., K] summed over K; no NaN
 * @param labels int32 [...]: class labels, -1 background, -2 ignored (never selected)
 * @returns int32: indices into the flattened labels, hardest first; of equal losses the smaller index comes first
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function selectHardNegatives(losses: Input, labels: Input, options?: HardNegativesOptions): Tensor1D {
  return scoped(() => {
    const check = new Check('selectHardNegatives');
    const { attrs } = splitOptions(check, options, HARD_NEGATIVES_OPTIONS);
    const inputs = { losses: floats(check, 'losses', losses), labels: ints(check, 'labels', labels) };
    const { rank } = inputs.labels;
    if (inputs.losses.rank !== rank + 1) {
      expectShape(check, 'losses', inputs.losses, inputs.labels.shape, 'like the labels, or with classes');
    } else {
      const expected = [...inputs.labels.shape, inputs.losses.shape.at(-1) as number];
      expectShape(check, 'losses', inputs.losses, expected, 'like the labels with classes');
    }
    return hardNegatives(inputs, attrs)[0] as Tensor1D;
  });
}

/**
 * Online hard example mining (Shrivastava et al. 2016, section 4.2): sort by loss, suppress what overlaps a harder example, keep
 * the hardest `count`. Not differentiable; gather the losses at the indices to train on them.
 *
 * @param losses float32 [n], no NaN
 * @param boxes float32 [n, 4], finite
 * @returns int32: rows, hardest first; of equal losses the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function onlineHardExamples(losses: Input, boxes: Input, options: OnlineHardExamplesOptions): Tensor1D {
  return scoped(() => {
    const check = new Check('onlineHardExamples');
    const { attrs } = splitOptions(check, options, HARD_EXAMPLES_OPTIONS);
    const inputs: Record<'losses' | 'boxes', Tensor> = {
      losses: floats(check, 'losses', losses),
      boxes: boxTensor(check, 'boxes', boxes),
    };
    expectShape(check, 'losses', inputs.losses, inputs.boxes.shape.slice(0, 1), '(one per box)');
    return hardExamples(inputs, attrs as OnlineHardExamplesOptions)[0] as Tensor1D;
  });
}
