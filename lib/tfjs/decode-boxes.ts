// Boxes from anchors and deltas, on tensors.
import { add, concat, engine, split, sub, type Tensor, type Tensor2D, type TensorInfo } from '@tensorflow/tfjs-core';
import { AnchorGrid } from '../operations/anchors.js';
import { BOX_CODING_OPTIONS, planDecodeBoxes } from '../operations/boxes.js';
import { native } from '../runtime/native.js';
import { Check } from '../arguments/check.js';
import type { TensorBoxCodingOptions } from './boxes.js';
import { chainRule, defineKernel, noGradient, noGradients, scoped } from './engine.js';
import { compute, type Outputs } from './memory.js';
import {
  boxes as boxTensor,
  expectShape,
  kernelAnchors,
  readAnchors,
  splitOptions,
  type Input,
  type TensorAnchors,
} from './tensors.js';

const kernel = defineKernel<TensorBoxCodingOptions & { grid: AnchorGrid | undefined; withDerivative: boolean }>(
  'RetinanetOpsDecodeBoxes',
  ({ inputs, backend, attrs }) => {
    const shape = (inputs['deltas'] as TensorInfo).shape;
    const outputs: Outputs = { boxes: ['float32', shape] };
    const coderWeights = attrs.coderWeights ?? [1, 1, 1, 1];
    if (attrs.withDerivative) outputs['derivative'] = ['float32', shape];
    const { tensors } = compute(backend, inputs, outputs, (x, out) => {
      const anchors = kernelAnchors(x, attrs);
      const deltas = x.floats('deltas');
      const boxes = out.floats('boxes');
      planDecodeBoxes(anchors, deltas, { backend: attrs.backend, coderWeights, out: boxes }).runSync();
      const derivative = out.floatsIfAny('derivative');
      if (derivative === undefined) return;
      const anchorBoxes = AnchorGrid.from(anchors)?.boxes() ?? (anchors as Float32Array);
      fillDerivative({ anchors: anchorBoxes, deltas, boxes, weights: Float32Array.from(coderWeights) }, derivative);
    });
    return Object.values(tensors);
  },
  {
    outputsToSave: [false, true],
    gradFunc: (dy, saved) => {
      const [derivative] = saved;
      if (derivative === undefined) noGradient('decodeBoxes: expected the kernel to be run by the operation');
      const deltas = (): Tensor => {
        const [low, high] = split((dy as Tensor[])[0] as Tensor, 2, 1) as [Tensor, Tensor];
        return chainRule('decodeBoxes', derivative, concat([add(low, high), sub(high, low)], 1));
      };
      return { deltas, ...noGradients('decodeBoxes', ['anchors']) };
    },
  },
);

/**
 * By dx, dy: both sides move by the anchor's width or height. By dw, dh: each moves by half of the box's own, in opposite
 * directions, and not at all beyond the clipping. All of that over the coder's weights.
 */
function fillDerivative(
  of: Record<'anchors' | 'deltas' | 'boxes' | 'weights', Float32Array>,
  derivative: Float32Array,
): void {
  const { anchors, deltas, boxes, weights } = of;
  const { largestLogSize } = native();
  const side = (list: Float32Array, at: number): number => (list[at + 2] as number) - (list[at] as number);
  for (let row = 0; row < deltas.length; row += 4) {
    for (let axis = 0; axis < 2; axis++) {
      const [at, ofCentre, ofSize] = [row + axis, weights[axis] as number, weights[axis + 2] as number];
      const isClipped = Math.fround((deltas[at + 2] as number) / ofSize) > largestLogSize;
      derivative[at] = side(anchors, at) / ofCentre;
      derivative[at + 2] = isClipped ? 0 : side(boxes, at) / 2 / ofSize;
    }
  }
}

/**
 * Boxes from anchors and deltas (torchvision's BoxCoder.decode); dw and dh, divided by their weights, are clipped at log(1000 / 16).
 * Differentiable by the deltas, once.
 *
 * @param anchors an AnchorGrid, or float32 [A, 4]
 * @param deltas float32 [A, 4]
 * @returns [A, 4]
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_GRADIENT
 */
export function decodeBoxes(anchors: TensorAnchors, deltas: Input, options?: TensorBoxCodingOptions): Tensor2D {
  return scoped(() => {
    const check = new Check('decodeBoxes');
    const { attrs } = splitOptions(check, options, BOX_CODING_OPTIONS);
    const { count, inputs, grid } = readAnchors(check, anchors);
    const given = boxTensor(check, 'deltas', deltas);
    expectShape(check, 'deltas', given, [count, 4], 'like the anchors');
    const all = { ...attrs, grid, withDerivative: engine().isTapeOn() };
    return kernel({ ...inputs, deltas: given }, all)[0] as Tensor2D;
  });
}
