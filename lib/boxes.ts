// Box coding, clipping and pairwise overlap.
import { nativeAnchors, type Anchors } from './anchors.js';
import { backendIndex, type BackendName } from './backend.js';
import { plan, type Plan } from './plan.js';
import { Check } from './validate.js';

export interface BoxOptions {
  /** The array that receives the result; of exactly its length. */
  out?: Float32Array;
  backend?: BackendName;
}

export interface ClipOptions extends BoxOptions {
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
export function encodeBoxes(anchors: Anchors, boxes: Float32Array, options?: BoxOptions): Float32Array {
  return planEncodeBoxes(anchors, boxes, options).runSync();
}

/**
 * Boxes from anchors and deltas: torchvision's BoxCoder.decode with weights 1, 1, 1, 1; dw and dh are clipped at log(1000 / 16).
 * NaN deltas give NaN coordinates.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param deltas [A, 4]
 * @returns boxes [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND
 */
export function decodeBoxes(anchors: Anchors, deltas: Float32Array, options?: BoxOptions): Float32Array {
  return planDecodeBoxes(anchors, deltas, options).runSync();
}

/**
 * Boxes with x clamped to [0, width] and y to [0, height] (torchvision.ops.clip_boxes_to_image).
 *
 * @param boxes [n, 4], finite
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export function clipBoxes(boxes: Float32Array, options: ClipOptions): Float32Array {
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
export function boxIou(a: Float32Array, b: Float32Array, options?: BoxOptions): Float32Array {
  return planBoxIou(a, b, options).runSync();
}

export function planEncodeBoxes(anchors: Anchors, boxes: Float32Array, options?: BoxOptions): Plan<Float32Array> {
  const check = new Check('encodeBoxes');
  const given = check.options<BoxOptions>('options', options, OPTIONS);
  const { count, data, levels } = nativeAnchors(check, anchors);
  check.array('Float32Array', 'boxes', boxes, 4 * count, '[A, 4]');
  check.boxes('boxes', boxes, { area: true });
  const out = check.out('Float32Array', 'out', given.out, boxes.length);
  return plan('encodeBoxes', [backendIndex(check, given.backend), data, levels, boxes, out], () => out);
}

export function planDecodeBoxes(anchors: Anchors, deltas: Float32Array, options?: BoxOptions): Plan<Float32Array> {
  const check = new Check('decodeBoxes');
  const given = check.options<BoxOptions>('options', options, OPTIONS);
  const { count, data, levels } = nativeAnchors(check, anchors);
  check.array('Float32Array', 'deltas', deltas, 4 * count, '[A, 4]');
  const out = check.out('Float32Array', 'out', given.out, deltas.length);
  return plan('decodeBoxes', [backendIndex(check, given.backend), data, levels, deltas, out], () => out);
}

export function planClipBoxes(boxes: Float32Array, options: ClipOptions): Plan<Float32Array> {
  const check = new Check('clipBoxes');
  const given = check.options<ClipOptions>('options', options ?? null, [...OPTIONS, 'height', 'width']);
  check.array('Float32Array', 'boxes', boxes);
  check.boxes('boxes', boxes, { area: false });
  const height = check.number('height', given.height, { min: 0, exclusiveMin: true });
  const width = check.number('width', given.width, { min: 0, exclusiveMin: true });
  const out = check.out('Float32Array', 'out', given.out, boxes.length);
  return plan('clipBoxes', [backendIndex(check, given.backend), boxes, height, width, out], () => out);
}

export function planBoxIou(a: Float32Array, b: Float32Array, options?: BoxOptions): Plan<Float32Array> {
  const check = new Check('boxIou');
  const given = check.options<BoxOptions>('options', options, OPTIONS);
  const rows = check.boxes('a', check.array('Float32Array', 'a', a), { area: false });
  const columns = check.boxes('b', check.array('Float32Array', 'b', b), { area: false });
  const out = check.out('Float32Array', 'out', given.out, rows * columns);
  return plan('boxIou', [backendIndex(check, given.backend), a, b, out], () => out);
}
