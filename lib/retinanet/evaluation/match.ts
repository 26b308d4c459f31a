// Which detections are right, by the rules of the COCO tool.
import { allRows, byFallingScore, groupBy, overlap, type Objects } from './objects.js';

/** What a matching varies. */
export interface MatchRules {
  /** [T <= 31] smallest IoU of a right detection, each by itself. */
  iouThresholds: readonly number[];
  /** [R] smallest and largest area of the objects that count. */
  areaRanges: readonly (readonly [smallest: number, largest: number])[];
  /** Detections of one class in one image that count, best scores first. */
  maxDetections: number;
}

/** What became of the n detections of one class. */
export interface ClassMatches {
  /** [n] */
  scores: Float64Array;
  /** [n] place among those of the same image, from 0. */
  ranks: Int32Array;
  /** [n] row by row, best score first; equal ones by image, then as they came. */
  order: Int32Array;
  /** [R][n] bit t: matches an object at threshold t. */
  matched: Int32Array[];
  /** [R][n] bit t: counts neither as right nor as false at threshold t. */
  ignored: Int32Array[];
  /** [R] objects that count. */
  positives: number[];
}

/** Matches the detections of each class. */
export function* matchClasses(objects: Objects, rules: MatchRules): Generator<ClassMatches> {
  const { truth, found, numImages, numClasses } = objects;
  const { score } = found;
  const ranked = allRows(score.length).sort((a, b) => byFallingScore(score[a]!, score[b]!) || a - b);
  const inImages = (rows: Int32Array, columns: { image: Int32Array; label: Int32Array }) =>
    groupBy(groupBy(rows, columns.image, numImages).rows, columns.label, numClasses);
  const detections = inImages(ranked, found);
  const real = inImages(allRows(truth.label.length), truth);
  for (let label = 0; label < numClasses; label++) {
    yield matchClass(
      objects,
      detections.rows.subarray(detections.first[label], detections.first[label + 1]),
      real.rows.subarray(real.first[label], real.first[label + 1]),
      rules,
    );
  }
}

/** `detections`: rows by image, then by falling score. `real`: rows by image. */
function matchClass(
  objects: Objects,
  detections: Int32Array,
  real: Int32Array,
  { iouThresholds, areaRanges, maxDetections }: MatchRules,
): ClassMatches {
  const { truth, found } = objects;
  const kept = new Int32Array(detections.length);
  const ranks = new Int32Array(detections.length);
  let count = 0;
  for (let i = 0, rank = 0; i < detections.length; i++) {
    rank = i > 0 && found.image[detections[i]!] === found.image[detections[i - 1]!] ? rank + 1 : 0;
    if (rank >= maxDetections) continue;
    ranks[count] = rank;
    kept[count++] = detections[i]!;
  }
  const rows = kept.subarray(0, count);
  const scores = Float64Array.from(rows, (row) => found.score[row]!);
  const matches: ClassMatches = {
    scores,
    ranks: ranks.subarray(0, count),
    order: allRows(count).sort((a, b) => byFallingScore(scores[a]!, scores[b]!) || a - b),
    matched: areaRanges.map(() => new Int32Array(count)),
    ignored: areaRanges.map(() => new Int32Array(count)),
    positives: areaRanges.map(() => 0),
  };
  const everyThreshold = 2 ** iouThresholds.length - 1;
  const isOutside = (size: number, range: number) => size < areaRanges[range]![0] || size > areaRanges[range]![1];

  // What matches nothing and lies outside a range of areas is ignored in it: so for now are all that lie outside.
  for (const [r, ignored] of matches.ignored.entries()) {
    for (let i = 0; i < count; i++) if (isOutside(found.area[rows[i]!]!, r)) ignored[i] = everyThreshold;
  }
  for (let d = 0, g = 0; g < real.length;) {
    const image = truth.image[real[g]!]!;
    const firstTrue = g;
    while (g < real.length && truth.image[real[g]!] === image) g++;
    const trueRows = real.subarray(firstTrue, g);
    while (d < count && found.image[rows[d]!]! < image) d++;
    const first = d;
    while (d < count && found.image[rows[d]!] === image) d++;

    const overlaps = new Float64Array((d - first) * trueRows.length);
    for (let i = first, at = 0; i < d; i++) {
      for (const row of trueRows) overlaps[at++] = overlap(found, rows[i]!, truth, row, truth.ignored[row] === 1);
    }
    for (let r = 0; r < areaRanges.length; r++) {
      const aside = Uint8Array.from(trueRows, (row) => Number(truth.ignored[row] || isOutside(truth.size[row]!, r)));
      matches.positives[r]! += aside.reduce((sum, one) => sum + 1 - one, 0);
      if (d === first) continue;
      const crowds = Uint8Array.from(trueRows, (row) => truth.ignored[row]!);
      for (const [t, threshold] of iouThresholds.entries()) {
        claim(overlaps, { aside, crowds }, threshold, (i, isAside) => {
          matches.matched[r]![first + i]! |= 1 << t;
          if (isAside) matches.ignored[r]![first + i]! |= 1 << t;
          else matches.ignored[r]![first + i]! &= ~(1 << t);
        });
      }
    }
  }
  return matches;
}

/**
 * Lets detections of one class in one image, best first, claim true boxes: of those that count the unclaimed one that it overlaps
 * most, else one that is set aside; the later where two overlap equally. A crowd is never used up.
 *
 * @param overlaps [detections, true boxes]
 */
function claim(
  overlaps: Float64Array,
  { aside, crowds }: { aside: Uint8Array; crowds: Uint8Array },
  threshold: number,
  onMatch: (detection: number, isAside: boolean) => void,
): void {
  const width = aside.length;
  const claimed = new Uint8Array(width);
  const least = Math.min(threshold, 1 - 1e-10); // as the COCO tool, which so forgives rounding at 1
  for (let i = 0, row = 0; row < overlaps.length; i++, row += width) {
    let best = -1;
    for (let side = 0; side < 2 && best < 0; side++) {
      let bestOverlap = least;
      for (let g = 0; g < width; g++) {
        if (aside[g] !== side || (claimed[g] === 1 && crowds[g] === 0)) continue;
        if (overlaps[row + g]! < bestOverlap) continue;
        best = g;
        bestOverlap = overlaps[row + g]!;
      }
    }
    if (best < 0) continue;
    claimed[best] = 1;
    onMatch(i, aside[best] === 1);
  }
}

/** Detections of a class that count at a threshold in a range of areas, by falling score: 1 for right, 0 for false. */
export function outcomes({ order, matched, ignored }: ClassMatches, range: number, threshold: number): Uint8Array {
  const right = new Uint8Array(order.length);
  let count = 0;
  for (const i of order) {
    if ((ignored[range]![i]! >> threshold) & 1) continue;
    right[count++] = (matched[range]![i]! >> threshold) & 1;
  }
  return right.subarray(0, count);
}

/** How many objects the detections of a class find that are among the best `maxDetections` of their image. */
export function countHits(matches: ClassMatches, range: number, threshold: number, maxDetections: number): number {
  const { ranks } = matches;
  const [matched, ignored] = [matches.matched[range]!, matches.ignored[range]!];
  let hits = 0;
  for (let i = 0; i < ranks.length; i++) {
    if (ranks[i]! < maxDetections) hits += ((matched[i]! & ~ignored[i]!) >> threshold) & 1;
  }
  return hits;
}
