// Pascal VOC's average precision.
import { Check } from '../../arguments/check.js';
import { share, type OptionsOf } from '../../arguments/options.js';
import { readResults, readTruth, type CocoId, type CocoResult, type CocoTruth } from './coco-format.js';
import { allRows, byFallingScore, groupBy, overlap, type Objects } from './objects.js';
import { areaUnder, mean, precisionAt, precisionRecall, VOC_RECALLS } from './precision.js';

const OPTIONS = {
  /** In (0, 1]: a detection is right where its IoU with the true box that it overlaps most reaches this. Default 0.5. */
  iouThreshold: share(0.5),
};

/** Options of `evaluateVoc`. */
export interface VocOptions extends OptionsOf<typeof OPTIONS> {}

/** Pascal VOC's average precision, 0..1, or -1 where there is no object that counts. */
export interface VocNumbers {
  /** The area under the precision-recall curve, as VOC computes it since 2010. */
  AP: number;
  /** The mean of the best precision at recall 0, 0.1, ..., 1, as VOC did before. */
  AP11: number;
}

/** The numbers of one class. */
export interface VocClass extends VocNumbers {
  /** Of the category. */
  id: CocoId;
  /** Of the category. */
  name: string;
  /** Objects of the class that are not difficult. */
  numGroundTruth: number;
  /** Detections of the class. */
  numDetections: number;
}

/** What `evaluateVoc` finds: means over the classes that have ground truth, and each class. */
export interface VocEvaluation extends VocNumbers {
  /** Every category, by rising id. */
  classes: VocClass[];
}

/**
 * Average precision by the rules of the Pascal VOC development kit. Down the ranking of a class, each detection is held against the
 * true box of its image that it overlaps most (the first of equals): below the threshold it is false; where that box is difficult it
 * counts as nothing; where an earlier detection has claimed it, it is false, whatever else it overlaps. Equal scores rank as they
 * came. All detections count, however many an image has.
 *
 * Widths and heights are x2 - x1 and y2 - y1. The kit adds 1, because its edges are the last pixels that belong to a box; COCO's, and
 * those that this package reads from VOC files, are the first that do not, so that the overlaps are the same.
 *
 * @param detections any number, in any order; {@link cocoResults} makes them of what `detect` finds
 * @param truth annotations with `iscrowd` are the difficult ones; {@link cocoTruth} makes it of an annotated data set
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_BOX`, `ERR_LABEL`, `ERR_DATA`, `ERR_RANGE` or `ERR_OPTION`, naming the list and the row
 */
export function evaluateVoc(
  detections: readonly CocoResult[],
  truth: CocoTruth,
  options: VocOptions = {},
): VocEvaluation {
  const check = new Check('evaluateVoc');
  const real = readTruth(check, truth);
  const found = readResults(check, detections, real);
  const { iouThreshold } = check.options('options', options, OPTIONS);
  const { imageIds, categoryIds, names } = real;
  const objects = { numImages: imageIds.size, numClasses: categoryIds.size, truth: real.truth, found };
  const ranking = allRows(found.score.length).sort((a, b) => byFallingScore(found.score[a]!, found.score[b]!) || a - b);
  const ranked = groupBy(ranking, found.label, objects.numClasses);
  const cells = trueBoxesByCell(objects);
  const positives = new Int32Array(objects.numClasses);
  for (const [row, label] of real.truth.label.entries()) positives[label]! += 1 - real.truth.ignored[row]!;
  const classes = [...categoryIds.keys()].map((id, label): VocClass => {
    const rows = ranked.rows.subarray(ranked.first[label], ranked.first[label + 1]);
    const numGroundTruth = positives[label]!;
    const counts = { id, name: names[label]!, numGroundTruth, numDetections: rows.length };
    if (numGroundTruth === 0) return { ...counts, AP: -1, AP11: -1 };
    const curve = precisionRecall(judge(objects, rows, cells, iouThreshold), numGroundTruth);
    return { ...counts, AP: areaUnder(curve), AP11: mean(precisionAt(curve, VOC_RECALLS)) };
  });
  const known = classes.filter((one) => one.numGroundTruth > 0);
  const overClasses = (name: keyof VocNumbers) => (known.length === 0 ? -1 : mean(known.map((one) => one[name])));
  return { AP: overClasses('AP'), AP11: overClasses('AP11'), classes };
}

/** Rows of true boxes by the number of their class and image. */
function trueBoxesByCell({ truth, numClasses }: Objects): Map<number, number[]> {
  const cells = new Map<number, number[]>();
  for (const [row, image] of truth.image.entries()) {
    const cell = image * numClasses + truth.label[row]!;
    const rows = cells.get(cell);
    if (rows) rows.push(row);
    else cells.set(cell, [row]);
  }
  return cells;
}

/** Outcomes of the detections of one class that count, in their order: 1 for right, 0 for false. */
function judge(
  { found, truth, numClasses }: Objects,
  rows: Int32Array,
  cells: ReadonlyMap<number, number[]>,
  iouThreshold: number,
): Uint8Array {
  const claimed = new Set<number>();
  const right = new Uint8Array(rows.length);
  let count = 0;
  for (const row of rows) {
    let best = -1;
    let bestOverlap = -Infinity;
    for (const g of cells.get(found.image[row]! * numClasses + found.label[row]!) ?? []) {
      const its = overlap(found, row, truth, g);
      if (its > bestOverlap) [best, bestOverlap] = [g, its];
    }
    const isFound = best >= 0 && bestOverlap >= iouThreshold;
    if (isFound && truth.ignored[best] === 1) continue;
    right[count++] = Number(isFound && !claimed.has(best));
    if (isFound) claimed.add(best);
  }
  return right.subarray(0, count);
}
