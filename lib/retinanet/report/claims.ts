// Which detection found which object, one for one, from some score on.
import { allRows, byFallingScore, groupBy, overlap, type Objects } from '../evaluation/objects.js';

/** What becomes of a detection that claims no object. */
export const Outcome = {
  /** Nothing is there that it could have found. */
  wrong: -1,
  /** It lies in a region that is neither object nor background. */
  aside: -2,
  /** Its score is too low. */
  below: -3,
} as const;

export interface ClaimRules {
  /** Smallest IoU with the object; of a region to ignore, smallest share of the detection within it. */
  iouThreshold: number;
  /** Smallest score. */
  scoreThreshold: number;
  /** Whether objects of another class can be claimed as well. */
  anyClass: boolean;
}

/**
 * In each image, detections by falling score each claim the unclaimed object that they overlap most. Of objects that it overlaps
 * equally, a detection claims one of its own class. Whatever the smallest score, those above it claim the same.
 *
 * @returns [detections] the row of the object, or an Outcome
 */
export function claimObjects(objects: Objects, rules: ClaimRules): Int32Array {
  const { truth, found, numImages } = objects;
  const ranked = allRows(found.score.length).sort((a, b) => byFallingScore(found.score[a]!, found.score[b]!) || a - b);
  const detections = groupBy(ranked, found.image, numImages);
  const real = groupBy(allRows(truth.label.length), truth.image, numImages);
  const claims = new Int32Array(found.score.length).fill(Outcome.below);
  const claimed = new Uint8Array(truth.label.length);
  for (let image = 0; image < numImages; image++) {
    const boxes = real.rows.subarray(real.first[image], real.first[image + 1]);
    for (const d of detections.rows.subarray(detections.first[image], detections.first[image + 1])) {
      if (!(found.score[d]! >= rules.scoreThreshold)) break;
      const row = bestFor(objects, d, boxes, rules, claimed);
      claims[d] = row;
      if (row >= 0) claimed[row] = 1;
    }
  }
  return claims;
}

function bestFor(
  { truth, found }: Objects,
  d: number,
  boxes: Int32Array,
  { iouThreshold, anyClass }: ClaimRules,
  claimed: Uint8Array,
): number {
  let best: number = Outcome.wrong;
  let most = 0;
  let isAside = false;
  for (const row of boxes) {
    const isOwn = truth.label[row] === found.label[d];
    if (!isOwn && !anyClass) continue;
    if (truth.ignored[row] === 1) {
      isAside ||= overlap(found, d, truth, row, true) >= iouThreshold;
      continue;
    }
    const iou = overlap(found, d, truth, row);
    if (claimed[row] === 1 || iou < iouThreshold || iou < most || (iou === most && !isOwn)) continue;
    [best, most] = [row, iou];
  }
  return best < 0 && isAside ? Outcome.aside : best;
}

/**
 * The smallest score, of .01, .02, ..., .99, at which F1 over all detections and objects is highest; undefined where nothing is right.
 *
 * @param claims those of the objects' own classes, from score 0 on
 */
export function bestThreshold({ truth, found }: Objects, claims: Int32Array): number | undefined {
  const hits = new Float64Array(100);
  const counted = new Float64Array(100);
  for (const [d, claim] of claims.entries()) {
    if (claim === Outcome.aside || claim === Outcome.below) continue;
    // The last threshold that it reaches, in spite of rounding: .29 * 100 is less than 29. Below the first it never counts.
    let last = Math.max(0, Math.min(99, Math.floor(found.score[d]! * 100) + 1));
    while (last > 0 && found.score[d]! < last / 100) last--;
    counted[last]!++;
    if (claim >= 0) hits[last]!++;
  }
  const numObjects = truth.ignored.reduce((sum, ignored) => sum + 1 - ignored, 0);
  let best: number | undefined;
  for (let t = 99, right = 0, all = 0, highest = 0; t >= 1; t--) {
    right += hits[t]!;
    all += counted[t]!;
    const f1 = (2 * right) / Math.max(1, all + numObjects);
    if (f1 > highest) [best, highest] = [t / 100, f1];
  }
  return best;
}
