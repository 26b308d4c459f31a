// The losses of a regression on tensors.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Reduction, ReductionOptions } from '../arguments/loss-options.js';
import type { LossPlans } from '../operations/loss.js';
import type { NORMALIZER, REGRESSION_OPTIONS, RegressionPlans } from '../operations/regression.js';
import type { BackendOptions } from '../runtime/backend.js';
import { noGradients } from './engine.js';
import { defineLoss, weightsInput, type TensorReduced } from './loss-kernel.js';
import {
  expectShape,
  floats,
  shapeText,
  type Input,
  type TensorOptionsOf,
  type TensorWeightOptions,
} from './tensors.js';

/** The options of every regression loss; `weights` are float32 in leading axes of the predictions' shape, e.g. [B, A] for [B, A, 4]. */
export interface TensorRegressionOptions<R extends Reduction = Reduction>
  extends TensorOptionsOf<typeof NORMALIZER>, TensorWeightOptions, ReductionOptions<R>, BackendOptions {}

/** The upstream gradient of a backward pass. */
export interface TensorGradOutputOptions {
  /** Upstream gradient: a number or scalar, or with reduction 'none' also of the losses' shape. Default 1. */
  gradOutput?: Input;
}

/** Options of the gradient alone. */
export interface TensorRegressionBackwardOptions extends TensorRegressionOptions, TensorGradOutputOptions {}

/** A regression loss and its gradient. */
export interface TensorRegressionValueAndGrad<R extends Reduction = Reduction> {
  /** A scalar, or with reduction 'none' the losses. */
  loss: TensorReduced<R>;
  /** The derivative of the summed `loss` by the predictions, in their shape. */
  grad: Tensor;
}

/** A loss with the options of every regression loss and no more. */
export interface RegressionOnTensors {
  value: <R extends Reduction = 'sum'>(
    predictions: Input,
    targets: Input,
    options?: TensorRegressionOptions<R>,
  ) => TensorReduced<R>;
  backward: (predictions: Input, targets: Input, options?: TensorRegressionBackwardOptions) => Tensor;
  valueAndGrad: <R extends Reduction = 'sum'>(
    predictions: Input,
    targets: Input,
    options?: TensorRegressionOptions<R>,
  ) => TensorRegressionValueAndGrad<R>;
}

/** `byTargets`: the gradient by the targets, given the one by the predictions; without it there is none. */
export function defineRegression<T extends typeof REGRESSION_OPTIONS>(
  operation: string,
  typed: LossPlans<T> | RegressionPlans,
  byTargets?: (byPredictions: Tensor) => Tensor,
): RegressionOnTensors {
  const plans = typed as LossPlans<T>;
  const loss = defineLoss({
    operation,
    predictions: 'predictions',
    plans,
    read({ check, arrays, ...values }) {
      const predictions = floats(check, 'predictions', values.predictions);
      const targets = floats(check, 'targets', values.targets);
      expectShape(check, 'targets', targets, predictions.shape, 'like the predictions');
      const { width } = plans;
      if (width > 1 && predictions.shape.at(-1) !== width) {
        check.fail('ERR_SHAPE', 'predictions', `shape [..., ${String(width)}]`, shapeText(predictions));
      }
      const leading = (rank: number): number[] => predictions.shape.slice(0, rank);
      const weights = weightsInput(check, arrays, leading, 'of leading axes of the predictions');
      return { inputs: { predictions, targets, ...weights } };
    },
    gradients: (predictions) => ({
      predictions,
      ...(byTargets ? { targets: () => byTargets(predictions()) } : noGradients(operation, ['targets'])),
      ...noGradients(operation, ['weights']),
    }),
  });
  return {
    ...loss,
    valueAndGrad(...args) {
      const { loss: value, grad } = loss.valueAndGrad(...args);
      return { loss: value, grad };
    },
  };
}
