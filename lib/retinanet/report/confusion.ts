// What a detector takes for what.
import { Check } from '../../arguments/check.js';
import { number, share, type OptionsOf } from '../../arguments/options.js';
import { readResults, readTruth, type CocoResult, type CocoTruth } from '../evaluation/coco-format.js';
import type { Objects } from '../evaluation/objects.js';
import { claimObjects, Outcome } from './claims.js';

const OPTIONS = {
  /** In (0, 1]: from this IoU on a detection can be of an object. Default 0.5. */
  iouThreshold: share(0.5),
  /** In [0, 1]: detections of lower scores do not count. Default 0.5. */
  scoreThreshold: number({ min: 0, max: 1, default: 0.5 }),
};

/** Options of `confusionMatrix`. */
export interface ConfusionOptions extends OptionsOf<typeof OPTIONS> {}

/** How often each class was taken for each. */
export interface ConfusionMatrix {
  /** [K] names of the classes, by rising id. */
  classes: string[];
  /**
   * [K + 1, K + 1] row by row: how often objects of the row's class were found as the column's. The last column counts the
   * objects that were missed, the last row the detections where there is no object; its last number is 0.
   */
  counts: Int32Array;
}

/**
 * Counts what a detector takes for what. In each image, detections by falling score each claim the unclaimed object of any class that
 * they overlap most. Crowds and other regions to ignore are left out, with the detections that claim nothing and lie there.
 *
 * @param detections as for {@link evaluateCoco}
 * @param truth as for {@link evaluateCoco}
 * @throws RetinanetOpsError as evaluateCoco; `ERR_RANGE`, `ERR_DTYPE` or `ERR_OPTION` for a bad option
 */
export function confusionMatrix(
  detections: readonly CocoResult[],
  truth: CocoTruth,
  options: ConfusionOptions = {},
): ConfusionMatrix {
  const check = new Check('confusionMatrix');
  const { iouThreshold, scoreThreshold } = check.options('options', options, OPTIONS);
  const { objects, classes } = readObjects(check, detections, truth);
  return { classes, counts: countConfusions(objects, iouThreshold, scoreThreshold) };
}

/** Detections and truth as columns, with the names of the classes. */
export function readObjects(
  check: Check,
  detections: readonly CocoResult[],
  truth: CocoTruth,
): { objects: Objects; classes: string[] } {
  const real = readTruth(check, truth);
  const found = readResults(check, detections, real);
  const [numImages, numClasses] = [real.imageIds.size, real.categoryIds.size];
  return { objects: { numImages, numClasses, truth: real.truth, found }, classes: real.names };
}

/** [K + 1, K + 1] as ConfusionMatrix has it. */
export function countConfusions(objects: Objects, iouThreshold: number, scoreThreshold: number): Int32Array {
  const { truth, found, numClasses: background } = objects;
  const counts = new Int32Array((background + 1) ** 2);
  const add = (row: number, column: number) => counts[row * (background + 1) + column]!++;
  const isMissed = truth.ignored.map((ignored) => 1 - ignored);
  for (const [d, claim] of claimObjects(objects, { iouThreshold, scoreThreshold, anyClass: true }).entries()) {
    if (claim >= 0) {
      add(truth.label[claim]!, found.label[d]!);
      isMissed[claim] = 0;
    } else if (claim === Outcome.wrong) {
      add(background, found.label[d]!);
    }
  }
  for (const [row, missed] of isMissed.entries()) if (missed === 1) add(truth.label[row]!, background);
  return counts;
}
