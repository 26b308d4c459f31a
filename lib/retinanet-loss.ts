// The whole training loss of a RetinaNet in one call.
import { nativeAnchors, type Anchors } from './anchors.js';
import { readGroundTruth, readMatchOptions, type GroundTruth, type MatchOptions } from './assign.js';
import { backendIndex, type BackendName } from './backend.js';
import { readOutputShape } from './decode.js';
import { normalizerOrPositives } from './loss-options.js';
import { readFocalLossParameters, type FocalLossParameterOptions } from './per-class.js';
import { Call } from './call.js';
import type { DeviceTensor, Floats, FloatsLike, NumberLike } from './device-tensor.js';
import { plan, type Plan } from './plan.js';

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
  /** Divides both losses; 'positives' = max(1, positive anchors of the whole batch). Default 'positives'. */
  normalizer?: number | 'positives';
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
  /** [B, A, K]: derivative of `loss` by classLogits. */
  classGrad: FloatsLike<F>;
  /** [B, A, 4]: derivative of `loss` by boxDeltas. */
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
  'positiveThreshold',
  'negativeThreshold',
  'allowLowQualityMatches',
  'ignoreIof',
  'out',
  'backend',
] as const;

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
  const { beta = 1 / 9, boxWeight = 1, normalizer: divisor = 'positives' } = given;
  const { normalizer, byPositives } = normalizerOrPositives(check, divisor, 'sum', classLogits.length);
  const out = check.options<RetinanetLossOut<Floats>>('out', given.out, ['classGrad', 'boxGrad']);
  const classGrad = check.outLike('out.classGrad', out.classGrad, classLogits);
  const boxGrad = check.outLike('out.boxGrad', out.boxGrad, boxDeltas);
  const scalars = check.scalars(4);
  return plan(
    check,
    'retinanetLoss',
    [
      backendIndex(check, given.backend),
      ...anchors.args,
      ...truth,
      ...match,
      numClasses,
      classLogits,
      boxDeltas,
      alpha,
      gamma,
      labelSmoothing,
      check.number('beta', beta, { min: 0 }),
      check.number('boxWeight', boxWeight, { min: 0 }),
      normalizer,
      byPositives,
      classGrad,
      boxGrad,
      scalars,
    ],
    (numbers) => {
      const [loss, classLoss, boxLoss, numPositives] = (numbers ?? scalars) as (number | DeviceTensor)[];
      return { loss, classLoss, boxLoss, numPositives, classGrad, boxGrad } as RetinanetLoss<F>;
    },
  );
}
