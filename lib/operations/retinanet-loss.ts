// The whole training loss of a RetinaNet in one call.
import { Call } from '../arguments/call.js';
import { divisorOf, readNormalizer } from '../arguments/loss-options.js';
import { neededValue, number, oneOf, output, value, type FloatArray, type OptionsOf } from '../arguments/options.js';
import { FOCAL_LOSS_PARAMETERS, focalLossParameters, type FocalLossParameterOptions } from '../arguments/per-class.js';
import { FLOAT32_MAX } from '../arguments/scalar-check.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import { DeviceTensor, type Floats, type FloatsLike, type NumberLike } from '../runtime/device-tensor.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import { nativeAnchors } from './anchors.js';
import { BOX_CODER, coderFields, type BoxCoderOptions } from './box-coder.js';
import { MATCH_OPTIONS, matchFields, type MatchOptions } from './assign.js';
import { readGroundTruth, type GroundTruth } from './ground-truth.js';
import { OUTPUTS, readOutputShape, type OutputOptions } from './decode-detections.js';
import { regressionNumber } from './regression.js';

/**
 * The box losses: `smooth-l1` and `l1` compare the deltas of positive anchors with those of their ground-truth boxes; `giou`, `diou`
 * and `ciou`, the generalized, distance and complete IoU loss, the boxes that the deltas decode to with the boxes themselves.
 */
export type BoxLossName = 'smooth-l1' | 'l1' | 'giou' | 'diou' | 'ciou';

/** The regression that each is, as native code knows it. */
export const BOX_LOSSES: Readonly<Record<BoxLossName, string>> = {
  'smooth-l1': 'smooth-l1',
  l1: 'smooth-l1', // at beta 0
  giou: 'giou',
  diou: 'diou',
  ciou: 'ciou',
};

/** The box losses of `retinanetLoss` and `trainRetinaNet`; see {@link BoxLossName}. */
export const BOX_LOSS_NAMES = Object.keys(BOX_LOSSES) as readonly BoxLossName[];

/** Where smooth L1 turns from a square to a line (Detectron's value for RetinaNet). */
const BOX_BETA = 1 / 9;

export const BOX_LOSS = {
  /** What regresses boxes. Default 'smooth-l1'. */
  boxLoss: oneOf(BOX_LOSS_NAMES, 'smooth-l1'),
  /** Smooth L1's beta, >= 0, for no other box loss. Default 1 / 9. */
  beta: number({ min: 0 }),
  /** Multiplies the box loss and its gradient, >= 0. Default 1. */
  boxWeight: number({ min: 0, default: 1 }),
  /**
   * Multiplies both gradients, and not the losses: so that small ones survive in float16, whose least number is 6e-8. In
   * [2^-126, 3.4e38]. Default 1.
   */
  lossScale: number({ min: 2 ** -126, max: FLOAT32_MAX, default: 1 }), // float32 holds it
};
const REST = {
  groundTruth: neededValue(),
  normalizer: value<number | 'positives' | 'positives-per-image'>(
    (check, argument, given) =>
      DeviceTensor.is(given) || given === 'positives-per-image' ? given : readNormalizer(check, argument, given),
    'positives',
  ),
  out: output(),
};
export const RETINANET_LOSS_OPTIONS = {
  ...OUTPUTS,
  ...REST,
  ...MATCH_OPTIONS,
  ...FOCAL_LOSS_PARAMETERS,
  ...BOX_CODER,
  ...BOX_LOSS,
  ...BACKEND,
};

/** Options of `retinanetLoss`. */
export interface RetinanetLossOptions<F extends Floats = Float32Array>
  extends
    OutputOptions<F>,
    MatchOptions,
    FocalLossParameterOptions,
    BoxCoderOptions,
    OptionsOf<typeof BOX_LOSS>,
    BackendOptions {
  /** Typed arrays, or tensors where the others are. */
  groundTruth: GroundTruth | GroundTruth<F>;
  /**
   * Divides both losses; 'positives' = max(1, positive anchors of the whole batch). 'positives-per-image' divides the losses of
   * each image by max(1, its own positive anchors) and their sum by the number of images, as torchvision does. Default
   * 'positives'. In a call on tensors also a
   * tensor of one float32 or float64 on their device, such as a number of positives that was summed over several processes: it is
   * not checked, and 0 counts as 1.
   */
  normalizer?: number | 'positives' | 'positives-per-image' | (F extends DeviceTensor ? DeviceTensor : never);
  /** Arrays that receive the gradients; may be `classLogits` and `boxDeltas` themselves, and must not overlap any other array of the call. */
  out?: RetinanetLossOut<F>;
}

