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

/** Sums over a batch, not divided by anything: the caller knows the positives of all threads. */
export interface LossSums extends Gradients {
  classLoss: number;
  boxLoss: number;
  numPositives: number;
}

const OHEM_COUNT = 128;
const OHEM_IOU = 0.7;
const HARD_NEGATIVE_RATIO = 3;

export interface LossNames {
  loss: LossName;
  boxLoss: BoxLossName;
}

/** Class and box loss of a batch with their gradients, by the package's own operations. */
export function detectionLoss({ loss, boxLoss }: LossNames, inputs: LossInputs): LossSums {
  switch (loss) {
    case 'focal':
      return denseLoss(inputs, boxLoss, {});
    case 'cross-entropy':
      return denseLoss(inputs, boxLoss, CROSS_ENTROPY);
    case 'balanced-cross-entropy':
      return denseLoss(inputs, boxLoss, { alpha: 0.75, gamma: 0 });
    case 'ohem':
      return sampledLoss(inputs, boxLoss, keepHardExamples);
    case 'hard-negatives':
      return sampledLoss(inputs, boxLoss, keepHardNegatives);
  }
}

const CROSS_ENTROPY = { alpha: null, gamma: 0 };

/** Every anchor that is not ignored takes part. */
function denseLoss(inputs: LossInputs, boxLoss: BoxLossName, parameters: FocalLossParameterOptions): LossSums {
  const { classLogits, boxDeltas, anchors, truth, numClasses, out } = inputs;
  return retinanetLoss({
    classLogits,
    boxDeltas,
    anchors,
    groundTruth: truth,
    numClasses,
    ...parameters,
    boxLoss,
    normalizer: 1,
    ...(out && { out }),
  });
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
