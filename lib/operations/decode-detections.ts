// From a network's outputs to detections.
import { Call } from '../arguments/call.js';
import {
  boolean,
  neededArray,
  neededValue,
  number,
  value,
  type FloatArray,
  type OptionsOf,
} from '../arguments/options.js';
import { FLOAT32_MAX, type ScalarCheck } from '../arguments/scalar-check.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import { DeviceTensor, head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import { AnchorGrid, nativeAnchors, type Anchors } from './anchors.js';
import { BOX_CODER, coderFields, type BoxCoderOptions } from './box-coder.js';

/** A network's two outputs, and the anchors that their rows stand for. */
export const OUTPUTS = {
  classLogits: neededArray(),
  /** [B, A, 4], flattened. */
  boxDeltas: neededArray<FloatArray>(),
  anchors: neededValue(),
  /** K. Default: what the lengths tell. */
  numClasses: number({ min: 1, integer: true }),
};

/** A network's two outputs, for B images of A anchors and K classes. */
export interface OutputOptions<F extends Floats = Float32Array> extends OptionsOf<typeof OUTPUTS, F> {
  /** [B, A, K], flattened. */
  classLogits: F;
  /** What the rows of both stand for. */
  anchors: Anchors<F>;
}

const PIXELS = { min: 0, max: FLOAT32_MAX, exclusiveMin: true } as const;
const UNIT = { min: 0, max: 1 } as const;
const COUNT = { min: 1, max: 2 ** 31 - 1, integer: true } as const;
/** Which of the candidates become detections. */
export const SELECTION = {
  /** In [0, 1]: only greater scores count. Default 0.05. */
  scoreThreshold: number({ ...UNIT, default: 0.05 }),
  /** Candidates of each pyramid level that go on to the suppression, best first. Default 1000. */
  topK: number({ ...COUNT, default: 1000 }),
  /** In [0, 1]: of two boxes of one class with a greater IoU the weaker one is suppressed. Default 0.5. */
  iouThreshold: number({ ...UNIT, default: 0.5 }),
  /** A box suppresses those of other classes too. Default false: only those of its own. */
  classAgnostic: boolean(false),
  /** Detections per image. Default 300. */
  maxDetections: number({ ...COUNT, default: 300 }),
};

/** Which of the candidates become detections. */
export interface SelectionOptions extends OptionsOf<typeof SELECTION> {}

export const DECODED_IMAGE = {
  /** Pixels; boxes are clipped to the image. Default: the AnchorGrid's. */
  imageHeight: number(PIXELS),
  /** Pixels. Default: the AnchorGrid's. */
  imageWidth: number(PIXELS),
  /** Anchors of each level, for plain anchor arrays. Default: one level (an AnchorGrid knows its own). */
  levelCounts: value<ArrayLike<number>, number[] | undefined>((check, argument, given) =>
    check.numbers(argument, given, { min: 0, integer: true }),
  ),
};
export const DECODE_OPTIONS = { ...OUTPUTS, ...BOX_CODER, ...DECODED_IMAGE, ...SELECTION, ...BACKEND };

/** Options of `decodeDetections`. */
export interface DecodeDetectionsOptions<F extends Floats = Float32Array>
  extends OutputOptions<F>, BoxCoderOptions, OptionsOf<typeof DECODED_IMAGE>, SelectionOptions, BackendOptions {}

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

/**
 * Scores, boxes and classes from raw outputs (torchvision's RetinaNet.postprocess_detections): per level the topK scores above
 * the threshold, decoded and clipped; non-maximum suppression within each class (batched_nms there; with `classAgnostic` across
 * classes, nms); the best maxDetections of each image. A NaN logit is never a detection, nor is a row whose deltas or whose
 * decoded box, before clipping, are not all finite: it takes no other's place among the topK and suppresses nothing.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const decodeDetections = synchronous(planDecodeDetections);

export function planDecodeDetections<F extends Floats>(options: DecodeDetectionsOptions<F>): Plan<Detections<F>> {
  const call = new Call('decodeDetections');
  const given = call.options('options', options, DECODE_OPTIONS);
  const { scoreThreshold, topK, iouThreshold, classAgnostic, maxDetections } = given;
  const anchors = nativeAnchors(call, given.anchors);
  const classLogits = call.activations('classLogits', given.classLogits);
  const boxDeltas = call.activations('boxDeltas', given.boxDeltas, classLogits);
  const { images, numClasses } = readOutputShape(call, anchors.count, classLogits, boxDeltas, given.numClasses);
  const grid = AnchorGrid.from(given.anchors);
  const levelCounts = readLevelCounts(call, given.levelCounts, grid, anchors.count);
  // No image can have more detections than candidates.
  const candidates = levelCounts.reduce((sum, count) => sum + Math.min(topK, count * numClasses), 0);
  const most = Math.min(maxDetections, candidates);
  const outputs = {
    boxes: call.allocate('Float32Array', images * most * 4),
    scores: call.allocate('Float32Array', images * most),
    labels: call.allocate('Int32Array', images * most),
    offsets: call.newArray('Int32Array', images + 1),
  };
  const { boxes, scores, labels, offsets } = outputs;
  return plan(
    call,
    'decodeDetections',
    {
      backend: backendIndex(call, given.backend),
      ...anchors.fields,
      ...coderFields(given),
      images,
      classes: numClasses,
      classLogits,
      boxDeltas,
      levelCounts,
      imageHeight: call.number('imageHeight', given.imageHeight ?? grid?.imageHeight, PIXELS),
      imageWidth: call.number('imageWidth', given.imageWidth ?? grid?.imageWidth, PIXELS),
      scoreThreshold,
      topK,
      iouThreshold,
      classAgnostic,
      maxDetections: most,
      ...outputs,
    },
    () => {
      const count = offsets[images] as number;
      return {
        boxes: head(call, boxes, count, 4),
        scores: head(call, scores, count),
        labels: head(call, labels, count),
        offsets,
      } as Detections<F>;
    },
  );
}

/** B and K of a network's two outputs. */
export function readOutputShape(
  check: ScalarCheck,
  anchors: number,
  classLogits: Floats,
  boxDeltas: Floats,
  givenClasses: number | undefined,
): { images: number; numClasses: number } {
  const images = anchors === 0 ? 0 : boxDeltas.length / 4 / anchors;
  if (!Number.isInteger(images) || images * anchors * 4 !== boxDeltas.length) {
    const expected = `a multiple of ${String(anchors)} anchors x 4`;
    check.fail('ERR_SHAPE', 'boxDeltas', expected, `${String(boxDeltas.length)} elements`);
  }
  const rows = images * anchors;
  const numClasses = givenClasses ?? (rows === 0 ? 1 : classLogits.length / rows);
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
  check: ScalarCheck,
  given: readonly number[] | undefined,
  grid: AnchorGrid | undefined,
  anchors: number,
): Float64Array {
  const counts = Float64Array.from(given ?? grid?.levels.map((level) => level.count) ?? [anchors]);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === anchors) return counts;
  check.fail('ERR_SHAPE', 'levelCounts', `counts that sum to ${String(anchors)} anchors`, `a sum of ${String(total)}`);
}
