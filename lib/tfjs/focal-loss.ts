// The sigmoid focal loss on tensors.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Reduction, ReductionOptions } from '../arguments/loss-options.js';
import { kindOf } from '../arguments/typed-arrays.js';
import { FOCAL_LOSS_OPTIONS, focalLossPlans } from '../operations/focal-loss.js';
import type { BackendOptions } from '../runtime/backend.js';
import { noGradients } from './engine.js';
import { defineLoss, weightsInput, type LossCall, type TensorReduced } from './loss-kernel.js';
import {
  expectClasses,
  expectShape,
  floats,
  ints,
  isTensor,
  shapeText,
  type Input,
  type TensorFocalLossParameterOptions,
  type TensorOptionsOf,
  type TensorWeightOptions,
} from './tensors.js';

type Table = typeof focalLossPlans.options;

/**
 * Options of `sigmoidFocalLoss` on tensors. `weights` are float32 in the logits' shape without K; `numClasses`, if given, is that of
 * the shape.
 */
export interface TensorFocalLossOptions<R extends Reduction = Reduction>
  extends
    TensorOptionsOf<typeof FOCAL_LOSS_OPTIONS>,
    TensorFocalLossParameterOptions,
    TensorWeightOptions,
    ReductionOptions<R>,
    BackendOptions {}

/** Options of `sigmoidFocalLossBackward` on tensors. */
export interface TensorFocalLossBackwardOptions extends TensorFocalLossOptions {
  /** Upstream gradient: a number or scalar, or with reduction 'none' also of the logits' shape. Default 1. */
  gradOutput?: Input;
}

/** What `sigmoidFocalLossValueAndGrad` gives on tensors. */
export interface TensorFocalLossValueAndGrad<R extends Reduction = Reduction> {
  /** A scalar, or with reduction 'none' the losses in the logits' shape. */
  loss: TensorReduced<R>;
  /** Of the logits' shape: the derivative of the summed `loss` by the logits. */
  grad: Tensor;
  /** Anchors that are not ignored and have a class (dense targets: any target above 0). */
  numPositives: number;
}

const loss = defineLoss({
  operation: 'sigmoidFocalLoss',
  predictions: 'logits',
  plans: focalLossPlans,
  read: readFocalLoss,
  gradients: (logits) => ({ logits, ...noGradients('sigmoidFocalLoss', ['targets', 'weights']) }),
});

/**
 * Sigmoid focal loss (Lin et al. 2017, equation 5), differentiable by the logits: value and gradient come from one native pass.
 * Not differentiable by targets and weights, nor twice.
 *
 * @param logits float32 [..., K], raw network outputs; not [K] where positive anchors are counted (normalizer 'positives',
 *   numPositives) and targets are dense: say [1, K] or [N, 1]
 * @param targets int32 [...] class labels (-1 background, -2 ignored), or float32 [..., K] in [0, 1]
 * @returns a scalar, or with reduction 'none' the losses in the logits' shape
 * @throws RetinanetOpsError as sigmoidFocalLoss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export function sigmoidFocalLoss<R extends Reduction = 'sum'>(
  logits: Input,
  targets: Input,
  options?: TensorFocalLossOptions<R>,
): TensorReduced<R> {
  return loss.value(logits, targets, options);
}

/**
 * The gradient of {@link sigmoidFocalLoss} by the logits, in their shape. Not differentiable.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossBackward(
  logits: Input,
  targets: Input,
  options?: TensorFocalLossBackwardOptions,
): Tensor {
  return loss.backward(logits, targets, options);
}

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link sigmoidFocalLoss}.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossValueAndGrad<R extends Reduction = 'sum'>(
  logits: Input,
  targets: Input,
  options?: TensorFocalLossOptions<R>,
): TensorFocalLossValueAndGrad<R> {
  return loss.valueAndGrad(logits, targets, options);
}

function readFocalLoss({ check, arrays, attrs, isCounted, ...values }: LossCall<Table>) {
  const logits = floats(check, 'logits', values.predictions);
  if (logits.rank === 0) check.fail('ERR_SHAPE', 'logits', 'shape [..., K]', shapeText(logits));
  const rows = logits.shape.slice(0, -1);
  const isDense = isDenseFor(values.targets, logits.rank);
  const targets = isDense ? floats(check, 'targets', values.targets) : ints(check, 'targets', values.targets);
  if (isDense)
    expectShape(check, 'targets', targets, logits.shape, 'like the logits (float32 targets are dense, labels int32)');
  else expectShape(check, 'targets', targets, rows, 'of the logits without classes (int32 targets are labels)');
  expectClasses(check, attrs.numClasses, 'logits', logits);
  const counts = isCounted || attrs.normalizer === 'positives';
  const tellsClasses = [attrs.numClasses, arrays.weights, arrays.anchorWeights].some((value) => value !== undefined);
  const differsByClass = [attrs.alpha, attrs.gamma].some((value) => typeof value === 'object' && value !== null);
  if (isDense && counts && logits.rank === 1 && logits.size > 1 && !tellsClasses && !differsByClass) {
    const expected = 'shape [N, K] (positive anchors are counted, and dense targets do not tell where an anchor ends)';
    check.fail('ERR_SHAPE', 'logits', expected, shapeText(logits));
  }
  const weights = weightsInput(check, arrays, () => rows, 'of the logits without classes');
  return { inputs: { logits, targets, ...weights }, attrs: { numClasses: logits.shape.at(-1) } };
}

/** Tensors and typed arrays say it by their kind, nested arrays by their rank. */
function isDenseFor(targets: unknown, rank: number): boolean {
  if (isTensor(targets)) return targets.dtype !== 'int32';
  if (kindOf(targets) !== undefined) return kindOf(targets) === 'Float32Array';
  let depth = 0;
  for (let level: unknown = targets; Array.isArray(level); level = level[0]) depth++;
  return depth === rank;
}
