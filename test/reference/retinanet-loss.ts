import { assignBatchReference, type AssignReferenceOptions, type GroundTruthOfBatch } from './assign.js';
import { focalLossReference, type FocalReferenceOptions } from './focal-loss.js';
import { smoothL1Element } from './smooth-l1.js';

export interface RetinanetLossReferenceOptions extends AssignReferenceOptions, Partial<FocalReferenceOptions> {
  classLogits: ArrayLike<number>;
  boxDeltas: ArrayLike<number>;
  anchors: Float32Array;
  groundTruth: GroundTruthOfBatch;
  beta?: number;
  boxWeight?: number;
  normalizer?: number | 'positives';
  lossScale?: number;
}

/** Assignment, both losses and both gradients from the references of the pieces. */
export function retinanetLossReference(options: RetinanetLossReferenceOptions) {
  const { classLogits, boxDeltas, anchors, groundTruth } = options;
  const { beta = 1 / 9, boxWeight = 1, normalizer = 'positives', lossScale = 1 } = options;
  const { labels, positives, boxTargets, numPositives } = assignBatchReference(anchors, groundTruth, options);
  const boxGrad = new Float64Array(boxDeltas.length);
  let boxSum = 0;
  positives.forEach((row, p) => {
    for (let j = 0; j < 4; j++) {
      const { value, grad } = smoothL1Element(boxDeltas[4 * row + j]! - Math.fround(boxTargets[4 * p + j]!), beta);
      boxSum += value;
      boxGrad[4 * row + j] = grad;
    }
  });
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
