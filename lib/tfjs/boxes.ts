// Encoding, clipping and pairwise overlap of boxes on tensors.
import { equal, where, zerosLike, type Tensor, type Tensor2D, type TensorInfo } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import type { BackendName } from '../runtime/backend.js';
import { planBoxIou, planClipBoxes, planEncodeBoxes } from '../operations/boxes.js';
import { Check } from '../arguments/validate.js';
import { defineKernel, scoped, type KernelCall } from './engine.js';
import { compute, type Arrays } from './memory.js';
import { anchorsOf, boxes as boxTensor, expectShape, readAnchors, type Input, type TensorAnchors } from './tensors.js';

export interface TensorBoxOptions {
  backend?: BackendName;
}

export interface TensorClipOptions extends TensorBoxOptions {
  /** Pixels, > 0. */
  height: number;
  width: number;
}

interface AnchorAttrs extends TensorBoxOptions {
  grid: AnchorGrid | undefined;
}

const OPTIONS = ['backend'] as const;

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
    (x, attrs, out) =>
      planEncodeBoxes(anchorsOf(x, attrs), x.floats('boxes'), { backend: attrs.backend, out }).runSync(),
  ),
  'encodeBoxes: not differentiable',
);

const clip = defineKernel<TensorClipOptions>(
  'RetinanetOpsClipBoxes',
  inPlace(
    (call) => [rows(call, 'boxes'), 4],
    (x, { height, width, backend }, out) => planClipBoxes(x.floats('boxes'), { height, width, backend, out }).runSync(),
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
 * Deltas dx, dy, dw, dh from anchors to boxes (torchvision's BoxCoder.encode, weights 1, 1, 1, 1). Not differentiable.
 *
 * @param anchors an AnchorGrid, or float32 [A, 4]
 * @param boxes float32 [A, 4], finite, with area
 * @returns [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND
 */
export function encodeBoxes(anchors: TensorAnchors, boxes: Input, options?: TensorBoxOptions): Tensor2D {
  return scoped(() => {
    const check = new Check('encodeBoxes');
    const { backend } = check.options<TensorBoxOptions>('options', options, OPTIONS);
    const { count, inputs, grid } = readAnchors(check, anchors);
    const given = boxTensor(check, 'boxes', boxes);
    expectShape(check, 'boxes', given, [count, 4], 'like the anchors');
    return encode({ ...inputs, boxes: given }, { grid, backend })[0] as Tensor2D;
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
    const names = [...OPTIONS, 'height', 'width'] as const;
    const { height, width, backend } = check.options<TensorClipOptions>('options', options ?? null, names);
    return clip({ boxes: boxTensor(check, 'boxes', boxes) }, { height, width, backend })[0] as Tensor2D;
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
    const { backend } = check.options<TensorBoxOptions>('options', options, OPTIONS);
    return iou({ a: boxTensor(check, 'a', a), b: boxTensor(check, 'b', b) }, { backend })[0] as Tensor2D;
  });
}
