import { Check } from '../../arguments/check.js';
import { number, type OptionsOf } from '../../arguments/options.js';
import type { Detections } from '../../operations/decode-detections.js';
import { checkOffsets, checkTruth, imageOf, type Truth } from '../data/dataset.js';

const OPTIONS = {
  /** In (0, 1]: a detection is right where its IoU with an unclaimed true box of its class reaches this. Default 0.5. */
  iouThreshold: number({ min: 0, max: 1, exclusiveMin: true, default: 0.5 }),
  /** Only that many detections of a class in an image count, best scores first; an integer >= 1. Default 100, as in COCO. */
  maxDetections: number({ min: 1, integer: true, default: 100 }),
};

/** Options of `evaluateDetections`; the defaults are those of COCO's AP50. */
export interface EvaluateOptions extends OptionsOf<typeof OPTIONS> {}

/** What `evaluateDetections` finds for one class. */
export interface ClassEvaluation {
  /** Of `classNames`. */
  name: string;
  /** Average precision 0..1; NaN for a class without ground truth. */
  ap: number;
  /** True boxes of the class. */
  numGroundTruth: number;
  /** Detections of the class, at most `maxDetections` per image. */
  numDetections: number;
}

/** What `evaluateDetections` finds. */
export interface Evaluation {
  /** Mean of `ap` over the classes that have ground truth; NaN where none has. */
  meanAp: number;
  /** In the order of `classNames`. */
  classes: ClassEvaluation[];
}

/** COCO samples the precision-recall curve at recall 0, 0.01, ..., 1; as multiples, since 7 * 0.01 > 7 / 100 decides ties. */
const RECALL_LEVELS = Array.from({ length: 101 }, (_, i) => i * 0.01);

/** Negative where one side is turned around. */
function area(boxes: Float32Array, row: number): number {
  const i = row * 4;
  return (boxes[i + 2]! - boxes[i]!) * (boxes[i + 3]! - boxes[i + 1]!);
}

function iou(a: Float32Array, rowA: number, b: Float32Array, rowB: number): number {
  const [i, j] = [rowA * 4, rowB * 4];
  const width = Math.min(a[i + 2]!, b[j + 2]!) - Math.max(a[i]!, b[j]!);
  const height = Math.min(a[i + 3]!, b[j + 3]!) - Math.max(a[i + 1]!, b[j + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const inter = width * height;
  return inter / (area(a, rowA) + area(b, rowB) - inter);
}

/** Rows of one class in one image. */
function rowsOf({ labels, offsets }: Pick<Truth, 'labels' | 'offsets'>, image: number, label: number): number[] {
  const rows: number[] = [];
  for (let row = offsets[image]!; row < offsets[image + 1]!; row++) if (labels[row] === label) rows.push(row);
  return rows;
}

/**
 * Area under the precision-recall curve as COCO computes it: precision is made monotone from the right, then averaged
 * over 101 recall levels; levels never reached count 0.
 *
 * @param correct detections by descending score, true where right
 */
function averagePrecision(correct: boolean[], numGroundTruth: number): number {
  if (numGroundTruth === 0) return NaN;
  const recall: number[] = [];
  const precision: number[] = [];
  let right = 0;
  for (const [i, hit] of correct.entries()) {
    if (hit) right++;
    recall.push(right / numGroundTruth);
    precision.push(right / (i + 1));
  }
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i] ?? 0, precision[i + 1] ?? 0);

  let sum = 0;
  let at = 0;
  for (const level of RECALL_LEVELS) {
    while (at < recall.length && (recall[at] ?? 0) < level) at++;
    sum += precision[at] ?? 0;
  }
  return sum / RECALL_LEVELS.length;
}

