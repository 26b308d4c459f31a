// The whole training loss of a RetinaNet in one call.
import { nativeAnchors, type Anchors } from './anchors.js';
import { readGroundTruth, readMatchOptions, type GroundTruth, type MatchOptions } from './assign.js';
import { backendIndex, type BackendName } from './backend.js';
import { readOutputShape } from './decode.js';
import { readFocalLossParameters, type FocalLossOptions } from './focal-loss.js';
import { normalizerOrPositives } from './loss-options.js';
import { plan, type Plan } from './plan.js';
import { Check } from './validate.js';

export interface RetinanetLossOptions
  extends MatchOptions, Pick<FocalLossOptions, 'numClasses' | 'alpha' | 'gamma' | 'labelSmoothing' | 'backend'> {
  /** [B, A, K], flattened. */
  classLogits: Float32Array;
  /** [B, A, 4], flattened. */
  boxDeltas: Float32Array;
  anchors: Anchors;
  groundTruth: GroundTruth;
  /** Smooth L1's beta, >= 0. Default 1 / 9. */
  beta?: number;
  /** Multiplies the box loss and its gradient, >= 0. Default 1. */
  boxWeight?: number;
  /** Divides both losses; 'positives' = max(1, positive anchors of the whole batch). Default 'positives'. */
  normalizer?: number | 'positives';
  /** Arrays that receive the gradients; may be `classLogits` and `boxDeltas` themselves. */
  out?: { classGrad?: Float32Array; boxGrad?: Float32Array };
  backend?: BackendName;
}

export interface RetinanetLoss {
  /** classLoss + boxLoss */
  loss: number;
  /** Focal loss over all anchors that are not ignored. */
  classLoss: number;
  /** boxWeight times smooth L1 over the deltas of the positive anchors. */
  boxLoss: number;
  /** Positive anchors of the batch. */
  numPositives: number;
  /** [B, A, K]: derivative of `loss` by classLogits. */
  classGrad: Float32Array;
  /** [B, A, 4]: derivative of `loss` by boxDeltas. */
  boxGrad: Float32Array;
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
export function retinanetLoss(options: RetinanetLossOptions): RetinanetLoss {
  return planRetinanetLoss(options).runSync();
}

export function planRetinanetLoss(options: RetinanetLossOptions): Plan<RetinanetLoss> {
  const check = new Check('retinanetLoss');
  const given = check.required<RetinanetLossOptions>('options', options, RETINANET_LOSS_OPTIONS);
  const anchors = nativeAnchors(check, given.anchors);
  const classLogits = check.array('Float32Array', 'classLogits', given.classLogits);
  const boxDeltas = check.array('Float32Array', 'boxDeltas', given.boxDeltas);
  const { images, numClasses } = readOutputShape(check, anchors.count, classLogits, boxDeltas, given.numClasses);
  const { truth, images: truthImages } = readGroundTruth(check, given.groundTruth, numClasses);
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
  const out = check.options<{ classGrad?: Float32Array; boxGrad?: Float32Array }>('out', given.out, [
    'classGrad',
    'boxGrad',
  ]);
  const classGrad = check.out('Float32Array', 'out.classGrad', out.classGrad, classLogits.length);
  const boxGrad = check.out('Float32Array', 'out.boxGrad', out.boxGrad, boxDeltas.length);
  check.apart('out.classGrad', classGrad, 'out.boxGrad', boxGrad);
  const scalars = new Float64Array(3);
  return plan(
    'retinanetLoss',
    [
      backendIndex(check, given.backend),
      anchors.data,
      anchors.levels,
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
    () => {
      const [classLoss, boxLoss, numPositives] = scalars as unknown as [number, number, number];
      return { loss: classLoss + boxLoss, classLoss, boxLoss, numPositives, classGrad, boxGrad };
    },
  );
}
