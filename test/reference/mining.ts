import { byFallingScore, nmsReference } from './nms.js';

/** floor(ratio * count) in exact arithmetic, `ratio` being the decimal number that JavaScript prints for it. */
export function exactFloorOfProduct(ratio: number, count: number): number {
  const [whole = '', fraction = ''] = String(ratio).split('.');
  return Number((BigInt(whole + fraction) * BigInt(count)) / 10n ** BigInt(fraction.length));
}

/**
 * SSD's mining: the `ratio` times #positives hardest background rows, but no fewer than `atLeast`; a row's loss is the sum over
 * its classes.
 */
export function hardNegativesReference(losses: Float32Array, labels: Int32Array, ratio: number, atLeast = 0): number[] {
  const classes = labels.length === 0 ? 1 : losses.length / labels.length;
  const rows = Array.from(labels, (_, i) => losses.subarray(i * classes, (i + 1) * classes).reduce((a, b) => a + b, 0));
  const keep = Math.max(atLeast, exactFloorOfProduct(ratio, labels.filter((label) => label >= 0).length));
  return byFallingScore(rows)
    .filter((i) => labels[i] === -1)
    .slice(0, keep);
}

/** OHEM: by falling loss, duplicates suppressed by NMS, the first `count`. */
export function hardExamplesReference(losses: Float32Array, boxes: Float32Array, iouThreshold: number, count: number) {
  return nmsReference(boxes, losses, iouThreshold).slice(0, count);
}
