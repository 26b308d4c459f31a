// The smooth L1 loss on tensors.
import { neg, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { givenWeights, type WeightOptions } from '../arguments/loss-options.js';
import {
  planSmoothL1Loss,
  planSmoothL1LossBackward,
  planSmoothL1LossValueAndGrad,
  SMOOTH_L1_OPTIONS,
  type SmoothL1Options,
} from '../operations/smooth-l1.js';
import { Check } from '../arguments/validate.js';
import { noGradients, scoped } from './engine.js';
import { gradOutputInput } from './grad-output.js';
import { defineLoss } from './loss-kernel.js';
import type { Arrays } from './memory.js';
import { expectShape, floats, type Input } from './tensors.js';

type Plain = Pick<SmoothL1Options, 'beta' | 'reduction' | 'normalizer' | 'backend'>;

/** `weights` are float32 in the leading axes of the predictions' shape, e.g. [B, A] for [B, A, 4]. */
export interface TensorSmoothL1Options extends Plain, WeightOptions<Input> {}

export interface TensorSmoothL1BackwardOptions extends TensorSmoothL1Options {
  /** Upstream gradient: a number or scalar, or with reduction 'none' also of the predictions' shape. Default 1. */
  gradOutput?: Input;
}

export interface TensorSmoothL1ValueAndGrad {
  loss: Tensor;
  /** The derivative of the summed `loss` by the predictions, in their shape. */
  grad: Tensor;
}

// Tensors are never written into.
const OPTIONS = SMOOTH_L1_OPTIONS.filter((name) => name !== 'out');

type Inputs = Record<string, Tensor> & Record<'predictions' | 'targets', Tensor>;

const kernels = defineLoss<Plain>({
  operation: 'smoothL1Loss',
  predictions: 'predictions',
  value: (x, attrs, out) =>
    planSmoothL1Loss(x.floats('predictions'), x.floats('targets'), { ...options(x, attrs), out }).runSync(),
  valueAndGrad: (x, attrs, out) =>
    planSmoothL1LossValueAndGrad(x.floats('predictions'), x.floats('targets'), { ...options(x, attrs), out }).runSync(),
  backward: (x, attrs, out) =>
    planSmoothL1LossBackward(x.floats('predictions'), x.floats('targets'), {
      ...options(x, attrs),
      gradOutput: x.floatsIfAny('gradOutput') ?? attrs.gradOutput,
      out,
    }).runSync(),
  // The loss depends on the difference only.
  gradients: (predictions) => ({
    predictions,
    targets: () => neg(predictions()),
    ...noGradients('smoothL1Loss', ['weights']),
  }),
});

function options(x: Arrays, { beta, reduction, normalizer, backend }: Plain): SmoothL1Options {
  return { beta, reduction, normalizer, backend, weights: x.floatsIfAny('weights') };
}

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss), differentiable by predictions and targets:
 * value and gradient come from one native pass. Not differentiable by weights, nor twice.
 *
 * @param predictions float32 of any shape, e.g. box deltas [P, 4]
 * @param targets float32 of the same shape
 * @returns a scalar, or with reduction 'none' the losses in the predictions' shape
 * @throws RetinanetOpsError as smoothL1Loss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export function smoothL1Loss(
  predictions: Input,
  targets: Input,
  options?: TensorSmoothL1Options & { reduction?: 'sum' | 'mean' },
): Scalar;
export function smoothL1Loss(predictions: Input, targets: Input, options?: TensorSmoothL1Options): Tensor;
export function smoothL1Loss(predictions: Input, targets: Input, options?: TensorSmoothL1Options): Tensor {
  return scoped(() => {
    const check = new Check('smoothL1Loss');
    const { inputs, attrs } = read(check, predictions, targets, check.options('options', options, OPTIONS));
    return kernels.value(inputs, attrs);
  });
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
  return scoped(() => {
    const check = new Check('smoothL1LossBackward');
    const given = check.options<TensorSmoothL1BackwardOptions>('options', options, [...OPTIONS, 'gradOutput']);
    const { inputs, attrs } = read(check, predictions, targets, given);
    const upstream = gradOutputInput(check, given.gradOutput, inputs.predictions, 'predictions');
    return kernels.backward({ ...inputs, ...upstream.inputs }, { ...attrs, gradOutput: upstream.number });
  });
}

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link smoothL1Loss}.
 *
 * @throws as smoothL1Loss
 */
export function smoothL1LossValueAndGrad(
  predictions: Input,
  targets: Input,
  options?: TensorSmoothL1Options,
): TensorSmoothL1ValueAndGrad {
  return scoped(() => {
    const check = new Check('smoothL1LossValueAndGrad');
    const { inputs, attrs } = read(check, predictions, targets, check.options('options', options, OPTIONS));
    const { loss, grad } = kernels.valueAndGrad(inputs, attrs);
    return { loss, grad };
  });
}

function read(
  check: Check,
  predictionsValue: Input,
  targetsValue: Input,
  { beta, reduction, normalizer, backend, ...given }: TensorSmoothL1Options,
): { inputs: Inputs; attrs: Plain } {
  const predictions = floats(check, 'predictions', predictionsValue);
  const targets = floats(check, 'targets', targetsValue);
  expectShape(check, 'targets', targets, predictions.shape, 'like the predictions');
  const inputs: Inputs = { predictions, targets };
  const { name, weights } = givenWeights(check, given);
  if (weights !== undefined) {
    inputs['weights'] = floats(check, name, weights);
    const leading = predictions.shape.slice(0, inputs['weights'].rank);
    expectShape(check, name, inputs['weights'], leading, 'of leading axes of the predictions');
  }
  return { inputs, attrs: { beta, reduction, normalizer, backend } };
}
