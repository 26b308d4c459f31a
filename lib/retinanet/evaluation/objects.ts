// What evaluations compare: true boxes and detections of all images and classes as columns.

/** Boxes as columns of n rows. */
export interface BoxColumns {
  /** [n] indices of images. */
  image: Int32Array;
  /** [n] indices of classes. */
  label: Int32Array;
  /** [n, 4] x1, y1, x2, y2. */
  edges: Float64Array;
  /** [n] width * height; negative where one side is turned around. */
  area: Float64Array;
}

export interface TrueBoxes extends BoxColumns {
  /** [n] what ranges of areas are compared with: a source may give the area of an object's outline. */
  size: Float64Array;
  /** [n] 1 for a region that is neither object nor background, such as a crowd. */
  ignored: Uint8Array;
}

export interface FoundBoxes extends BoxColumns {
  /** [n] */
  score: Float64Array;
}

/** Everything that an evaluation compares. */
export interface Objects {
  numImages: number;
  numClasses: number;
  truth: TrueBoxes;
  found: FoundBoxes;
}

export function newColumns(rows: number): BoxColumns {
  return {
    image: new Int32Array(rows),
    label: new Int32Array(rows),
    edges: new Float64Array(4 * rows),
    area: new Float64Array(rows),
  };
}

/** For sorting from high to low: NaN comes last, as in NumPy's sort of negated scores, and equal ones are equal. */
export function byFallingScore(a: number, b: number): number {
  if (a > b) return -1;
  if (a < b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Rows in an order, and where those of each group begin in it: [groups + 1]. */
export interface Groups {
  rows: Int32Array;
  first: Int32Array;
}

/** Puts rows into groups by their keys 0 .. groups - 1. Those of one group keep their order. */
export function groupBy(rows: Int32Array, keys: Int32Array, groups: number): Groups {
  const first = new Int32Array(groups + 1);
  for (const row of rows) first[keys[row]! + 1]!++;
  for (let g = 0; g < groups; g++) first[g + 1]! += first[g]!;
  const next = first.slice();
  const sorted = new Int32Array(rows.length);
  for (const row of rows) sorted[next[keys[row]!]!++] = row;
  return { rows: sorted, first };
}

/** 0 .. count - 1. */
export function allRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** Intersection over union of detection d and true box g; over the detection's own area where `ofDetection`. */
export function overlap(found: BoxColumns, d: number, truth: BoxColumns, g: number, ofDetection = false): number {
  const [a, b] = [found.edges, truth.edges];
  const [i, j] = [4 * d, 4 * g];
  const width = Math.min(a[i + 2]!, b[j + 2]!) - Math.max(a[i]!, b[j]!);
  if (width <= 0) return 0;
  const height = Math.min(a[i + 3]!, b[j + 3]!) - Math.max(a[i + 1]!, b[j + 1]!);
  if (height <= 0) return 0;
  const inter = width * height;
  return inter / (ofDetection ? found.area[d]! : found.area[d]! + truth.area[g]! - inter);
}
