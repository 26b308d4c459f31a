// The sigmoid focal loss on tensors.
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import {
  planSigmoidFocalLoss,
  planSigmoidFocalLossBackward,
  planSigmoidFocalLossValueAndGrad,
  FOCAL_LOSS_OPTIONS,
  type FocalLossOptions,
} from '../operations/focal-loss.js';
import { givenWeights, type WeightOptions } from '../arguments/loss-options.js';
import type { PerClass } from '../arguments/per-class.js';
import { kindOf } from '../arguments/typed-arrays.js';
import { Check } from '../arguments/validate.js';
import { noGradients, scoped } from './engine.js';
import { defineLoss } from './loss-kernel.js';
import type { Arrays } from './memory.js';
import { gradOutputInput } from './grad-output.js';
import {
  expectClasses,
  expectShape,
  floats,
  ints,
  isTensor,
  perClassAttribute,
  shapeText,
  type Input,
  type TensorPerClass,
} from './tensors.js';

type Plain = Pick<FocalLossOptions, 'numClasses' | 'reduction' | 'normalizer' | 'labelSmoothing' | 'backend'>;

/** `weights` are float32 in the logits' shape without K. `numClasses`, if given, is that of the shape. */
export interface TensorFocalLossOptions extends Plain, WeightOptions<Input> {
  /** Weight of the positive class in [0, 1]; negatives weigh 1 - alpha; null = no weights. Default 0.25. */
  alpha?: TensorPerClass | null;
  /** Focusing parameter >= 0. Default 2. */
  gamma?: TensorPerClass;
}

export interface TensorFocalLossBackwardOptions extends TensorFocalLossOptions {
  /** Upstream gradient: a number or scalar, or with reduction 'none' also of the logits' shape. Default 1. */
  gradOutput?: Input;
}

export interface TensorFocalLossValueAndGrad {
  loss: Tensor;
  /** Of the logits' shape: the derivative of the summed `loss` by the logits. */
  grad: Tensor;
  /** Anchors that are not ignored and have a class (dense targets: any target above 0). */
  numPositives: number;
}

// Tensors are never written into.
const OPTIONS = FOCAL_LOSS_OPTIONS.filter((name) => name !== 'out');

interface Attrs extends Plain {
  alpha?: PerClass | null;
  gamma?: PerClass;
}

type Inputs = Record<string, Tensor> & Record<'logits' | 'targets', Tensor>;

const kernels = defineLoss<Attrs>({
  operation: 'sigmoidFocalLoss',
  predictions: 'logits',
  value: (x, attrs, out) =>
    planSigmoidFocalLoss(x.floats('logits'), x.either('targets'), { ...options(x, attrs), out }).runSync(),
  valueAndGrad: (x, attrs, out) =>
    planSigmoidFocalLossValueAndGrad(x.floats('logits'), x.either('targets'), { ...options(x, attrs), out }).runSync(),
  backward: (x, attrs, out) =>
    planSigmoidFocalLossBackward(x.floats('logits'), x.either('targets'), {
      ...options(x, attrs),
      gradOutput: x.floatsIfAny('gradOutput') ?? attrs.gradOutput,
      out,
    }).runSync(),
  gradients: (logits) => ({ logits, ...noGradients('sigmoidFocalLoss', ['targets', 'weights']) }),
});

