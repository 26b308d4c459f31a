// Box coding, clipping and pairwise overlap.
import { nativeAnchors, type Anchors } from './anchors.js';
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import type { Floats, FloatsLike } from '../runtime/device-tensor.js';
import { plan, type Plan } from '../runtime/plan.js';
import { FLOAT32_MAX } from '../arguments/validate.js';

export interface BoxOptions<F extends Floats = Float32Array> {
  /**
   * The array that receives the result; of exactly its length. May be `boxes` itself in encodeBoxes and clipBoxes, `deltas` in
   * decodeBoxes; apart from every other array of the call.
   */
  out?: FloatsLike<F>;
  backend?: BackendName;
}

export interface ClipOptions<F extends Floats = Float32Array> extends BoxOptions<F> {
  /** Pixels, > 0. */
  height: number;
  width: number;
}

const OPTIONS = ['out', 'backend'] as const;

/**
 * Deltas dx, dy, dw, dh from anchors to boxes: torchvision's BoxCoder.encode with weights 1, 1, 1, 1 (Girshick et al. 2014,
 * appendix C).
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param boxes [A, 4], finite, with area
 * @returns deltas [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND
 */
export function encodeBoxes<F extends Floats>(anchors: Anchors<F>, boxes: F, options?: BoxOptions<F>): FloatsLike<F> {
  return planEncodeBoxes(anchors, boxes, options).runSync();
}

/**
 * Boxes from anchors and deltas: torchvision's BoxCoder.decode with weights 1, 1, 1, 1; dw and dh are clipped at log(1000 / 16).
 * NaN deltas give NaN coordinates, infinite ones what the formula gives: decodeDetections refuses both.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param deltas [A, 4]
 * @returns boxes [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND
 */
export function decodeBoxes<F extends Floats>(anchors: Anchors<F>, deltas: F, options?: BoxOptions<F>): FloatsLike<F> {
  return planDecodeBoxes(anchors, deltas, options).runSync();
}

/**
 * Boxes with x clamped to [0, width] and y to [0, height] (torchvision.ops.clip_boxes_to_image).
 *
 * @param boxes [n, 4], finite; on a device, where nobody looks, NaN stays NaN
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export function clipBoxes<F extends Floats>(boxes: F, options: ClipOptions<F>): FloatsLike<F> {
  return planClipBoxes(boxes, options).runSync();
}

/**
 * Intersection over union of every box of `a` with every box of `b`, float32 (torchvision.ops.box_iou). Two boxes without area
 * give NaN, as there.
 *
 * @param a [n, 4], finite
 * @param b [m, 4], finite
 * @returns [n, m]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function boxIou<F extends Floats>(a: F, b: FloatsLike<F>, options?: BoxOptions<F>): FloatsLike<F> {
  return planBoxIou(a, b, options).runSync();
}

export function planEncodeBoxes<F extends Floats>(
  anchors: Anchors<F>,
  boxes: F,
  options?: BoxOptions<F>,
): Plan<FloatsLike<F>> {
  const check = new Call('encodeBoxes');
  const given = check.options<BoxOptions<F>>('options', options, OPTIONS);
  const { count, args } = nativeAnchors(check, anchors);
  check.operand('Float32Array', 'boxes', boxes, 4 * count, '[A, 4]');
  check.boxes('boxes', boxes, { area: true });
  const out = check.out('Float32Array', 'out', given.out, 4 * count, [count, 4], boxes) as FloatsLike<F>;
  return plan(check, 'encodeBoxes', { backend: backendIndex(check, given.backend), ...args, boxes, out }, () => out);
}

export function planDecodeBoxes<F extends Floats>(
  anchors: Anchors<F>,
  deltas: F,
  options?: BoxOptions<F>,
): Plan<FloatsLike<F>> {
  const check = new Call('decodeBoxes');
  const given = check.options<BoxOptions<F>>('options', options, OPTIONS);
  const { count, args } = nativeAnchors(check, anchors);
  check.operand('Float32Array', 'deltas', deltas, 4 * count, '[A, 4]');
  const out = check.out('Float32Array', 'out', given.out, 4 * count, [count, 4], deltas) as FloatsLike<F>;
  return plan(check, 'decodeBoxes', { backend: backendIndex(check, given.backend), ...args, deltas, out }, () => out);
}

export function planClipBoxes<F extends Floats>(boxes: F, options: ClipOptions<F>): Plan<FloatsLike<F>> {
  const check = new Call('clipBoxes');
  const given = check.required<ClipOptions<F>>('options', options, [...OPTIONS, 'height', 'width']);
  check.operand('Float32Array', 'boxes', boxes);
  const count = check.boxes('boxes', boxes, { area: false });
  const size = { min: 0, max: FLOAT32_MAX, exclusiveMin: true };
  const height = check.number('height', given.height, size);
  const width = check.number('width', given.width, size);
  const out = check.out('Float32Array', 'out', given.out, 4 * count, [count, 4], boxes) as FloatsLike<F>;
  return plan(
    check,
    'clipBoxes',
    { backend: backendIndex(check, given.backend), boxes, height, width, out },
    () => out,
  );
}

export function planBoxIou<F extends Floats>(a: F, b: FloatsLike<F>, options?: BoxOptions<F>): Plan<FloatsLike<F>> {
  const check = new Call('boxIou');
  const given = check.options<BoxOptions<F>>('options', options, OPTIONS);
  const rows = check.boxes('a', check.operand('Float32Array', 'a', a), { area: false });
  const columns = check.boxes('b', check.operand('Float32Array', 'b', b), { area: false });
  const out = check.out('Float32Array', 'out', given.out, rows * columns, [rows, columns]) as FloatsLike<F>;
  return plan(check, 'boxIou', { backend: backendIndex(check, given.backend), a, b, out }, () => out);
}
