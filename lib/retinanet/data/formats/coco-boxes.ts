// The boxes of COCO annotations: x, y, width, height.
import { refuse } from '../warnings.js';
import { boundsOf, pairsOf } from './bounds.js';
import type { CocoAnnotation } from './coco.js';
import type { SourceBox } from './source.js';

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function numbersOf(bbox: unknown): [number, number, number, number] | undefined {
  return Array.isArray(bbox) && bbox.length === 4 && bbox.every(isNumber)
    ? (bbox as [number, number, number, number])
    : undefined;
}

/** The edges, or why there are none. Where there is no bbox, the bounds of the polygons. */
export function edgesOfAnnotation({ bbox, segmentation }: CocoAnnotation): SourceBox['edges'] | string {
  const numbers = numbersOf(bbox);
  if (numbers) {
    const [x, y, width, height] = numbers;
    if (width > 0 && height > 0) return [x, y, x + width, y + height];
    return `bbox [${numbers.join(', ')}] has no area`;
  }
  if (bbox === undefined || bbox === null) {
    const polygons = Array.isArray(segmentation) ? segmentation.flat() : [];
    if (polygons.length >= 6 && polygons.every(isNumber)) {
      return boundsOf(pairsOf(polygons));
    }
  }
  return `bbox must be four numbers, received ${bbox === undefined ? 'none' : JSON.stringify(bbox)?.slice(0, 60)}`;
}

/**
 * Refuses a file whose boxes are two corners instead of a corner and a size: they reach outside their images, or have the area of
 * two corners, and every one of them could be two corners.
 */
export function checkCorners(
  path: string,
  annotations: readonly CocoAnnotation[],
  sizeOf: (annotation: CocoAnnotation) => { width: number; height: number } | undefined,
): void {
  let [boxes, possible, outside, evident] = [0, 0, 0, 0];
  for (const annotation of annotations) {
    const numbers = numbersOf(annotation?.bbox);
    if (!numbers) continue;
    const [x, y, w, h] = numbers;
    if (!(w > 0 && h > 0)) continue;
    boxes++;
    const size = sizeOf(annotation);
    const reaches = size !== undefined && (x + w > 1.02 * size.width + 1 || y + h > 1.02 * size.height + 1);
    const couldBeCorners = w > x && h > y && (size === undefined || (w <= size.width + 1 && h <= size.height + 1));
    const { area } = annotation;
    const near = (a: number, b: number) => Math.abs(a - b) <= 0.01 * Math.max(a, b);
    const cornersArea =
      couldBeCorners && x > 0 && y > 0 && isNumber(area) && near(area, (w - x) * (h - y)) && !near(area, w * h);
    if (couldBeCorners) possible++;
    if (reaches) outside++;
    if (reaches || cornersArea) evident++;
  }
  if (boxes === 0) return;
  const allCorners = possible === boxes && evident >= 0.2 * boxes;
  const expected = 'bbox to be x, y, width, height';
  if (allCorners || evident > 0.5 * boxes) {
    const what = outside === evident ? 'reach outside' : 'reach outside or have the area of two corners';
    refuse(path, expected, `what looks like two corners: ${evident} of ${boxes} boxes ${what}`);
  }
}