/** For sorting from high to low: NaN comes last, as in NumPy's sort of negated scores, and equal ones keep their order. */
function byFallingScore(a: number, b: number): number {
  if (a > b) return -1;
  if (a < b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** The arrays of detections, checked; `images`: how many there have to be. */
function checkDetections(check: Check, value: unknown, images: number, numClasses: number): Detections {
  const given = check.fields<Detections>('detections', value, ['boxes', 'scores', 'labels', 'offsets']);
  const labels = check.array('Int32Array', 'detections.labels', given.labels);
  const count = labels.length;
  const boxes = check.array('Float32Array', 'detections.boxes', given.boxes, 4 * count, '[D, 4], four per label,');
  const scores = check.array('Float32Array', 'detections.scores', given.scores, count, '(one per label)');
  const offsets = checkOffsets(check, 'detections.offsets', given.offsets, images, count);
  check.labels('detections.labels', labels, 0, numClasses, imageOf({ offsets }));
  check.boxes('detections.boxes', boxes, { area: false, imageOf: imageOf({ offsets }) });
  return { boxes, scores, labels, offsets };
}

/**
 * Average precision by class at one overlap threshold, following the COCO tool (area "all"): in every image, detections
 * of a class in descending order of score each claim the unclaimed true box they overlap most, if that overlap reaches
 * the threshold (the later true box where two overlap equally); the rest are false. All images' detections of a class,
 * ranked together, give its precision-recall curve, whose area is the class's AP. Equal scores keep the order they came
 * in; NaN ranks last. A box without area is a false detection; one of negative area (x2 < x1 or y2 < y1) lies outside the tool's
 * range of areas and counts as nothing.
 *
 * @param detections ragged over the same images as `truth`; finite boxes
 * @param truth what is really there, as in a {@link DetectionDataset}; finite boxes with area
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE`, `ERR_LABEL`, `ERR_BOX`, `ERR_RANGE` or `ERR_OPTION`, naming the row and its
 *   image
 */
export function evaluateDetections(detections: Detections, truth: Truth, options: EvaluateOptions = {}): Evaluation {
  const check = new Check('evaluateDetections');
  const real = checkTruth(check, 'truth', truth);
  const numImages = real.offsets.length - 1;
  const found = checkDetections(check, detections, numImages, real.classNames.length);
  const { iouThreshold, maxDetections } = check.options('options', options, OPTIONS);

  const classes = real.classNames.map((name, label): ClassEvaluation => {
    const judged: Judged[] = [];
    let numGroundTruth = 0;
    for (let image = 0; image < numImages; image++) {
      const trueRows = rowsOf(real, image, label);
      numGroundTruth += trueRows.length;
      const rows = rowsOf(found, image, label).sort((a, b) => byFallingScore(found.scores[a]!, found.scores[b]!));
      judged.push(...judge(found, rows.slice(0, maxDetections), real.boxes, trueRows, iouThreshold));
    }
    judged.sort((a, b) => byFallingScore(a.score, b.score));
    const counted = judged.filter(({ correct }) => correct !== undefined);
    const ap = averagePrecision(
      counted.map(({ correct }) => correct === true),
      numGroundTruth,
    );
    return { name, ap, numGroundTruth, numDetections: judged.length };
  });

  const known = classes.filter((c) => c.numGroundTruth > 0);
  return { meanAp: known.reduce((sum, c) => sum + c.ap, 0) / known.length, classes };
}

interface Judged {
  score: number;
  /** undefined: counts neither as right nor as false. */
  correct: boolean | undefined;
}

/** Lets detections of one class in one image, best first, claim true boxes. */
function judge(
  { boxes, scores }: Detections,
  rows: readonly number[],
  trueBoxes: Float32Array,
  trueRows: readonly number[],
  iouThreshold: number,
): Judged[] {
  const unclaimed = [...trueRows];
  return rows.map((row) => {
    let best = -1;
    let bestIou = Math.min(iouThreshold, 1 - 1e-10); // as the COCO tool, which so forgives rounding at 1
    for (const [i, trueRow] of unclaimed.entries()) {
      const overlap = iou(boxes, row, trueBoxes, trueRow);
      if (overlap >= bestIou) {
        best = i;
        bestIou = overlap;
      }
    }
    if (best >= 0) unclaimed.splice(best, 1);
    return { score: scores[row]!, correct: best < 0 && area(boxes, row) < 0 ? undefined : best >= 0 };
  });
}
