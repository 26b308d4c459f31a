// The smooth L1 loss on tensors.
import { neg, type Tensor } from '@tensorflow/tfjs-core';
import type { Reduction, ReductionOptions } from '../arguments/loss-options.js';
import { SMOOTH_L1_OPTIONS, smoothL1Plans } from '../operations/smooth-l1.js';
import type { BackendOptions } from '../runtime/backend.js';
import { noGradients } from './engine.js';
import { defineLoss, weightsInput, type TensorReduced } from './loss-kernel.js';
import { expectShape, floats, type Input, type TensorOptionsOf, type TensorWeightOptions } from './tensors.js';

/** Options of `smoothL1Loss` on tensors. `weights` are float32 in leading axes of the predictions' shape, e.g. [B, A] for [B, A, 4]. */
export interface TensorSmoothL1Options<R extends Reduction = Reduction>
  extends TensorOptionsOf<typeof SMOOTH_L1_OPTIONS>, TensorWeightOptions, ReductionOptions<R>, BackendOptions {}

/** Options of `smoothL1LossBackward` on tensors. */
export interface TensorSmoothL1BackwardOptions extends TensorSmoothL1Options {
  /** Upstream gradient: a number or scalar, or with reduction 'none' also of the predictions' shape. Default 1. */
  gradOutput?: Input;
}

/** What `smoothL1LossValueAndGrad` gives on tensors. */
export interface TensorSmoothL1ValueAndGrad<R extends Reduction = Reduction> {
  /** A scalar, or with reduction 'none' the losses in the predictions' shape. */
  loss: TensorReduced<R>;
  /** The derivative of the summed `loss` by the predictions, in their shape. */
  grad: Tensor;
}

const loss = defineLoss({
  operation: 'smoothL1Loss',
  predictions: 'predictions',
  plans: smoothL1Plans,
  read({ check, arrays, ...values }) {
    const predictions = floats(check, 'predictions', values.predictions);
    const targets = floats(check, 'targets', values.targets);
    expectShape(check, 'targets', targets, predictions.shape, 'like the predictions');
    const leading = (rank: number): number[] => predictions.shape.slice(0, rank);
    const weights = weightsInput(check, arrays, leading, 'of leading axes of the predictions');
    return { inputs: { predictions, targets, ...weights } };
  },
  // The loss depends on the difference only.
  gradients: (predictions) => ({
    predictions,
    targets: () => neg(predictions()),
    ...noGradients('smoothL1Loss', ['weights']),
  }),
});

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
  const { loss: value, grad } = loss.valueAndGrad(predictions, targets, options);
  return { loss: value, grad };
}