function options(x: Arrays, attrs: Attrs): FocalLossOptions {
  const { numClasses, alpha, gamma, reduction, normalizer, labelSmoothing, backend } = attrs;
  const weights = x.floatsIfAny('weights');
  return { numClasses, alpha, gamma, reduction, normalizer, labelSmoothing, backend, weights };
}

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
export function sigmoidFocalLoss(
  logits: Input,
  targets: Input,
  options?: TensorFocalLossOptions & { reduction?: 'sum' | 'mean' },
): Scalar;
export function sigmoidFocalLoss(logits: Input, targets: Input, options?: TensorFocalLossOptions): Tensor;
export function sigmoidFocalLoss(logits: Input, targets: Input, options?: TensorFocalLossOptions): Tensor {
  return scoped(() => {
    const check = new Check('sigmoidFocalLoss');
    const { inputs, attrs } = read(check, logits, targets, check.options('options', options, OPTIONS));
    return kernels.value(inputs, attrs);
  });
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
  return scoped(() => {
    const check = new Check('sigmoidFocalLossBackward');
    const given = check.options<TensorFocalLossBackwardOptions>('options', options, [...OPTIONS, 'gradOutput']);
    const { inputs, attrs } = read(check, logits, targets, given);
    const upstream = gradOutputInput(check, given.gradOutput, inputs.logits, 'logits');
    return kernels.backward({ ...inputs, ...upstream.inputs }, { ...attrs, gradOutput: upstream.number });
  });
}

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link sigmoidFocalLoss}.
 *
 * @throws as sigmoidFocalLoss
 */
export function sigmoidFocalLossValueAndGrad(
  logits: Input,
  targets: Input,
  options?: TensorFocalLossOptions,
): TensorFocalLossValueAndGrad {
  return scoped(() => {
    const check = new Check('sigmoidFocalLossValueAndGrad');
    const { inputs, attrs } = read(check, logits, targets, check.options('options', options, OPTIONS), true);
    const { loss, grad, numPositives } = kernels.valueAndGrad(inputs, attrs);
    return { loss, grad, numPositives: numPositives.dataSync()[0] as number };
  });
}

function read(
  check: Check,
  logitsValue: Input,
  targetsValue: Input,
  given: TensorFocalLossOptions,
  countsPositives = given.normalizer === 'positives',
): { inputs: Inputs; attrs: Attrs } {
  const logits = floats(check, 'logits', logitsValue);
  if (logits.rank === 0) check.fail('ERR_SHAPE', 'logits', 'shape [..., K]', shapeText(logits));
  const rows = logits.shape.slice(0, -1);
  const dense = isDense(targetsValue, logits.rank);
  const targets = dense ? floats(check, 'targets', targetsValue) : ints(check, 'targets', targetsValue);
  if (dense)
    expectShape(check, 'targets', targets, logits.shape, 'like the logits (float32 targets are dense, labels int32)');
  else expectShape(check, 'targets', targets, rows, 'of the logits without classes (int32 targets are labels)');
  expectClasses(check, given.numClasses, 'logits', logits);
  const { alpha, gamma, reduction, normalizer, labelSmoothing, backend } = given;
  const tellsClasses = [given.numClasses, given.weights, given.anchorWeights].some((value) => value !== undefined);
  const byClass = [alpha, gamma].some((value) => typeof value === 'object' && value !== null);
  if (dense && countsPositives && logits.rank === 1 && logits.size > 1 && !tellsClasses && !byClass) {
    const expected = 'shape [N, K] (positive anchors are counted, and dense targets do not tell where an anchor ends)';
    check.fail('ERR_SHAPE', 'logits', expected, shapeText(logits));
  }
  const inputs: Inputs = { logits, targets };
  const { name, weights } = givenWeights(check, given);
  if (weights !== undefined) {
    inputs['weights'] = floats(check, name, weights);
    expectShape(check, name, inputs['weights'], rows, 'of the logits without classes');
  }
  const attrs = {
    numClasses: logits.shape.at(-1) as number,
    alpha: perClassAttribute(check, 'alpha', alpha) as Attrs['alpha'],
    gamma: perClassAttribute(check, 'gamma', gamma) as Attrs['gamma'],
    reduction,
    normalizer,
    labelSmoothing,
    backend,
  };
  return { inputs, attrs };
}

/** Tensors and typed arrays say it by their kind, nested arrays by their rank. */
function isDense(targets: unknown, rank: number): boolean {
  if (isTensor(targets)) return targets.dtype !== 'int32';
  if (kindOf(targets) !== undefined) return kindOf(targets) === 'Float32Array';
  let depth = 0;
  for (let level: unknown = targets; Array.isArray(level); level = level[0]) depth++;
  return depth === rank;
}
