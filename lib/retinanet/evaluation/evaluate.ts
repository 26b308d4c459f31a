import { Check } from '../../arguments/check.js';
import { number, type OptionsOf } from '../../arguments/options.js';
import type { Detections } from '../../operations/decode-detections.js';
import { checkOffsets, checkTruth, imageOf, type Truth } from '../data/dataset.js';
import { matchClasses, outcomes } from './match.js';
import { newColumns, type BoxColumns } from './objects.js';
import { COCO_RECALLS, mean, precisionAt, precisionRecall } from './precision.js';

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

/** The arrays of detections, checked; `images`, `numClasses`: how many there have to be, where that is known. */
export function checkDetections(check: Check, value: unknown, images?: number, numClasses?: number): Detections {
  const given = check.fields<Detections>('detections', value, ['boxes', 'scores', 'labels', 'offsets']);
  const labels = check.array('Int32Array', 'detections.labels', given.labels);
  const count = labels.length;
  const boxes = check.array('Float32Array', 'detections.boxes', given.boxes, 4 * count, '[D, 4], four per label,');
  const scores = check.array('Float32Array', 'detections.scores', given.scores, count, '(one per label)');
  const all = check.array('Int32Array', 'detections.offsets', given.offsets);
  const offsets = checkOffsets(check, 'detections.offsets', all, images ?? Math.max(0, all.length - 1), count);
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

  const boxes = columnsOf(real);
  const objects = {
    numImages,
    numClasses: real.classNames.length,
    truth: { ...boxes, size: boxes.area, ignored: new Uint8Array(real.labels.length) },
    found: { ...columnsOf(found), score: Float64Array.from(found.scores) },
  };
  const rules = { iouThresholds: [iouThreshold], areaRanges: [[0, Infinity]] as const, maxDetections };
  const classes: ClassEvaluation[] = [];
  for (const matches of matchClasses(objects, rules)) {
    const numGroundTruth = matches.positives[0]!;
    const curve = precisionRecall(outcomes(matches, 0, 0), numGroundTruth);
    const ap = numGroundTruth === 0 ? NaN : mean(precisionAt(curve, COCO_RECALLS));
    classes.push({ name: real.classNames[classes.length]!, ap, numGroundTruth, numDetections: matches.scores.length });
  }
  const known = classes.filter(({ numGroundTruth }) => numGroundTruth > 0);
  return { meanAp: mean(known.map(({ ap }) => ap)), classes };
}

function columnsOf({ boxes, labels, offsets }: Pick<Truth, 'boxes' | 'labels' | 'offsets'>): BoxColumns {
  const columns = newColumns(labels.length);
  columns.edges.set(boxes);
  columns.label.set(labels);
  for (let image = 0; image + 1 < offsets.length; image++)
    columns.image.fill(image, offsets[image], offsets[image + 1]);
  for (let row = 0; row < labels.length; row++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
    columns.area[row] = (x2 - x1) * (y2 - y1);
  }
  return columns;
}
