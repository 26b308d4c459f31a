// The smooth L1 loss on tensors.
import { neg, type Tensor } from '@tensorflow/tfjs-core';
import type { Reduction } from '../arguments/loss-options.js';
import type { BETA } from '../operations/regression.js';
import { smoothL1Plans } from '../operations/smooth-l1.js';
import type { TensorReduced } from './loss-kernel.js';
import {
  defineRegression,
  type TensorGradOutputOptions,
  type TensorRegressionOptions,
  type TensorRegressionValueAndGrad,
} from './regression.js';
import type { Input, TensorOptionsOf } from './tensors.js';

/** Options of `smoothL1Loss` on tensors. */
export interface TensorSmoothL1Options<R extends Reduction = Reduction>
  extends TensorOptionsOf<typeof BETA>, TensorRegressionOptions<R> {}

/** Options of `smoothL1LossBackward` on tensors. */
export interface TensorSmoothL1BackwardOptions extends TensorSmoothL1Options, TensorGradOutputOptions {}

/** What `smoothL1LossValueAndGrad` gives on tensors. */
export interface TensorSmoothL1ValueAndGrad<R extends Reduction = Reduction> extends TensorRegressionValueAndGrad<R> {}

// The loss depends on the difference only.
const loss = defineRegression('smoothL1Loss', smoothL1Plans, neg);

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss), differentiable by predictions and targets:
 * value and gradient come from one native pass. Not differentiable by weights, nor twice.
 *
 * @param predictions float32 of any shape, e.g. box deltas [P, 4]
 * @param targets float32 of the same shape
 * @returns a scalar, or with reduction 'none' the losses in the predictions' shape
 * @throws RetinanetOpsError as smoothL1Loss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export function smoothL1Loss<R extends Reduction = 'sum'>(
  predictions: Input,
  targets: Input,
  options?: TensorSmoothL1Options<R>,
): TensorReduced<R> {
  return loss.value(predictions, targets, options);
}

/**
 * The gradient of {@link smoothL1Loss} by the predictions, in their shape. Not differentiable.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossBackward(
  predictions: Input,
  targets: Input,
  options?: TensorSmoothL1BackwardOptions,
): Tensor {
  return loss.backward(predictions, targets, options);
}

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link smoothL1Loss}.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossValueAndGrad<R extends Reduction = 'sum'>(
  predictions: Input,
  targets: Input,
  options?: TensorSmoothL1Options<R>,
): TensorSmoothL1ValueAndGrad<R> {
  return loss.valueAndGrad(predictions, targets, options);
}