const GRADIENTS = {
  /** [B, A, K] */
  classGrad: output<FloatArray>(),
  /** [B, A, 4] */
  boxGrad: output<FloatArray>(),
};

/** Arrays that receive the gradients of `retinanetLoss`. */
export interface RetinanetLossOut<F extends Floats = Float32Array> extends OptionsOf<typeof GRADIENTS, F> {}

/** What `retinanetLoss` gives: losses of B images, and their gradients. */
export interface RetinanetLoss<F extends Floats = Float32Array> {
  /** classLoss + boxLoss */
  loss: NumberLike<F>;
  /** Focal loss over all anchors that are not ignored. */
  classLoss: NumberLike<F>;
  /** boxWeight times what regresses the boxes of the positive anchors. */
  boxLoss: NumberLike<F>;
  /** Positive anchors of the batch. */
  numPositives: NumberLike<F>;
  /** [B, A, K] derivative of `loss` by classLogits, times lossScale. */
  classGrad: FloatsLike<F>;
  /** [B, A, 4] derivative of `loss` by boxDeltas, times lossScale. */
  boxGrad: FloatsLike<F>;
}

const DIVISOR_DTYPES = ['float32', 'float64'] as const;

/**
 * Anchor assignment, focal loss, box loss and both gradients (Lin et al. 2017, sections 3 and 4.1). Nothing but the gradients
 * and a few bytes per anchor is allocated.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const retinanetLoss = synchronous(planRetinanetLoss);

export function planRetinanetLoss<F extends Floats>(options: RetinanetLossOptions<F>): Plan<RetinanetLoss<F>> {
  const call = new Call('retinanetLoss');
  const given = call.options('options', options, RETINANET_LOSS_OPTIONS);
  const anchors = nativeAnchors(call, given.anchors);
  const classLogits = call.activations('classLogits', given.classLogits);
  const boxDeltas = call.activations('boxDeltas', given.boxDeltas, classLogits);
  const { images, numClasses } = readOutputShape(call, anchors.count, classLogits, boxDeltas, given.numClasses);
  // Where there are no rows nothing tells K, and nothing depends on it.
  const labelsBelow = classLogits.length === 0 ? given.numClasses : numClasses;
  const { truth, images: truthImages } = readGroundTruth(call, given.groundTruth, labelsBelow);
  if (truthImages !== images && anchors.count > 0) {
    call.fail(
      'ERR_SHAPE',
      'groundTruth.offsets',
      `${String(images + 1)} offsets for ${String(images)} images`,
      String(truthImages + 1),
    );
  }
  const { normalizer: divides } = given;
  const divisor = DeviceTensor.is(divides)
    ? (call.operand('Float32Array', 'normalizer', divides, 1, 'on a device', DIVISOR_DTYPES) as DeviceTensor)
    : null;
  const isPerImage = divides === 'positives-per-image';
  const parameters = focalLossParameters(call, given, numClasses);
  const out = call.options('out', given.out, GRADIENTS, 'out.');
  const classGrad = call.outLike('out.classGrad', out.classGrad, classLogits);
  const boxGrad = call.outLike('out.boxGrad', out.boxGrad, boxDeltas);
  const scalars = call.scalars(4);
  return plan(
    call,
    'retinanetLoss',
    {
      backend: backendIndex(call, given.backend),
      ...anchors.fields,
      ...truth,
      ...matchFields(call, given),
      ...coderFields(given),
      classes: numClasses,
      classLogits,
      boxDeltas,
      ...parameters,
      boxLoss: regressionNumber(BOX_LOSSES[given.boxLoss]),
      beta: betaOf(call, given),
      boxWeight: given.boxWeight,
      ...divisorOf(divisor || isPerImage ? 1 : (divides as number | 'positives'), 'sum', 1),
      normalizeByImage: isPerImage,
      divisor,
      lossScale: given.lossScale,
      classGrad,
      boxGrad,
      numbers: scalars,
    },
    (numbers) => {
      const [loss, classLoss, boxLoss, numPositives] = (numbers ?? scalars) as (number | DeviceTensor)[];
      return { loss, classLoss, boxLoss, numPositives, classGrad, boxGrad } as RetinanetLoss<F>;
    },
  );
}

function betaOf(call: Call, { boxLoss, beta }: { boxLoss: BoxLossName; beta: number | undefined }): number {
  if (boxLoss === 'smooth-l1') return beta ?? BOX_BETA;
  if (beta === undefined) return 0;
  call.fail('ERR_OPTION', 'beta', "boxLoss 'smooth-l1', the only one that has it,", `boxLoss '${boxLoss}'`);
}
