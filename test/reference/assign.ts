import { area, encode, intersection } from './boxes.js';

const { fround } = Math;

export interface AssignReferenceOptions {
  positiveThreshold?: number;
  negativeThreshold?: number;
  allowLowQualityMatches?: boolean;
  ignoreBoxes?: Float32Array;
  ignoreIof?: number;
  coderWeights?: ArrayLike<number>;
}

/** Boxes that no anchor was given to: those that overlap none, and those whose anchors all went elsewhere. */
export function unmatched(matches: Int32Array, boxes: number): Int32Array {
  const taken = new Set(matches);
  return Int32Array.from({ length: boxes }, (_, g) => g).filter((g) => !taken.has(g));
}

/**
 * torchvision's Matcher over the whole [G, A] matrix of float32 overlaps, nothing skipped, except that a box whose best
 * overlap is zero matches nothing. Thresholds are rounded to float32, ties go to the box that comes first.
 */
export function matchReference(anchors: Float32Array, gtBoxes: Float32Array, options: AssignReferenceOptions = {}) {
  const count = anchors.length / 4;
  const boxes = gtBoxes.length / 4;
  const high = fround(options.positiveThreshold ?? 0.5);
  const low = fround(options.negativeThreshold ?? 0.4);
  const areas = new Float32Array(count);
  for (let a = 0; a < count; a++) areas[a] = area(anchors, a);
  const best = new Float32Array(count);
  const owner = new Int32Array(count);
  const overlaps = new Float32Array(boxes * count);
  const highest = new Float32Array(boxes);
  for (let g = 0; g < boxes; g++) {
    const x1 = gtBoxes[4 * g]!;
    const y1 = gtBoxes[4 * g + 1]!;
    const x2 = gtBoxes[4 * g + 2]!;
    const y2 = gtBoxes[4 * g + 3]!;
    const own = area(gtBoxes, g);
    let top = 0;
    for (let a = 0; a < count; a++) {
      // The formula of boxes.ts, written out because it runs 2.8 thousand million times over COCO. Math.min and Math.max
      // are conditionals for the same reason, and an overlap of zero is left as it was allocated.
      const ax1 = anchors[4 * a]!;
      const ax2 = anchors[4 * a + 2]!;
      const w = fround((x2 < ax2 ? x2 : ax2) - (x1 > ax1 ? x1 : ax1));
      if (w <= 0) continue;
      const ay1 = anchors[4 * a + 1]!;
      const ay2 = anchors[4 * a + 3]!;
      const h = fround((y2 < ay2 ? y2 : ay2) - (y1 > ay1 ? y1 : ay1));
      if (h <= 0) continue;
      const inter = fround(w * h);
      const overlap = fround(inter / fround(fround(own + areas[a]!) - inter));
      overlaps[g * count + a] = overlap;
      if (overlap > top) top = overlap;
      if (overlap > best[a]!) {
        best[a] = overlap;
        owner[a] = g;
      }
    }
    highest[g] = top;
  }
  const matches = new Int32Array(count);
  for (let a = 0; a < count; a++) matches[a] = best[a]! < low || boxes === 0 ? -1 : best[a]! < high ? -2 : owner[a]!;
  for (let g = 0; g < boxes; g++) {
    const top = highest[g]!;
    if (top === 0 || !(options.allowLowQualityMatches ?? true)) continue;
    // as torchvision: such an anchor gets back its own best box, which need not be this one
    for (let a = 0; a < count; a++) if (overlaps[g * count + a] === top) matches[a] = owner[a]!;
  }
  return { matches, unmatchedGt: unmatched(matches, boxes) };
}

/** What assignAnchors answers, from the matcher above, ignore regions and the float64 box coder. */
export function assignReference(
  anchors: Float32Array,
  gtBoxes: Float32Array,
  gtLabels: Int32Array,
  options: AssignReferenceOptions = {},
) {
  const { matches, unmatchedGt } = matchReference(anchors, gtBoxes, options);
  const ignoreBoxes = options.ignoreBoxes ?? new Float32Array(0);
  const ignoreIof = fround(options.ignoreIof ?? 0.5);
  const positives: number[] = [];
  const boxTargets: number[] = [];
  const labels = matches.map((match, a) => {
    if (match >= 0) {
      positives.push(a);
      boxTargets.push(...encode(anchors, a, gtBoxes, match, options.coderWeights));
      return gtLabels[match]!;
    }
    if (match === -1) {
      for (let r = 0; r < ignoreBoxes.length / 4; r++) {
        if (fround(intersection(anchors, a, ignoreBoxes, r) / area(anchors, a)) >= ignoreIof) return -2;
      }
    }
    return match;
  });
  const ignored = matches.map((match, a) => (match >= 0 ? match : labels[a]!));
  return {
    labels,
    matches: ignored,
    positives: Int32Array.from(positives),
    numPositives: positives.length,
    boxTargets,
    unmatchedGt,
  };
}

export interface GroundTruthOfBatch {
  boxes: Float32Array;
  labels: Int32Array;
  offsets: Int32Array;
  ignoreBoxes?: Float32Array | undefined;
  ignoreOffsets?: Int32Array | undefined;
}

/** The images of a batch one by one: rows and boxes are counted through. */
export function assignBatchReference(
  anchors: Float32Array,
  { boxes, labels, offsets, ignoreBoxes, ignoreOffsets }: GroundTruthOfBatch,
  options: AssignReferenceOptions = {},
) {
  const all = {
    labels: [] as number[],
    matches: [] as number[],
    positives: [] as number[],
    positiveOffsets: [0],
    boxTargets: [] as number[],
    unmatchedGt: [] as number[],
    numPositives: 0,
  };
  for (let b = 0; b + 1 < offsets.length; b++) {
    const [from, to] = [offsets[b]!, offsets[b + 1]!];
    const regions = ignoreOffsets && {
      ignoreBoxes: ignoreBoxes!.subarray(4 * ignoreOffsets[b]!, 4 * ignoreOffsets[b + 1]!),
    };
    const one = assignReference(anchors, boxes.subarray(4 * from, 4 * to), labels.subarray(from, to), {
      ...options,
      ...regions,
    });
    all.positives.push(...Array.from(one.positives, (anchor) => anchor + all.labels.length));
    all.labels.push(...one.labels);
    all.matches.push(...one.matches.map((match) => (match >= 0 ? match + from : match)));
    all.boxTargets.push(...one.boxTargets);
    all.unmatchedGt.push(...one.unmatchedGt.map((g) => g + from));
    all.numPositives += one.numPositives;
    all.positiveOffsets.push(all.numPositives);
  }
  return all;
}
