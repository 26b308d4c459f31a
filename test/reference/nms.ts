import { iou } from './boxes.js';

/** Indices by falling score; equal scores keep their order. */
export function byFallingScore(scores: ArrayLike<number>): number[] {
  return Array.from(scores, (_, i) => i).sort((i, j) => scores[j]! - scores[i]! || i - j);
}

/** Greedy suppression within a class: a box goes when its float32 overlap with a kept one exceeds the float64 threshold. */
export function nmsReference(
  boxes: Float32Array,
  scores: ArrayLike<number>,
  iouThreshold: number,
  classes?: ArrayLike<number>,
): number[] {
  const kept: number[] = [];
  for (const i of byFallingScore(scores)) {
    const rival = (j: number) => classes === undefined || classes[i] === classes[j];
    if (!kept.some((j) => rival(j) && iou(boxes, j, boxes, i) > iouThreshold)) kept.push(i);
  }
  return kept;
}
