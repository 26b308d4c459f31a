// From a network's outputs to detections.
import { AnchorGrid, nativeAnchors, type Anchors } from './anchors.js';
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import { DeviceTensor, head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { plan, type Plan } from '../runtime/plan.js';
import { FLOAT32_MAX, type Check } from '../arguments/validate.js';

export interface DecodeDetectionsOptions<F extends Floats = Float32Array> {
  /** [B, A, K], flattened. */
  classLogits: F;
  /** [B, A, 4], flattened. */
  boxDeltas: FloatsLike<F>;
  anchors: Anchors<F>;
  /** Pixels; boxes are clipped to the image. Default: the AnchorGrid's. */
  imageHeight?: number;
  imageWidth?: number;
  /** K. Default: what the lengths tell. */
  numClasses?: number;
  /** In [0, 1]: only greater scores count. Default 0.05. */
  scoreThreshold?: number;
  /** Candidates a level. Default 1000. */
  topK?: number;
  /** Anchors of each level, for plain anchor arrays. Default: one level (an AnchorGrid knows its own). */
  levelCounts?: ArrayLike<number>;
  /** In [0, 1]. Default 0.5. */
  iouThreshold?: number;
  /** A box suppresses those of other classes too. Default false: only those of its own. */
  classAgnostic?: boolean;
  /** Detections an image. Default 300. */
  maxDetections?: number;
  backend?: BackendName;
}

/** Detections of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1], by descending score. */
export interface Detections<F extends Floats = Float32Array> {
  /** [D, 4] pixels. */
  boxes: FloatsLike<F>;
  /** [D] sigmoid scores. */
  scores: FloatsLike<F>;
  /** [D] classes. */
  labels: IntsLike<F>;
  /** [B + 1], on the host. */
  offsets: Int32Array;
}

export const DECODE_OPTIONS = [
  'classLogits',
  'boxDeltas',
  'anchors',
  'imageHeight',
  'imageWidth',
  'numClasses',
  'scoreThreshold',
  'topK',
  'levelCounts',
  'iouThreshold',
  'classAgnostic',
  'maxDetections',
  'backend',
] as const;

/**
 * Scores, boxes and classes from raw outputs (torchvision's RetinaNet.postprocess_detections): per level the topK scores above
 * the threshold, decoded and clipped; non-maximum suppression within each class (batched_nms there; with `classAgnostic` across
 * classes, nms); the best maxDetections of each image. A NaN logit is never a detection, nor is a row whose deltas or whose
 * decoded box, before clipping, are not all finite: it takes no other's place among the topK and suppresses nothing.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function decodeDetections<F extends Floats>(options: DecodeDetectionsOptions<F>): Detections<F> {
  return planDecodeDetections(options).runSync();
}

export function planDecodeDetections<F extends Floats>(options: DecodeDetectionsOptions<F>): Plan<Detections<F>> {
  const check = new Call('decodeDetections');
  const given = check.required<DecodeDetectionsOptions<Floats>>('options', options, DECODE_OPTIONS);
  const anchors = nativeAnchors(check, given.anchors);
  const classLogits = check.activations('classLogits', given.classLogits);
  const boxDeltas = check.activations('boxDeltas', given.boxDeltas, classLogits);
  const { images, numClasses } = readOutputShape(check, anchors.count, classLogits, boxDeltas, given.numClasses);
  const grid = AnchorGrid.from(given.anchors);
  const size = { min: 0, max: FLOAT32_MAX, exclusiveMin: true };
  const { imageHeight = grid?.imageHeight, imageWidth = grid?.imageWidth } = given;
  const height = check.number('imageHeight', imageHeight, size);
  const width = check.number('imageWidth', imageWidth, size);
  const { scoreThreshold = 0.05, topK = 1000, iouThreshold = 0.5, classAgnostic = false, maxDetections = 300 } = given;
  const unit = { min: 0, max: 1 };
  const whole = { min: 1, max: 2 ** 31 - 1, integer: true };
  check.number('topK', topK, whole);
  check.number('maxDetections', maxDetections, whole);
  const levelCounts = readLevelCounts(check, given.levelCounts, grid, anchors.count);
  // No image can have more detections than candidates.
  const candidates = levelCounts.reduce((sum, count) => sum + Math.min(topK, count * numClasses), 0);
  const most = Math.min(maxDetections, candidates);
  const boxes = check.allocate('Float32Array', images * most * 4);
  const scores = check.allocate('Float32Array', images * most);
  const labels = check.allocate('Int32Array', images * most);
  const offsets = check.newArray('Int32Array', images + 1);
  return plan(
    check,
    'decodeDetections',
    {
      backend: backendIndex(check, given.backend),
      ...anchors.args,
      images,
      classes: numClasses,
      classLogits,
      boxDeltas,
      levelCounts,
      imageHeight: height,
      imageWidth: width,
      scoreThreshold: check.number('scoreThreshold', scoreThreshold, unit),
      topK,
      iouThreshold: check.number('iouThreshold', iouThreshold, unit),
      classAgnostic: check.boolean('classAgnostic', classAgnostic),
      maxDetections: most,
      boxes,
      scores,
      labels,
      offsets,
    },
    () => {
      const count = offsets[images] as number;
      return {
        boxes: head(check, boxes, count, 4),
        scores: head(check, scores, count),
        labels: head(check, labels, count),
        offsets,
      } as Detections<F>;
    },
  );
}

/** B and K of a network's two outputs. */
export function readOutputShape(
  check: Check,
  anchors: number,
  classLogits: Floats,
  boxDeltas: Floats,
  givenClasses: unknown,
): { images: number; numClasses: number } {
  const images = anchors === 0 ? 0 : boxDeltas.length / 4 / anchors;
  if (!Number.isInteger(images) || images * anchors * 4 !== boxDeltas.length) {
    const expected = `a multiple of ${String(anchors)} anchors x 4`;
    check.fail('ERR_SHAPE', 'boxDeltas', expected, `${String(boxDeltas.length)} elements`);
  }
  const rows = images * anchors;
  const numClasses =
    givenClasses === undefined
      ? rows === 0
        ? 1
        : classLogits.length / rows
      : check.number('numClasses', givenClasses, { min: 1, integer: true });
  // A tensor [B, A, K] that others' lengths contradict by a factor.
  const axes = DeviceTensor.is(classLogits) && givenClasses === undefined ? classLogits.shape : [];
  const contradicts = axes.length === 3 && rows > 0 && axes[2] !== numClasses;
  if (!Number.isInteger(numClasses) || numClasses < 1 || classLogits.length !== rows * numClasses || contradicts) {
    const classes = givenClasses === undefined ? 'the number of classes' : `${String(numClasses)} classes`;
    const expected = `${String(rows)} anchors x ${classes}`;
    const received = contradicts ? `shape [${axes.join(', ')}]` : `${String(classLogits.length)} elements`;
    check.fail('ERR_SHAPE', 'classLogits', expected, received);
  }
  return { images, numClasses };
}

function readLevelCounts(
  check: Check,
  given: ArrayLike<number> | undefined,
  grid: AnchorGrid | undefined,
  anchors: number,
): Float64Array {
  if (given === undefined) return Float64Array.from(grid?.levels.map((level) => level.count) ?? [anchors]);
  const counts = Float64Array.from(check.numbers('levelCounts', given, { min: 0, integer: true }));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== anchors) {
    check.fail(
      'ERR_SHAPE',
      'levelCounts',
      `counts that sum to ${String(anchors)} anchors`,
      `a sum of ${String(total)}`,
    );
  }
  return counts;
}
