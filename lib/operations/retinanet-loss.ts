// The whole training loss of a RetinaNet in one call.
import { nativeAnchors, type Anchors } from './anchors.js';
import { readGroundTruth, readMatchOptions, type GroundTruth, type MatchOptions } from './assign.js';
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { readOutputShape } from './decode-detections.js';
import { normalizerOrPositives } from '../arguments/loss-options.js';
import { readFocalLossParameters, type FocalLossParameterOptions } from '../arguments/per-class.js';
import { Call } from '../arguments/call.js';
import { DeviceTensor, type Floats, type FloatsLike, type NumberLike } from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import { plan, type Plan } from '../runtime/plan.js';
import { FLOAT32_MAX } from '../arguments/validate.js';

export interface RetinanetLossOptions<F extends Floats = Float32Array> extends MatchOptions, FocalLossParameterOptions {
  /** [B, A, K], flattened. */
  classLogits: F;
  /** [B, A, 4], flattened. */
  boxDeltas: FloatsLike<F>;
  anchors: Anchors<F>;
  /** Typed arrays, or tensors where the others are. */
  groundTruth: GroundTruth | GroundTruth<F>;
  /** K. Default: what the lengths tell. */
  numClasses?: number;
  /** Smooth L1's beta, >= 0. Default 1 / 9. */
  beta?: number;
  /** Multiplies the box loss and its gradient, >= 0. Default 1. */
  boxWeight?: number;
  /**
   * Divides both losses; 'positives' = max(1, positive anchors of the whole batch). Default 'positives'. In a call on tensors also a
   * tensor of one float32 or float64 on their device, such as a number of positives that was summed over several processes: nobody
   * looks at it on the host, and 0 counts as 1.
   */
  normalizer?: number | 'positives' | (F extends DeviceTensor ? DeviceTensor : never);
  /**
   * Multiplies both gradients, and not the losses: so that small ones survive in float16, whose least number is 6e-8. In
   * [2^-126, 3.4e38]. Default 1.
   */
  lossScale?: number;
  /** Arrays that receive the gradients; may be `classLogits` and `boxDeltas` themselves, and lie apart from all others. */
  out?: RetinanetLossOut<F>;
  backend?: BackendName;
}

export interface RetinanetLossOut<F extends Floats = Float32Array> {
  classGrad?: FloatsLike<F>;
  boxGrad?: FloatsLike<F>;
}

export interface RetinanetLoss<F extends Floats = Float32Array> {
  /** classLoss + boxLoss */
  loss: NumberLike<F>;
  /** Focal loss over all anchors that are not ignored. */
  classLoss: NumberLike<F>;
  /** boxWeight times smooth L1 over the deltas of the positive anchors. */
  boxLoss: NumberLike<F>;
  /** Positive anchors of the batch. */
  numPositives: NumberLike<F>;
  /** [B, A, K]: derivative of `loss` by classLogits, times lossScale. */
  classGrad: FloatsLike<F>;
  /** [B, A, 4]: derivative of `loss` by boxDeltas, times lossScale. */
  boxGrad: FloatsLike<F>;
}

export const RETINANET_LOSS_OPTIONS = [
  'classLogits',
  'boxDeltas',
  'anchors',
  'groundTruth',
  'numClasses',
  'alpha',
  'gamma',
  'labelSmoothing',
  'beta',
  'boxWeight',
  'normalizer',
  'lossScale',
  'positiveThreshold',
  'negativeThreshold',
  'allowLowQualityMatches',
  'ignoreIof',
  'out',
  'backend',
] as const;

const DIVISOR_DTYPES = ['float32', 'float64'] as const;

/**
 * Anchor assignment, focal loss, smooth L1 and both gradients (Lin et al. 2017, sections 3 and 4.1). Nothing but the gradients
 * and a few bytes an anchor is allocated.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function retinanetLoss<F extends Floats>(options: RetinanetLossOptions<F>): RetinanetLoss<F> {
  return planRetinanetLoss(options).runSync();
}

export function planRetinanetLoss<F extends Floats>(options: RetinanetLossOptions<F>): Plan<RetinanetLoss<F>> {
  const check = new Call('retinanetLoss');
  const given = check.required<RetinanetLossOptions<Floats>>('options', options, RETINANET_LOSS_OPTIONS);
  const anchors = nativeAnchors(check, given.anchors);
  const classLogits = check.activations('classLogits', given.classLogits);
  const boxDeltas = check.activations('boxDeltas', given.boxDeltas, classLogits);
  const { images, numClasses } = readOutputShape(check, anchors.count, classLogits, boxDeltas, given.numClasses);
  // Where there are no rows nothing tells K, and nothing depends on it.
  const labelsBelow = classLogits.length === 0 ? given.numClasses : numClasses;
  const { truth, images: truthImages } = readGroundTruth(check, given.groundTruth, labelsBelow);
  if (truthImages !== images && anchors.count > 0) {
    check.fail(
      'ERR_SHAPE',
      'groundTruth.offsets',
      `${String(images + 1)} offsets for ${String(images)} images`,
      String(truthImages + 1),
    );
  }
  const match = readMatchOptions(check, given);
  const { alpha, gamma, labelSmoothing } = readFocalLossParameters(check, given, numClasses);
  const { beta = 1 / 9, boxWeight = 1, normalizer: divides = 'positives', lossScale = 1 } = given;
  const divisor = DeviceTensor.is(divides)
    ? (check.operand('Float32Array', 'normalizer', divides, 1, 'on a device', DIVISOR_DTYPES) as DeviceTensor)
    : null;
  const { normalizer, byPositives } = normalizerOrPositives(check, divisor ? 1 : divides, 'sum', classLogits.length);
  const out = check.options<RetinanetLossOut<Floats>>('out', given.out, ['classGrad', 'boxGrad']);
  const classGrad = check.outLike('out.classGrad', out.classGrad, classLogits);
  const boxGrad = check.outLike('out.boxGrad', out.boxGrad, boxDeltas);
  const scalars = check.scalars(4);
  return plan(
    check,
    'retinanetLoss',
    {
      backend: backendIndex(check, given.backend),
      ...anchors.args,
      ...truth,
      ...match,
      classes: numClasses,
      classLogits,
      boxDeltas,
      alpha,
      gamma,
      labelSmoothing,
      boxLoss: native().regressions['smooth-l1'],
      beta: check.number('beta', beta, { min: 0 }),
      boxWeight: check.number('boxWeight', boxWeight, { min: 0 }),
      normalizer,
      normalizeByPositives: byPositives,
      divisor,
      // Float32 holds it.
      lossScale: check.number('lossScale', lossScale, { min: 2 ** -126, max: FLOAT32_MAX }),
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
