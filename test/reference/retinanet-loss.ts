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
  /** The deltas at which is worked out what the gradient takes for a constant. */
  at: number[];
}) => { value: number; grad: number[] };

const ofDeltas =
  (betaOf: (beta: number) => number): BoxLossReference =>
  ({ deltas, anchor, box, beta }) => {
    const targets = encode(anchor, 0, box, 0);
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
  normalizer?: number | 'positives';
  lossScale?: number;
}

/** Assignment, both losses and both gradients from the references of the pieces. */
export function retinanetLossReference(options: RetinanetLossReferenceOptions, at = options) {
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
    });
    boxSum += value;
    boxGrad.set(grad, 4 * row);
  }
  const focal = focalLossReference(classLogits, Int32Array.from(labels), { numClasses: 1, ...options });
  const divisor = normalizer === 'positives' ? Math.max(1, numPositives) : normalizer;
  return {
    loss: (focal.sum + boxWeight * boxSum) / divisor,
    classLoss: focal.sum / divisor,
    boxLoss: (boxWeight * boxSum) / divisor,
    numPositives,
    classGrad: focal.grad.map((v) => (lossScale * v) / divisor),
    boxGrad: boxGrad.map((v) => (lossScale * boxWeight * v) / divisor),
  };
}
