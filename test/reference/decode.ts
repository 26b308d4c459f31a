import { clip, decode } from './boxes.js';
import { byFallingScore, nmsReference } from './nms.js';

export interface DecodeReferenceOptions {
  anchors: Float32Array;
  /** Anchors of each level: the top-k is taken within a level. */
  levelCounts: readonly number[];
  imageHeight: number;
  imageWidth: number;
  numClasses: number;
  scoreThreshold: number;
  topK: number;
  iouThreshold: number;
  maxDetections: number;
}

/** RetinaNet's post-processing of one image, as torchvision does it. */
export function decodeImageReference(logits: Float32Array, deltas: Float32Array, options: DecodeReferenceOptions) {
  const { anchors, numClasses, scoreThreshold, topK, imageHeight, imageWidth } = options;
  const boxes: number[] = [];
  const scores: number[] = [];
  const labels: number[] = [];
  let first = 0;
  for (const count of options.levelCounts) {
    const level = Array.from(
      logits.subarray(first * numClasses, (first + count) * numClasses),
      (x) => 1 / (1 + Math.exp(-x)),
    );
    const candidates = byFallingScore(level).filter((i) => level[i]! > scoreThreshold);
    for (const i of candidates.slice(0, topK)) {
      const anchor = first + Math.floor(i / numClasses);
      boxes.push(...clip(decode(anchors, anchor, deltas, anchor), imageHeight, imageWidth));
      scores.push(level[i]!);
      labels.push(i % numClasses);
    }
    first += count;
  }
  const kept = nmsReference(new Float32Array(boxes), scores, options.iouThreshold, labels).slice(
    0,
    options.maxDetections,
  );
  return {
    boxes: kept.flatMap((i) => boxes.slice(4 * i, 4 * i + 4)),
    scores: kept.map((i) => scores[i]!),
    labels: kept.map((i) => labels[i]!),
  };
}
