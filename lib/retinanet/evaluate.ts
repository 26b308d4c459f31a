import { RetinanetOpsError } from '../errors.js';
import { validateOffsets, type DetectionDataset, type Detections } from './dataset.js';

export interface EvaluateOptions {
  /** A detection is right where its overlap with an unclaimed true box of its class reaches this; default 0.5. */
  iouThreshold?: number;
  /** Only that many detections of a class in an image count, best scores first; default 100, as COCO does. */
  maxDetections?: number;
}

export interface ClassEvaluation {
  name: string;
  /** Average precision 0..1; NaN for a class without ground truth. */
  ap: number;
  numGroundTruth: number;
  numDetections: number;
}

export interface Evaluation {
  /** Mean of `ap` over the classes that have ground truth; NaN where none has. */
  meanAp: number;
  classes: ClassEvaluation[];
}

/** COCO samples the precision-recall curve at recall 0, 0.01, ..., 1; as multiples, since 7 * 0.01 > 7 / 100 decides ties. */
const RECALL_LEVELS = Array.from({ length: 101 }, (_, i) => i * 0.01);

function iou(a: Float32Array, i: number, b: Float32Array, j: number): number {
  const [ax1 = 0, ay1 = 0, ax2 = 0, ay2 = 0] = a.subarray(i * 4, i * 4 + 4);
  const [bx1 = 0, by1 = 0, bx2 = 0, by2 = 0] = b.subarray(j * 4, j * 4 + 4);
  const width = Math.min(ax2, bx2) - Math.max(ax1, bx1);
  const height = Math.min(ay2, by2) - Math.max(ay1, by1);
  if (width <= 0 || height <= 0) return 0;
  const inter = width * height;
  return inter / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inter);
}

/** Rows from..to of one class. */
function rowsOf(labels: Int32Array, from: number, to: number, label: number): number[] {
  const rows: number[] = [];
  for (let row = from; row < to; row++) if (labels[row] === label) rows.push(row);
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

function checkLabels(labels: Int32Array, numClasses: number, name: string): void {
  for (const [row, label] of labels.entries()) {
    if (label < 0 || label >= numClasses) {
      throw new RetinanetOpsError(
        'ERR_LABEL',
        `${name} must be 0 to ${String(numClasses - 1)}, got ${String(label)} at row ${String(row)}`,
      );
    }
  }
}

/**
 * Average precision by class at one overlap threshold, following the COCO tool (area "all"): in every image, detections
 * of a class in descending order of score each claim the unclaimed true box they overlap most, if that overlap reaches
 * the threshold (the later true box where two overlap equally); the rest are false. All images' detections of a class,
 * ranked together, give its precision-recall curve, whose area is the class's AP. Equal scores keep the order they came in.
 *
 * @param detections ragged over the same images as `truth`
 * @param truth what is really there, as in a {@link DetectionDataset}
 * @throws RetinanetOpsError `ERR_SHAPE`, `ERR_LABEL` or `ERR_RANGE`
 */
export function evaluateDetections(
  detections: Detections,
  truth: Pick<DetectionDataset, 'boxes' | 'labels' | 'offsets' | 'classNames'>,
  options: EvaluateOptions = {},
): Evaluation {
  const { iouThreshold = 0.5, maxDetections = 100 } = options;
  if (!(iouThreshold > 0 && iouThreshold <= 1)) {
    throw new RetinanetOpsError('ERR_RANGE', `iouThreshold must be above 0 and at most 1, got ${String(iouThreshold)}`);
  }
  if (!(maxDetections >= 1)) {
    throw new RetinanetOpsError('ERR_RANGE', `maxDetections must be at least 1, got ${String(maxDetections)}`);
  }
  const numImages = truth.offsets.length - 1;
  validateOffsets(truth.offsets, numImages, truth.labels.length, 'truth.offsets');
  validateOffsets(detections.offsets, numImages, detections.labels.length, 'detections.offsets');
  checkLabels(truth.labels, truth.classNames.length, 'truth.labels');
  checkLabels(detections.labels, truth.classNames.length, 'detections.labels');
  const score = (row: number) => detections.scores[row] ?? 0;

  const classes = truth.classNames.map((name, label): ClassEvaluation => {
    const judged: { score: number; correct: boolean }[] = [];
    let numGroundTruth = 0;
    for (let image = 0; image < numImages; image++) {
      const unclaimed = rowsOf(truth.labels, truth.offsets[image] ?? 0, truth.offsets[image + 1] ?? 0, label);
      numGroundTruth += unclaimed.length;
      const found = rowsOf(
        detections.labels,
        detections.offsets[image] ?? 0,
        detections.offsets[image + 1] ?? 0,
        label,
      );
      found.sort((a, b) => score(b) - score(a)); // stable, as NumPy's mergesort in the COCO tool
      for (const row of found.slice(0, maxDetections)) {
        let best = -1;
        let bestIou = iouThreshold;
        for (const [i, box] of unclaimed.entries()) {
          const overlap = iou(detections.boxes, row, truth.boxes, box);
          if (overlap >= bestIou) {
            best = i;
            bestIou = overlap;
          }
        }
        if (best >= 0) unclaimed.splice(best, 1);
        judged.push({ score: score(row), correct: best >= 0 });
      }
    }
    judged.sort((a, b) => b.score - a.score);
    const ap = averagePrecision(
      judged.map((d) => d.correct),
      numGroundTruth,
    );
    return { name, ap, numGroundTruth, numDetections: judged.length };
  });

  const known = classes.filter((c) => c.numGroundTruth > 0);
  return { meanAp: known.reduce((sum, c) => sum + c.ap, 0) / known.length, classes };
}
