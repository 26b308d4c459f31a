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
import type { ClassLoss, LossName } from './class-losses.js';

export interface LossInputs {
  /** [B * A * K] */
  classLogits: Float32Array;
  /** [B * A * 4] */
  boxDeltas: Float32Array;
  anchors: AnchorGrid;
  truth: GroundTruth;
  numClasses: number;
  coderWeights: readonly number[];
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

export interface Losses {
  classLoss: ClassLoss;
  boxLoss: BoxLossName;
  normalizer: StepNormalizer;
}

/** Class and box loss of a batch with their gradients, by the package's own operations. */
export function detectionLoss({ classLoss, boxLoss, normalizer }: Losses, inputs: LossInputs): LossSums {
  const dense = normalizer === 'positives' ? denseLoss : lossOfEachImage;
  switch (classLoss.name) {
    case 'focal':
      return dense(inputs, boxLoss, { alpha: classLoss.alpha, gamma: classLoss.gamma });
    case 'cross-entropy':
      return dense(inputs, boxLoss, CROSS_ENTROPY);
    case 'balanced-cross-entropy':
      return dense(inputs, boxLoss, { alpha: classLoss.alpha, gamma: 0 });
    case 'focal-star':
      return focalStarLoss(inputs, boxLoss, classLoss);
    case 'ohem':
      return sampledLoss(inputs, boxLoss, (assigned) => keepHardExamples(assigned, classLoss));
    case 'hard-negatives':
      return sampledLoss(inputs, boxLoss, (assigned) => keepHardNegatives(assigned, classLoss));
  }
}

type Of<Name extends LossName> = Extract<ClassLoss, { name: Name }>;

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

function lossOptions({ classLogits, boxDeltas, anchors, truth, numClasses, coderWeights, out }: LossInputs) {
  return { classLogits, boxDeltas, anchors, groundTruth: truth, numClasses, coderWeights, ...(out && { out }) };
}

/**
 * -log(sigmoid(gamma x_t + beta)) / gamma (Lin et al., 2017, appendix A), where x_t is the logit of an anchor's class and minus every
 * other logit: the cross-entropy of the logits gamma x + beta and gamma x - beta, whose derivative by x needs no factor.
 */
function focalStarLoss(inputs: LossInputs, boxLoss: BoxLossName, { alpha, gamma, beta }: Of<'focal-star'>): LossSums {
  const { classLogits, anchors, truth, numClasses } = inputs;
  const all = denseLoss(inputs, boxLoss, CROSS_ENTROPY);
  const { labels } = assignAnchorsBatch(anchors, truth);
  const moved = classLogits.map((x) => gamma * x - beta);
  for (const [i, label] of labels.entries()) if (label >= 0) moved[i * numClasses + label]! += 2 * beta;
  const { loss } = sigmoidFocalLossValueAndGrad(moved, labels, { alpha, gamma: 0, numClasses, out: all.classGrad });
  return { ...all, classLoss: loss / gamma };
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
  // A network that has diverged: nothing can be sorted, and the step says so by its loss.
  if (!Number.isFinite(all.classLoss + all.boxLoss)) return all;
  const { labels } = assignAnchorsBatch(anchors, truth);
  const plain = { ...CROSS_ENTROPY, numClasses };
  const classLosses = sigmoidFocalLoss(classLogits, labels, { ...plain, reduction: 'none' });
  const weights = keep({ ...inputs, labels, classLosses });
  const kept = sigmoidFocalLossValueAndGrad(classLogits, labels, { ...plain, weights, out: all.classGrad });
  return { ...all, classLoss: kept.loss };
}

function keepHardNegatives({ anchors, numClasses, labels, classLosses }: Assigned, options: Of<'hard-negatives'>) {
  const { ratio, minNegatives } = options;
  const weights = new Float32Array(labels.length);
  for (const [i, label] of labels.entries()) if (label >= 0) weights[i] = 1;
  for (let start = 0; start < labels.length; start += anchors.count) {
    const end = start + anchors.count;
    const losses = classLosses.subarray(start * numClasses, end * numClasses);
    const kept = selectHardNegatives(losses, labels.subarray(start, end), { ratio, minNegatives });
    for (const i of kept) weights[start + i] = 1;
  }
  return weights;
}

function keepHardExamples(assigned: Assigned, { count, iouThreshold, ratio }: Of<'ohem'>): Float32Array {
  const { anchors, numClasses, labels, classLosses, boxDeltas, coderWeights } = assigned;
  const weights = new Float32Array(labels.length);
  for (let start = 0; start < labels.length; start += anchors.count) {
    const losses = new Float32Array(anchors.count);
    for (let i = 0; i < anchors.count; i++) {
      for (let k = 0; k < numClasses; k++) losses[i]! += classLosses[(start + i) * numClasses + k]!;
    }
    const boxes = decodeBoxes(anchors, boxDeltas.subarray(start * 4, (start + anchors.count) * 4), { coderWeights });
    const isBalanced = ratio !== undefined;
    const hardest = onlineHardExamples(losses, boxes, { iouThreshold, count: isBalanced ? anchors.count : count });
    const own = labels.subarray(start, start + anchors.count);
    for (const i of isBalanced ? balanced(hardest, own, count, ratio) : hardest) weights[start + i] = 1;
  }
  return weights;
}

/**
 * Of anchors, hardest first, at most `count`, of which at most one in 1 + ratio is positive, with at most `ratio` negatives for each
 * positive one, and for an image without any as many as for one.
 */
function balanced(hardest: Int32Array, labels: Int32Array, count: number, ratio: number): number[] {
  const all = Array.from(hardest);
  const positives = all.filter((i) => labels[i]! >= 0).slice(0, Math.max(1, Math.floor(count / (1 + ratio))));
  const negatives = Math.min(count - positives.length, Math.floor(ratio * Math.max(1, positives.length)));
  return [...positives, ...all.filter((i) => labels[i] === -1).slice(0, negatives)];
}
