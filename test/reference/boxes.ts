// Boxes: overlap in float32 in the documented order of operations, coding in float64.

const { fround } = Math;
const MAX_LOG_SIZE = Math.log(1000 / 16);

/** Area of row `i` in float32. */
export function area(boxes: Float32Array, i: number): number {
  return fround(fround(boxes[4 * i + 2]! - boxes[4 * i]!) * fround(boxes[4 * i + 3]! - boxes[4 * i + 1]!));
}

/** Intersection of row `i` of `a` with row `j` of `b` in float32. */
export function intersection(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const width = fround(Math.min(a[4 * i + 2]!, b[4 * j + 2]!) - Math.max(a[4 * i]!, b[4 * j]!));
  const height = fround(Math.min(a[4 * i + 3]!, b[4 * j + 3]!) - Math.max(a[4 * i + 1]!, b[4 * j + 1]!));
  return fround(Math.max(width, 0) * Math.max(height, 0));
}

/** inter / ((areaA + areaB) - inter), every step rounded to float32. */
export function iou(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const inter = intersection(a, i, b, j);
  return fround(inter / fround(fround(area(a, i) + area(b, j)) - inter));
}

export function iouMatrix(a: Float32Array, b: Float32Array): Float32Array {
  const n = a.length / 4;
  const m = b.length / 4;
  const matrix = new Float32Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) matrix[i * m + j] = iou(a, i, b, j);
  return matrix;
}

type CoderWeights = ArrayLike<number>;
const EVEN: CoderWeights = [1, 1, 1, 1];

/** dx, dy, dw, dh of a box (row `j`) seen from an anchor (row `i`). */
export function encode(anchors: Float32Array, i: number, boxes: Float32Array, j: number, weights = EVEN): number[] {
  const [ax1, ay1, ax2, ay2] = [...anchors.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
  const [x1, y1, x2, y2] = [...boxes.subarray(4 * j, 4 * j + 4)] as [number, number, number, number];
  const width = ax2 - ax1;
  const height = ay2 - ay1;
  return [
    ((x1 + x2) / 2 - (ax1 + ax2) / 2) / width,
    ((y1 + y2) / 2 - (ay1 + ay2) / 2) / height,
    Math.log((x2 - x1) / width),
    Math.log((y2 - y1) / height),
  ].map((delta, k) => delta * fround(weights[k]!));
}

export function decode(anchors: Float32Array, i: number, deltas: Float32Array, j: number, weights = EVEN): number[] {
  const [x1, y1, x2, y2] = [...anchors.subarray(4 * i, 4 * i + 4)] as [number, number, number, number];
  const [dx, dy, dw, dh] = [0, 1, 2, 3].map((k) => deltas[4 * j + k]! / fround(weights[k]!)) as [number, number, number, number]; // prettier-ignore
  const centreX = (x1 + x2) / 2 + dx * (x2 - x1);
  const centreY = (y1 + y2) / 2 + dy * (y2 - y1);
  const halfWidth = (Math.exp(Math.min(dw, MAX_LOG_SIZE)) * (x2 - x1)) / 2;
  const halfHeight = (Math.exp(Math.min(dh, MAX_LOG_SIZE)) * (y2 - y1)) / 2;
  return [centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight];
}

export function clip(box: readonly number[], height: number, width: number): number[] {
  return box.map((v, side) => Math.min(Math.max(v, 0), side % 2 === 0 ? width : height));
}
