// Non-maximum suppression on tensors.
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { NMS_OPTIONS, SUPPRESSION, planNms, type NmsOptions } from '../operations/nms.js';
import { Check } from '../arguments/check.js';
import type { BackendOptions } from '../runtime/backend.js';
import { defineKernel, scoped } from './engine.js';
import { compute, write } from './memory.js';
import {
  boxes as boxTensor,
  expectShape,
  floats,
  ints,
  splitOptions,
  type Input,
  type TensorOptionsOf,
} from './tensors.js';

/** Options of `nms` on tensors; `classes` are int32. */
export interface TensorNmsOptions extends TensorOptionsOf<typeof SUPPRESSION>, BackendOptions {}

const kernel = defineKernel<NmsOptions>(
  'RetinanetOpsNms',
  ({ inputs, backend, attrs }) => {
    const { result } = compute(backend, inputs, {}, (x) =>
      planNms(x.floats('boxes'), x.floats('scores'), { ...attrs, classes: x.intsIfAny('classes') }).runSync(),
    );
    return [write(backend, result, [result.length])];
  },
  'nms: not differentiable',
);

/**
 * Greedy non-maximum suppression (torchvision.ops.nms; with `classes`, batched_nms). Not differentiable.
 *
 * @param boxes float32 [n, 4], finite
 * @param scores float32 [n], no NaN
 * @returns int32: rows of the kept boxes by descending score; of equal scores the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function nms(boxes: Input, scores: Input, options?: TensorNmsOptions): Tensor1D {
  return scoped(() => {
    const check = new Check('nms');
    const { arrays, attrs } = splitOptions(check, options, NMS_OPTIONS);
    const inputs: Record<string, Tensor> = {
      boxes: boxTensor(check, 'boxes', boxes),
      scores: floats(check, 'scores', scores),
    };
    const rows = (inputs['boxes'] as Tensor).shape.slice(0, 1);
    expectShape(check, 'scores', inputs['scores'] as Tensor, rows, '(one per box)');
    if (arrays.classes !== undefined) {
      inputs['classes'] = ints(check, 'classes', arrays.classes);
      expectShape(check, 'classes', inputs['classes'], rows, '(one per box)');
    }
    return kernel(inputs, attrs)[0] as Tensor1D;
  });
}
