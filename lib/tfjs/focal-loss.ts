// The sigmoid focal loss on tensors.
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import {
  planSigmoidFocalLoss,
  planSigmoidFocalLossBackward,
  planSigmoidFocalLossValueAndGrad,
  type FocalLossOptions,
} from '../focal-loss.js';
import { kindOf } from '../typed-arrays.js';
import { Check } from '../validate.js';
import { noGradients, scoped } from './engine.js';
import { defineLoss } from './loss-kernel.js';
import type { Arrays } from './memory.js';
import { gradOutputInput } from './grad-output.js';
import {
  expectShape,
  floats,
  ints,
  isTensor,
  perClassAttribute,
  perClassOption,
  shapeText,
  type Input,
} from './tensors.js';

export interface TensorFocalLossOptions extends Pick<
  FocalLossOptions,
  'reduction' | 'normalizer' | 'labelSmoothing' | 'backend'
> {
  /** Weight of the positive class in [0, 1], one number or [K]; negatives weigh 1 - alpha; null = no weights. Default 0.25. */
  alpha?: number | Float32Array | number[] | Tensor | null;
  /** Focusing parameter >= 0, one number or [K]. Default 2. */
  gamma?: number | Float32Array | number[] | Tensor;
  /** float32, the logits' shape without K: multiplies an anchor's losses; an anchor of weight 0 is ignored. */
  anchorWeights?: Input;
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

const OPTIONS = ['alpha', 'gamma', 'reduction', 'normalizer', 'anchorWeights', 'labelSmoothing', 'backend'] as const;

interface Attrs extends Pick<FocalLossOptions, 'reduction' | 'normalizer' | 'labelSmoothing' | 'backend'> {
  numClasses: number;
  alpha?: number | number[] | null;
  gamma?: number | number[];
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
  gradients: (logits) => ({ logits, ...noGradients('sigmoidFocalLoss', ['targets', 'anchorWeights']) }),
});

function options(x: Arrays, attrs: Attrs): FocalLossOptions {
  const { numClasses, reduction, normalizer, labelSmoothing, backend } = attrs;
  return {
    numClasses,
    reduction,
    normalizer,
    labelSmoothing,
    backend,
    alpha: perClassOption(attrs.alpha),
    gamma: perClassOption(attrs.gamma),
    anchorWeights: x.floatsIfAny('anchorWeights'),
  };
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
  const { anchorWeights, alpha, gamma, reduction, normalizer, labelSmoothing, backend } = given;
  const tellsClasses = [alpha, gamma].some((value) => typeof value === 'object' && value !== null);
  if (
    dense &&
    countsPositives &&
    logits.rank === 1 &&
    logits.size > 1 &&
    !tellsClasses &&
    anchorWeights === undefined
  ) {
    const expected = 'shape [N, K] (positive anchors are counted, and dense targets do not tell where an anchor ends)';
    check.fail('ERR_SHAPE', 'logits', expected, shapeText(logits));
  }
  const inputs: Inputs = { logits, targets };
  if (anchorWeights !== undefined) {
    inputs['anchorWeights'] = floats(check, 'anchorWeights', anchorWeights);
    expectShape(check, 'anchorWeights', inputs['anchorWeights'], rows, 'of the logits without classes');
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
