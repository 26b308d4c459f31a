import {
  type AnchorGrid,
  type BoxLossName,
  type FocalLossParameterOptions,
  type GroundTruth,
  assignAnchorsBatch,
  decodeBoxes,
  onlineHardExamples,
  retinanetLoss,
  selectHardNegatives,
  sigmoidFocalLoss,
  sigmoidFocalLossValueAndGrad,
} from '../../index.js';
import type { StepNormalizer } from '../model/presets.js';

/** The class losses that `trainRetinaNet` knows; see {@link LossName}. */
export const LOSS_NAMES = ['focal', 'cross-entropy', 'balanced-cross-entropy', 'ohem', 'hard-negatives'] as const;

/**
 * How the class loss copes with the many easy negatives:
 * - `focal`: all anchors, alpha 0.25, gamma 2 (Lin et al., 2017);
 * - `cross-entropy`: all anchors alike;
 * - `balanced-cross-entropy`: all anchors, alpha 0.75, the best of the paper's table 1a;
 * - `ohem`: the hardest 128 anchors of an image after NMS over its anchors at 0.7 (Shrivastava et al., 2016);
 * - `hard-negatives`: all positives and the three hardest negatives for each (SSD, Liu et al., 2016).
 */
export type LossName = (typeof LOSS_NAMES)[number];

export interface LossInputs {
  /** [B * A * K] */
  classLogits: Float32Array;
  /** [B * A * 4] */
  boxDeltas: Float32Array;
  anchors: AnchorGrid;
  truth: GroundTruth;
  numClasses: number;
  /** Receive the gradients; default: new arrays. */
  out?: Gradients | undefined;
}

export interface Gradients {
  /** [B * A * K] */
  classGrad: Float32Array;
  /** [B * A * 4] */
  boxGrad: Float32Array;
}

/** Sums over a batch: the caller divides by those of all threads. */
export interface LossSums extends Gradients {
  classLoss: number;
  boxLoss: number;
  numPositives: number;
  /** What the sums are to be divided by, summed over all threads: positives, or images where each has its own. */
  divisor: number;
}

const OHEM_COUNT = 128;
const OHEM_IOU = 0.7;
const HARD_NEGATIVE_RATIO = 3;

export interface LossNames {
  loss: LossName;
  boxLoss: BoxLossName;
  normalizer: StepNormalizer;
}

/** Class and box loss of a batch with their gradients, by the package's own operations. */
export function detectionLoss({ loss, boxLoss, normalizer }: LossNames, inputs: LossInputs): LossSums {
  const dense = normalizer === 'positives' ? denseLoss : lossOfEachImage;
  switch (loss) {
    case 'focal':
      return dense(inputs, boxLoss, {});
    case 'cross-entropy':
      return dense(inputs, boxLoss, CROSS_ENTROPY);
    case 'balanced-cross-entropy':
      return dense(inputs, boxLoss, { alpha: 0.75, gamma: 0 });
    case 'ohem':
      return sampledLoss(inputs, boxLoss, keepHardExamples);
    case 'hard-negatives':
      return sampledLoss(inputs, boxLoss, keepHardNegatives);
  }
}

const CROSS_ENTROPY = { alpha: null, gamma: 0 };

/** Every anchor that is not ignored takes part. */
function denseLoss(inputs: LossInputs, boxLoss: BoxLossName, parameters: FocalLossParameterOptions): LossSums {
  const result = retinanetLoss({ ...lossOptions(inputs), ...parameters, boxLoss, normalizer: 1 });
  return { ...result, divisor: result.numPositives };
}

/** The sum over images of their losses over their own positives, as torchvision has it. */
function lossOfEachImage(inputs: LossInputs, boxLoss: BoxLossName, parameters: FocalLossParameterOptions): LossSums {
  const images = inputs.truth.offsets.length - 1;
  const options = { ...parameters, boxLoss, normalizer: 'positives-per-image', lossScale: images } as const;
  const result = retinanetLoss({ ...lossOptions(inputs), ...options });
  return { ...result, classLoss: images * result.classLoss, boxLoss: images * result.boxLoss, divisor: images };
}

function lossOptions({ classLogits, boxDeltas, anchors, truth, numClasses, out }: LossInputs) {
  return { classLogits, boxDeltas, anchors, groundTruth: truth, numClasses, ...(out && { out }) };
}

interface Assigned extends LossInputs {
  /** [B * A] */
  labels: Int32Array;
  /** [B * A * K] cross-entropy of every logit. */
  classLosses: Float32Array;
}

/** Cross-entropy over the anchors that `keep` gives weight 1; the box loss over all positive ones. */
function sampledLoss(inputs: LossInputs, boxLoss: BoxLossName, keep: (assigned: Assigned) => Float32Array): LossSums {
  const { classLogits, anchors, truth, numClasses } = inputs;
  const all = denseLoss(inputs, boxLoss, CROSS_ENTROPY);
  const { labels } = assignAnchorsBatch(anchors, truth);
  const plain = { ...CROSS_ENTROPY, numClasses };
  const classLosses = sigmoidFocalLoss(classLogits, labels, { ...plain, reduction: 'none' });
  const weights = keep({ ...inputs, labels, classLosses });
  const kept = sigmoidFocalLossValueAndGrad(classLogits, labels, { ...plain, weights, out: all.classGrad });
  return { ...all, classLoss: kept.loss };
}

function keepHardNegatives({ anchors, numClasses, labels, classLosses }: Assigned): Float32Array {
  const weights = new Float32Array(labels.length);
  for (const [i, label] of labels.entries()) if (label >= 0) weights[i] = 1;
  for (let start = 0; start < labels.length; start += anchors.count) {
    const end = start + anchors.count;
    const losses = classLosses.subarray(start * numClasses, end * numClasses);
    const kept = selectHardNegatives(losses, labels.subarray(start, end), { ratio: HARD_NEGATIVE_RATIO });
    for (const i of kept) weights[start + i] = 1;
  }
  return weights;
}

function keepHardExamples({ anchors, numClasses, labels, classLosses, boxDeltas }: Assigned): Float32Array {
  const weights = new Float32Array(labels.length);
  for (let start = 0; start < labels.length; start += anchors.count) {
    const losses = new Float32Array(anchors.count);
    for (let i = 0; i < anchors.count; i++) {
      for (let k = 0; k < numClasses; k++) losses[i]! += classLosses[(start + i) * numClasses + k]!;
    }
    const boxes = decodeBoxes(anchors, boxDeltas.subarray(start * 4, (start + anchors.count) * 4));
    const kept = onlineHardExamples(losses, boxes, { iouThreshold: OHEM_IOU, count: OHEM_COUNT });
    for (const i of kept) weights[start + i] = 1;
  }
  return weights;
}
