// From a network's outputs to detections, on tensors.
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import { DECODE_OPTIONS, planDecodeDetections, type DecodeDetectionsOptions } from '../operations/decode-detections.js';
import { Check } from '../arguments/validate.js';
import { defineKernel, scoped } from './engine.js';
import { compute, write } from './memory.js';
import { readOutputs } from './outputs.js';
import { anchorsOf, type Input, type TensorAnchors } from './tensors.js';

type Plain = Omit<DecodeDetectionsOptions, 'classLogits' | 'boxDeltas' | 'anchors'>;

/** `numClasses`, if given, is that of the shape. */
export interface TensorDecodeDetectionsOptions extends Plain {
  /** float32 [B, A, K] or [A, K]. */
  classLogits: Input;
  /** float32 [B, A, 4] or [A, 4]. */
  boxDeltas: Input;
  anchors: TensorAnchors;
}

/** Detections of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1], by descending score. */
export interface TensorDetections {
  /** float32 [D, 4] pixels. */
  boxes: Tensor2D;
  /** float32 [D] sigmoid scores. */
  scores: Tensor1D;
  /** int32 [D] classes. */
  labels: Tensor1D;
  /** int32 [B + 1]. */
  offsets: Tensor1D;
}

const kernel = defineKernel<Plain & { grid: AnchorGrid | undefined }>(
  'RetinanetOpsDecodeDetections',
  ({ inputs, backend, attrs }) => {
    const { grid, ...rest } = attrs;
    const { result } = compute(backend, inputs, {}, (x) =>
      planDecodeDetections({
        ...rest,
        anchors: anchorsOf(x, { grid }),
        classLogits: x.floats('classLogits'),
        boxDeltas: x.floats('boxDeltas'),
      }).runSync(),
    );
    const { boxes, scores, labels, offsets } = result;
    return [
      write(backend, boxes, [scores.length, 4]),
      write(backend, scores, [scores.length]),
      write(backend, labels, [labels.length]),
      write(backend, offsets, [offsets.length]),
    ];
  },
  'decodeDetections: not differentiable',
);

/**
 * Scores, boxes and classes from raw outputs (torchvision's RetinaNet.postprocess_detections, see decodeDetections of
 * 'retinanet-ops'). Not differentiable.
 *
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function decodeDetections(options: TensorDecodeDetectionsOptions): TensorDetections {
  return scoped(() => {
    const check = new Check('decodeDetections');
    const given = check.options<TensorDecodeDetectionsOptions>('options', options ?? null, DECODE_OPTIONS);
    const { classLogits: _logits, boxDeltas: _deltas, anchors: _anchors, ...rest } = given;
    const { inputs, grid, numClasses } = readOutputs(check, given);
    const [boxes, scores, labels, offsets] = kernel(inputs, { ...rest, grid, numClasses }) as [
      Tensor2D,
      Tensor1D,
      Tensor1D,
      Tensor1D,
    ];
    return { boxes, scores, labels, offsets };
  });
}
