// The whole training loss of a RetinaNet on tensors.
import { add, engine, type Scalar, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import type { MatchOptions } from '../operations/assign.js';
import {
  BOX_LOSS,
  RETINANET_LOSS_OPTIONS,
  planRetinanetLoss,
  type RetinanetLossOptions,
} from '../operations/retinanet-loss.js';
import { Check } from '../arguments/check.js';
import type { BackendOptions } from '../runtime/backend.js';
import type { TensorBoxCoderOptions } from './boxes.js';
import { chainRule, defineKernel, noGradient, noGradients, scoped } from './engine.js';
import { GROUND_TRUTH_INPUTS, groundTruthInputs, groundTruthOf, type TensorGroundTruth } from './ground-truth.js';
import { compute, write, type Outputs } from './memory.js';
import { readOutputs, type TensorOutputs } from './outputs.js';
import {
  isTensor,
  kernelAnchors,
  perClassAttribute,
  splitOptions,
  type TensorFocalLossParameterOptions,
  type TensorOptionsOf,
} from './tensors.js';

/** Options of `retinanetLoss` on tensors. */
export interface TensorRetinanetLossOptions
  extends
    TensorOutputs,
    MatchOptions,
    TensorFocalLossParameterOptions,
    TensorBoxCoderOptions,
    TensorOptionsOf<typeof BOX_LOSS>,
    BackendOptions {
  /** What is in the images. */
  groundTruth: TensorGroundTruth;
  /** As on typed arrays; or a float32 scalar, such as a number of positives that was summed over several processes: 0 counts as 1. */
  normalizer?: number | 'positives' | 'positives-per-image' | Scalar;
}

/** What `retinanetLoss` gives on tensors. */
export interface TensorRetinanetLoss {
  /** classLoss + boxLoss */
  loss: Scalar;
  /** Focal loss over all anchors that are not ignored. */
  classLoss: Scalar;
  /** boxWeight times what regresses the boxes of the positive anchors. */
  boxLoss: Scalar;
  /** Positive anchors of the batch. */
  numPositives: number;
}

interface Attrs extends Partial<Omit<RetinanetLossOptions, 'out'>> {
  grid: AnchorGrid | undefined;
  /** Also return the derivatives, for the gradient. */
  withDerivatives: boolean;
}

const kernel = defineKernel<Attrs>(
  'RetinanetOpsRetinanetLoss',
  ({ inputs, backend, attrs }) => {
    const { grid, withDerivatives, ...rest } = attrs;
    const outputs: Outputs = {};
    if (withDerivatives) {
      outputs['classGrad'] = ['float32', (inputs['classLogits'] as TensorInfo).shape];
      outputs['boxGrad'] = ['float32', (inputs['boxDeltas'] as TensorInfo).shape];
    }
    const { result, tensors } = compute(backend, inputs, outputs, (x, out) =>
      planRetinanetLoss({
        ...rest,
        anchors: kernelAnchors(x, { grid }),
        groundTruth: groundTruthOf(x),
        classLogits: x.floats('classLogits'),
        boxDeltas: x.floats('boxDeltas'),
        out: { classGrad: out.floatsIfAny('classGrad'), boxGrad: out.floatsIfAny('boxGrad') },
      }).runSync(),
    );
    const scalar = (value: number): TensorInfo => write(backend, Float32Array.of(value), []);
    return [
      scalar(result.loss),
      scalar(result.classLoss),
      scalar(result.boxLoss),
      write(backend, Int32Array.of(result.numPositives), []),
      ...Object.values(tensors),
    ];
  },
  {
    outputsToSave: [false, false, false, false, true, true],
    gradFunc: (dys, saved) => {
      const [dLoss, dClassLoss, dBoxLoss] = dys as [Tensor, Tensor, Tensor];
      const [classGrad, boxGrad] = saved;
      if (classGrad === undefined || boxGrad === undefined) {
        noGradient('retinanetLoss: expected the kernel to be run by the operation');
      }
      return {
        classLogits: () => chainRule('retinanetLoss', classGrad, add(dLoss, dClassLoss)),
        boxDeltas: () => chainRule('retinanetLoss', boxGrad, add(dLoss, dBoxLoss)),
        ...noGradients('retinanetLoss', ['anchors', ...GROUND_TRUTH_INPUTS]),
      };
    },
  },
);

/**
 * Anchor assignment, focal loss and box loss (Lin et al. 2017, sections 3 and 4.1), differentiable by classLogits and
 * boxDeltas: values and gradients come from one native pass. Not differentiable twice.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY,
 * ERR_GRADIENT
 */
export function retinanetLoss(options: TensorRetinanetLossOptions): TensorRetinanetLoss {
  return scoped(() => {
    const check = new Check('retinanetLoss');
    const { arrays, attrs } = splitOptions(check, options, RETINANET_LOSS_OPTIONS);
    const { groundTruth, normalizer, anchors: _anchors, ...rest } = attrs as Partial<TensorRetinanetLossOptions>;
    const divisor = perClassAttribute(check, 'normalizer', normalizer);
    const { inputs, grid, numClasses } = readOutputs(check, arrays, attrs);
    const [loss, classLoss, boxLoss, numPositives] = kernel(
      { ...inputs, ...groundTruthInputs(check, groundTruth) },
      {
        ...(rest as Partial<RetinanetLossOptions>),
        normalizer: (divisor === 0 && isTensor(normalizer) ? 1 : divisor) as RetinanetLossOptions['normalizer'],
        grid,
        numClasses,
        withDerivatives: engine().isTapeOn(),
      },
    ) as [Scalar, Scalar, Scalar, Scalar];
    return { loss, classLoss, boxLoss, numPositives: numPositives.dataSync()[0] as number };
  });
}
