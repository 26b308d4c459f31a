import { byFallingScore, nmsReference } from './nms.js';

/** SSD's mining: the `ratio` times #positives hardest background rows, a row's loss being the sum over its classes. */
export function hardNegativesReference(losses: Float32Array, labels: Int32Array, ratio: number): number[] {
  const classes = labels.length === 0 ? 1 : losses.length / labels.length;
  const rows = Array.from(labels, (_, i) => losses.subarray(i * classes, (i + 1) * classes).reduce((a, b) => a + b, 0));
  const keep = Math.floor(ratio * labels.filter((label) => label >= 0).length);
  return byFallingScore(rows)
    .filter((i) => labels[i] === -1)
    .slice(0, keep);
}

/** OHEM: by falling loss, duplicates suppressed by NMS, the first `count`. */
export function hardExamplesReference(losses: Float32Array, boxes: Float32Array, iouThreshold: number, count: number) {
  return nmsReference(boxes, losses, iouThreshold).slice(0, count);
}
