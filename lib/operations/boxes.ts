// Box coding, clipping and pairwise overlap.
import { Call } from '../arguments/call.js';
import { number, output, type FloatArray, type OptionsOf } from '../arguments/options.js';
import { FLOAT32_MAX } from '../arguments/scalar-check.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import type { Floats, FloatsLike } from '../runtime/device-tensor.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import { nativeAnchors, type Anchors } from './anchors.js';
import { BOX_CODER, coderFields, type BoxCoderOptions } from './box-coder.js';

const OUT = {
  /**
   * The array that receives the result; of exactly its length. May be `boxes` itself in encodeBoxes and clipBoxes, `deltas` in
   * decodeBoxes; must not overlap any other array of the call.
   */
  out: output<FloatArray>(),
};
export const BOX_OPTIONS = { ...OUT, ...BACKEND };

/** Options of the operations on boxes. */
export interface BoxOptions<F extends Floats = Float32Array> extends OptionsOf<typeof OUT, F>, BackendOptions {}

export const BOX_CODING_OPTIONS = { ...BOX_OPTIONS, ...BOX_CODER };

/** Options of `encodeBoxes` and `decodeBoxes`. */
export interface BoxCodingOptions<F extends Floats = Float32Array> extends BoxOptions<F>, BoxCoderOptions {}

const SIZE = { min: 0, max: FLOAT32_MAX, exclusiveMin: true } as const;
export const IMAGE_SIZE = {
  /** Pixels, > 0. */
  height: number({ ...SIZE, needed: true }),
  /** Pixels, > 0. */
  width: number({ ...SIZE, needed: true }),
};
export const CLIP_OPTIONS = { ...BOX_OPTIONS, ...IMAGE_SIZE };

/** Options of `clipBoxes`. */
export interface ClipOptions<F extends Floats = Float32Array> extends BoxOptions<F>, OptionsOf<typeof IMAGE_SIZE> {}

/**
 * Deltas dx, dy, dw, dh from anchors to boxes: torchvision's BoxCoder.encode (Girshick et al. 2014, appendix C).
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param boxes [A, 4], finite, with area
 * @returns deltas [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export const encodeBoxes = synchronous(planEncodeBoxes);

/**
 * Boxes from anchors and deltas: torchvision's BoxCoder.decode; dw and dh, divided by their weights, are clipped at log(1000 / 16).
 * NaN deltas give NaN coordinates, infinite ones what the formula gives: decodeDetections refuses both.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param deltas [A, 4]
 * @returns boxes [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export const decodeBoxes = synchronous(planDecodeBoxes);

/**
 * Boxes with x clamped to [0, width] and y to [0, height] (torchvision.ops.clip_boxes_to_image).
 *
 * @param boxes [n, 4], finite; values in device memory are not checked, and NaN stays NaN there
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export const clipBoxes = synchronous(planClipBoxes);

/**
 * Intersection over union of every box of `a` with every box of `b`, float32 (torchvision.ops.box_iou). Two boxes without area
 * give NaN, as there.
 *
 * @param a [n, 4], finite
 * @param b [m, 4], finite
 * @returns [n, m]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const boxIou = synchronous(planBoxIou);

export function planEncodeBoxes<F extends Floats>(
  anchors: Anchors<F>,
  boxes: F,
  options?: BoxCodingOptions<F>,
): Plan<FloatsLike<F>> {
  const call = new Call('encodeBoxes');
  const given = call.options('options', options, BOX_CODING_OPTIONS);
  const { count, fields } = nativeAnchors(call, anchors);
  call.operand('Float32Array', 'boxes', boxes, 4 * count, '[A, 4]');
  call.boxes('boxes', boxes, { area: true });
  const out = call.out('Float32Array', 'out', given.out, 4 * count, [count, 4], boxes) as FloatsLike<F>;
  const backend = backendIndex(call, given.backend);
  return plan(call, 'encodeBoxes', { backend, ...fields, ...coderFields(given), boxes, out }, () => out);
}

export function planDecodeBoxes<F extends Floats>(
  anchors: Anchors<F>,
  deltas: F,
  options?: BoxCodingOptions<F>,
): Plan<FloatsLike<F>> {
  const call = new Call('decodeBoxes');
  const given = call.options('options', options, BOX_CODING_OPTIONS);
  const { count, fields } = nativeAnchors(call, anchors);
  call.operand('Float32Array', 'deltas', deltas, 4 * count, '[A, 4]');
  const out = call.out('Float32Array', 'out', given.out, 4 * count, [count, 4], deltas) as FloatsLike<F>;
  const backend = backendIndex(call, given.backend);
  return plan(call, 'decodeBoxes', { backend, ...fields, ...coderFields(given), deltas, out }, () => out);
}

export function planClipBoxes<F extends Floats>(boxes: F, options: ClipOptions<F>): Plan<FloatsLike<F>> {
  const call = new Call('clipBoxes');
  const { height, width, ...given } = call.options('options', options, CLIP_OPTIONS);
  call.operand('Float32Array', 'boxes', boxes);
  const count = call.boxes('boxes', boxes, { area: false });
  const out = call.out('Float32Array', 'out', given.out, 4 * count, [count, 4], boxes) as FloatsLike<F>;
  const backend = backendIndex(call, given.backend);
  return plan(call, 'clipBoxes', { backend, boxes, height, width, out }, () => out);
}

export function planBoxIou<F extends Floats>(a: F, b: FloatsLike<F>, options?: BoxOptions<F>): Plan<FloatsLike<F>> {
  const call = new Call('boxIou');
  const given = call.options('options', options, BOX_OPTIONS);
  const rows = call.boxes('a', call.operand('Float32Array', 'a', a), { area: false });
  const columns = call.boxes('b', call.operand('Float32Array', 'b', b), { area: false });
  const out = call.out('Float32Array', 'out', given.out, rows * columns, [rows, columns]) as FloatsLike<F>;
  return plan(call, 'boxIou', { backend: backendIndex(call, given.backend), a, b, out }, () => out);
}
