// Encoding, clipping and pairwise overlap of boxes on tensors.
import { equal, where, zerosLike, type Tensor, type Tensor2D, type TensorInfo } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import type { BOX_CODER } from '../operations/box-coder.js';
import {
  BOX_CODING_OPTIONS,
  BOX_OPTIONS,
  CLIP_OPTIONS,
  IMAGE_SIZE,
  planBoxIou,
  planClipBoxes,
  planEncodeBoxes,
} from '../operations/boxes.js';
import { Check } from '../arguments/check.js';
import type { BackendOptions } from '../runtime/backend.js';
import { defineKernel, scoped, type KernelCall } from './engine.js';
import { compute, type Arrays } from './memory.js';
import {
  boxes as boxTensor,
  expectShape,
  kernelAnchors,
  readAnchors,
  splitOptions,
  type Input,
  type TensorAnchors,
  type TensorOptionsOf,
} from './tensors.js';

/** Options of the operations on boxes, on tensors. */
export interface TensorBoxOptions extends BackendOptions {}

/** The weights of the box coder, on tensors. */
export interface TensorBoxCoderOptions extends TensorOptionsOf<typeof BOX_CODER> {}

/** Options of `encodeBoxes` and `decodeBoxes` on tensors. */
export interface TensorBoxCodingOptions extends TensorBoxOptions, TensorBoxCoderOptions {}

/** Options of `clipBoxes` on tensors. */
export interface TensorClipOptions extends TensorOptionsOf<typeof IMAGE_SIZE>, BackendOptions {}

interface AnchorAttrs extends TensorBoxCodingOptions {
  grid: AnchorGrid | undefined;
}

/** A kernel of one float32 output that the operation fills in place. */
function inPlace<Attrs>(
  shape: (call: KernelCall<Attrs>) => number[],
  run: (x: Arrays, attrs: Attrs, out: Float32Array) => void,
): (call: KernelCall<Attrs>) => TensorInfo[] {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { tensors } = compute(backend, inputs, { out: ['float32', shape(call)] }, (x, out) => {
      run(x, attrs, out.floats('out'));
    });
    return Object.values(tensors);
  };
}

const rows = (call: KernelCall<unknown>, name: string): number => call.inputs[name]?.shape[0] ?? 0;

const encode = defineKernel<AnchorAttrs>(
  'RetinanetOpsEncodeBoxes',
  inPlace(
    (call) => [rows(call, 'boxes'), 4],
    (x, { grid, ...options }, out) =>
      planEncodeBoxes(kernelAnchors(x, { grid }), x.floats('boxes'), { ...options, out }).runSync(),
  ),
  'encodeBoxes: not differentiable',
);

const clip = defineKernel<TensorClipOptions>(
  'RetinanetOpsClipBoxes',
  inPlace(
    (call) => [rows(call, 'boxes'), 4],
    (x, attrs, out) => planClipBoxes(x.floats('boxes'), { ...attrs, out }).runSync(),
  ),
  {
    inputsToSave: ['boxes'],
    outputsToSave: [true],
    gradFunc: (dy, saved) => {
      const [given, clipped] = saved as [Tensor, Tensor];
      return { boxes: () => where(equal(given, clipped), dy as Tensor, zerosLike(given)) };
    },
  },
);

const iou = defineKernel<TensorBoxOptions>(
  'RetinanetOpsBoxIou',
  inPlace(
    (call) => [rows(call, 'a'), rows(call, 'b')],
    (x, { backend }, out) => planBoxIou(x.floats('a'), x.floats('b'), { backend, out }).runSync(),
  ),
  'boxIou: not differentiable',
);

/**
 * Deltas dx, dy, dw, dh from anchors to boxes (torchvision's BoxCoder.encode). Not differentiable.
 *
 * @param anchors an AnchorGrid, or float32 [A, 4]
 * @param boxes float32 [A, 4], finite, with area
 * @returns [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export function encodeBoxes(anchors: TensorAnchors, boxes: Input, options?: TensorBoxCodingOptions): Tensor2D {
  return scoped(() => {
    const check = new Check('encodeBoxes');
    const { attrs } = splitOptions(check, options, BOX_CODING_OPTIONS);
    const { count, inputs, grid } = readAnchors(check, anchors);
    const given = boxTensor(check, 'boxes', boxes);
    expectShape(check, 'boxes', given, [count, 4], 'like the anchors');
    return encode({ ...inputs, boxes: given }, { ...attrs, grid })[0] as Tensor2D;
  });
}

/**
 * Boxes with x clamped to [0, width] and y to [0, height]. Differentiable by the boxes as tf.clipByValue is.
 *
 * @param boxes float32 [n, 4], finite
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND
 */
export function clipBoxes(boxes: Input, options: TensorClipOptions): Tensor2D {
  return scoped(() => {
    const check = new Check('clipBoxes');
    const { attrs } = splitOptions(check, options, CLIP_OPTIONS);
    return clip({ boxes: boxTensor(check, 'boxes', boxes) }, attrs as TensorClipOptions)[0] as Tensor2D;
  });
}

/**
 * Intersection over union of every box of `a` with every box of `b`. Not differentiable.
 *
 * @param a float32 [n, 4], finite
 * @param b float32 [m, 4], finite
 * @returns [n, m]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function boxIou(a: Input, b: Input, options?: TensorBoxOptions): Tensor2D {
  return scoped(() => {
    const check = new Check('boxIou');
    const { attrs } = splitOptions(check, options, BOX_OPTIONS);
    return iou({ a: boxTensor(check, 'a', a), b: boxTensor(check, 'b', b) }, attrs)[0] as Tensor2D;
  });
}
