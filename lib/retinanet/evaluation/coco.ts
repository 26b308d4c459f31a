// The COCO tool's numbers.
import { Check } from '../../arguments/check.js';
import { readResults, readTruth, type CocoId, type CocoResult, type CocoTruth } from './coco-format.js';
import { countHits, matchClasses, outcomes, type ClassMatches } from './match.js';
import { COCO_RECALLS, mean, precisionAt, precisionRecall } from './precision.js';

/**
 * The twelve numbers that the COCO tool prints, each in [0, 1], or -1 where there is no object that counts. Small is an area up to
 * 32^2 pixels, large from 96^2, medium what is between.
 */
export interface CocoNumbers {
  /** Average precision: mean over the IoU thresholds .5, .55, ..., .95, over 101 levels of recall and over classes. */
  AP: number;
  /** Average precision at IoU .5. */
  AP50: number;
  /** Average precision at IoU .75. */
  AP75: number;
  /** Average precision over small objects. */
  APs: number;
  /** Average precision over medium objects. */
  APm: number;
  /** Average precision over large objects. */
  APl: number;
  /** Average recall with one detection of a class in an image: mean over the IoU thresholds and over classes. */
  AR1: number;
  /** Average recall with ten. */
  AR10: number;
  /** Average recall with a hundred. */
  AR100: number;
  /** Average recall of small objects with a hundred. */
  ARs: number;
  /** Average recall of medium objects with a hundred. */
  ARm: number;
  /** Average recall of large objects with a hundred. */
  ARl: number;
}

/** The numbers of one class. */
export interface CocoClass extends CocoNumbers {
  /** Of the category. */
  id: CocoId;
  /** Of the category. */
  name: string;
  /** Objects of the class that count: crowds do not. */
  numGroundTruth: number;
  /** Detections of the class, at most 100 per image. */
  numDetections: number;
  /** [10, 101] precision at the IoU thresholds and at recall 0, 0.01, ..., 1; empty without ground truth. */
  precision: Float64Array;
}

/** The numbers of classes as they are written down: without the curves, which are long. */
export function withoutCurves(classes: readonly CocoClass[]): Omit<CocoClass, 'precision'>[] {
  return classes.map(({ precision: _, ...numbers }) => numbers);
}

/** What `evaluateCoco` finds. */
export interface CocoEvaluation extends CocoNumbers {
  /** Every category, by rising id. */
  classes: CocoClass[];
}

/** As NumPy's linspace, bit by bit. */
const IOU_THRESHOLDS = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));
const MOST = 1e5 ** 2;
const [ALL, SMALL, MEDIUM, LARGE] = [0, 1, 2, 3];
const AREA_RANGES = [
  [0, MOST],
  [0, 32 ** 2],
  [32 ** 2, 96 ** 2],
  [96 ** 2, MOST],
] as const;
const MAX_DETECTIONS = 100;
const RULES = { iouThresholds: IOU_THRESHOLDS, areaRanges: AREA_RANGES, maxDetections: MAX_DETECTIONS };
/** The names of the twelve numbers, in the order in which the tool prints them. */
export const COCO_NUMBERS = [
  'AP',
  'AP50',
  'AP75',
  'APs',
  'APm',
  'APl',
  'AR1',
  'AR10',
  'AR100',
  'ARs',
  'ARm',
  'ARl',
] as const;

/**
 * Average precision and recall of boxes as the official COCO tool (pycocotools 2.0, `COCOeval` with `bbox`) computes them. In each
 * image the best 100 detections of a class, by falling score, each claim the true box that they overlap most; equal scores rank by
 * the images' ids, then as they came. In crowds (`iscrowd`) a detection overlaps by the share of its own area, any number of
 * detections may lie there, and they count neither as right nor as false, as do objects and unmatched detections outside a range
 * of areas.
 *
 * The tool differs in two cases. It takes a match with an annotation whose id is 0 for none; here it is one. It passes over
 * detections of unknown categories and annotations of unknown images or categories; here they are refused.
 *
 * @param detections any number, in any order; {@link cocoResults} makes them of what `detect` finds
 * @param truth {@link cocoTruth} makes it of an annotated data set
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_BOX`, `ERR_LABEL` (an unknown category) or `ERR_DATA` (an unknown image, an id
 *   twice), naming the list and the row
 */
export function evaluateCoco(detections: readonly CocoResult[], truth: CocoTruth): CocoEvaluation {
  const check = new Check('evaluateCoco');
  const real = readTruth(check, truth);
  const found = readResults(check, detections, real);
  const { imageIds, categoryIds, names } = real;
  const objects = { numImages: imageIds.size, numClasses: categoryIds.size, truth: real.truth, found };
  const ids = [...categoryIds.keys()];
  const classes: CocoClass[] = [];
  for (const matches of matchClasses(objects, RULES)) {
    const label = classes.length;
    classes.push({ id: ids[label]!, name: names[label]!, ...numbersOf(matches) });
  }
  return { ...means(classes), classes };
}

function numbersOf(matches: ClassMatches): Omit<CocoClass, 'id' | 'name'> {
  const { positives, scores } = matches;
  const precisions = (range: number) =>
    IOU_THRESHOLDS.map((_, t) =>
      precisionAt(precisionRecall(outcomes(matches, range, t), positives[range]!), COCO_RECALLS),
    );
  const average = (range: number) => (positives[range] === 0 ? -1 : mean(precisions(range).map(mean)));
  const recall = (range: number, maxDetections: number) => {
    if (positives[range] === 0) return -1;
    return mean(IOU_THRESHOLDS.map((_, t) => countHits(matches, range, t, maxDetections) / positives[range]!));
  };
  const curves = positives[ALL] === 0 ? [] : precisions(ALL);
  const byThreshold = curves.map(mean);
  return {
    AP: curves.length === 0 ? -1 : mean(byThreshold),
    AP50: byThreshold[0] ?? -1,
    AP75: byThreshold[5] ?? -1,
    APs: average(SMALL),
    APm: average(MEDIUM),
    APl: average(LARGE),
    AR1: recall(ALL, 1),
    AR10: recall(ALL, 10),
    AR100: recall(ALL, MAX_DETECTIONS),
    ARs: recall(SMALL, MAX_DETECTIONS),
    ARm: recall(MEDIUM, MAX_DETECTIONS),
    ARl: recall(LARGE, MAX_DETECTIONS),
    numGroundTruth: positives[ALL]!,
    numDetections: scores.length,
    precision: Float64Array.from(curves.flatMap((curve) => [...curve])),
  };
}

/** Of each number, over the classes that have it. */
function means(classes: readonly CocoClass[]): CocoNumbers {
  const entries = COCO_NUMBERS.map((name): [string, number] => {
    const known = classes.map((one) => one[name]).filter((value) => value >= 0);
    return [name, known.length === 0 ? -1 : mean(known)];
  });
  return Object.fromEntries(entries) as Record<keyof CocoNumbers, number>;
}
