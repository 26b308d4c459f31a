// Precision, recall and what is averaged of them.

/** Precision over recall, down the ranking of a class's detections. */
export interface Curve {
  /** Rising. */
  recall: Float64Array;
  /** Made monotone from the right: the best precision at this recall or more. */
  precision: Float64Array;
}

/**
 * @param right outcomes of detections by falling score: 1 for right, 0 for false
 * @param positives true boxes, at least 1
 */
export function precisionRecall(right: Uint8Array, positives: number): Curve {
  const recall = new Float64Array(right.length);
  const precision = new Float64Array(right.length);
  let hits = 0;
  for (let i = 0; i < right.length; i++) {
    hits += right[i]!;
    recall[i] = hits / positives;
    precision[i] = hits / (i + 1);
  }
  for (let i = right.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!);
  return { recall, precision };
}

/** COCO samples the curve at recall 0, 0.01, ..., 1; as multiples, since 7 * 0.01 > 7 / 100 decides ties. */
export const COCO_RECALLS = Float64Array.from({ length: 101 }, (_, i) => i * 0.01);

/** Pascal VOC did at 0, 0.1, ..., 1 until 2009; multiples as well. */
export const VOC_RECALLS = Float64Array.from({ length: 11 }, (_, i) => i * 0.1);

/** The precision at each recall; 0 where the curve never gets there. */
export function precisionAt({ recall, precision }: Curve, levels: Float64Array): Float64Array {
  let at = 0;
  return levels.map((level) => {
    while (at < recall.length && recall[at]! < level) at++;
    return precision[at] ?? 0;
  });
}

/** The area under the curve. */
export function areaUnder({ recall, precision }: Curve): number {
  let area = 0;
  for (let i = 0; i < recall.length; i++) area += (recall[i]! - (recall[i - 1] ?? 0)) * precision[i]!;
  return area;
}

/** NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
