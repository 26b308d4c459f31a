import type { BoxLossName } from 'retinanet-ops';
import { assignBatchReference, type AssignReferenceOptions, type GroundTruthOfBatch } from './assign.js';
import { encode } from './boxes.js';
import { focalLossReference, type FocalReferenceOptions } from './focal-loss.js';
import { iouLossOfDeltas } from './iou-losses.js';
import { smoothL1Element } from './smooth-l1.js';

/** The box loss of one positive anchor, and its gradient by the four deltas. */
export type BoxLossReference = (positive: {
  deltas: number[];
  anchor: Float32Array;
  box: Float32Array;
  beta: number;
  coderWeights?: ArrayLike<number>;
  /** The deltas at which is worked out what the gradient takes for a constant. */
  at: number[];
}) => { value: number; grad: number[] };

const ofDeltas =
  (betaOf: (beta: number) => number): BoxLossReference =>
  ({ deltas, anchor, box, beta, coderWeights }) => {
    const targets = encode(anchor, 0, box, 0, coderWeights);
    const terms = deltas.map((delta, k) => smoothL1Element(delta - Math.fround(targets[k]!), betaOf(beta)));
    return { value: terms.reduce((sum, { value }) => sum + value, 0), grad: terms.map(({ grad }) => grad) };
  };

export const BOX_LOSS_REFERENCES: Record<BoxLossName, BoxLossReference> = {
  'smooth-l1': ofDeltas((beta) => beta),
  l1: ofDeltas(() => 0),
  giou: (positive) => iouLossOfDeltas('giou', positive),
  diou: (positive) => iouLossOfDeltas('diou', positive),
  ciou: (positive) => iouLossOfDeltas('ciou', positive),
};

export interface RetinanetLossReferenceOptions extends AssignReferenceOptions, Partial<FocalReferenceOptions> {
  classLogits: ArrayLike<number>;
  boxDeltas: ArrayLike<number>;
  anchors: Float32Array;
  groundTruth: GroundTruthOfBatch;
  boxLoss?: BoxLossName;
  beta?: number;
  boxWeight?: number;
  normalizer?: number | 'positives' | 'positives-per-image';
  coderWeights?: ArrayLike<number>;
  lossScale?: number;
}

/** Assignment, both losses and both gradients from the references of the pieces. */
export function retinanetLossReference(
  options: RetinanetLossReferenceOptions,
  at = options,
): ReturnType<typeof lossOfBatch> {
  return options.normalizer === 'positives-per-image' ? meanOverImages(options, at) : lossOfBatch(options, at);
}

/** The mean over the images of what each gives by itself, as torchvision computes it. */
function meanOverImages(options: RetinanetLossReferenceOptions, at: RetinanetLossReferenceOptions) {
  const { offsets, boxes, labels, ignoreBoxes, ignoreOffsets } = options.groundTruth;
  const images = offsets.length - 1;
  const part = (values: ArrayLike<number>, b: number) => {
    const span = values.length / images;
    return Array.from({ length: span }, (_, i) => values[b * span + i]!);
  };
  const ofImage = (given: RetinanetLossReferenceOptions, b: number): RetinanetLossReferenceOptions => ({
    ...given,
    normalizer: 'positives',
    classLogits: part(given.classLogits, b),
    boxDeltas: part(given.boxDeltas, b),
    groundTruth: {
      boxes: boxes.slice(4 * offsets[b]!, 4 * offsets[b + 1]!),
      labels: labels.slice(offsets[b], offsets[b + 1]),
      offsets: Int32Array.of(0, offsets[b + 1]! - offsets[b]!),
      ...(ignoreBoxes &&
        ignoreOffsets && {
          ignoreBoxes: ignoreBoxes.slice(4 * ignoreOffsets[b]!, 4 * ignoreOffsets[b + 1]!),
          ignoreOffsets: Int32Array.of(0, ignoreOffsets[b + 1]! - ignoreOffsets[b]!),
        }),
    },
  });
  const all = Array.from({ length: images }, (_, b) => lossOfBatch(ofImage(options, b), ofImage(at, b)));
  const mean = (of: (loss: (typeof all)[number]) => number) => all.reduce((sum, loss) => sum + of(loss) / images, 0);
  const joined = (of: (loss: (typeof all)[number]) => Float64Array) =>
    Float64Array.from(all.flatMap((loss) => Array.from(of(loss), (v) => v / images)));
  return {
    loss: mean(({ loss }) => loss),
    classLoss: mean(({ classLoss }) => classLoss),
    boxLoss: mean(({ boxLoss }) => boxLoss),
    numPositives: all.reduce((sum, { numPositives }) => sum + numPositives, 0),
    classGrad: joined(({ classGrad }) => classGrad),
    boxGrad: joined(({ boxGrad }) => boxGrad),
  };
}

function lossOfBatch(options: RetinanetLossReferenceOptions, at: RetinanetLossReferenceOptions) {
  const { classLogits, boxDeltas, anchors, groundTruth } = options;
  const { boxLoss = 'smooth-l1', beta = 1 / 9, boxWeight = 1, normalizer = 'positives', lossScale = 1 } = options;
  const { labels, matches, positives, numPositives } = assignBatchReference(anchors, groundTruth, options);
  const boxGrad = new Float64Array(boxDeltas.length);
  let boxSum = 0;
  const four = (values: ArrayLike<number>, row: number) => Array.from({ length: 4 }, (_, k) => values[4 * row + k]!);
  for (const row of positives) {
    const { value, grad } = BOX_LOSS_REFERENCES[boxLoss]({
      deltas: four(boxDeltas, row),
      anchor: Float32Array.from(four(anchors, row % (anchors.length / 4))),
      box: Float32Array.from(four(groundTruth.boxes, matches[row]!)),
      beta,
      at: four(at.boxDeltas, row),
      ...(options.coderWeights && { coderWeights: options.coderWeights }),
    });
    boxSum += value;
    boxGrad.set(grad, 4 * row);
  }
  const focal = focalLossReference(classLogits, Int32Array.from(labels), { numClasses: 1, ...options });
  const divisor = typeof normalizer === 'number' ? normalizer : Math.max(1, numPositives);
  return {
    loss: (focal.sum + boxWeight * boxSum) / divisor,
    classLoss: focal.sum / divisor,
    boxLoss: (boxWeight * boxSum) / divisor,
    numPositives,
    classGrad: focal.grad.map((v) => (lossScale * v) / divisor),
    boxGrad: boxGrad.map((v) => (lossScale * boxWeight * v) / divisor),
  };
}
