// From a network's outputs to detections, on tensors.
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import {
  DECODE_OPTIONS,
  DECODED_IMAGE,
  planDecodeDetections,
  type SelectionOptions,
} from '../operations/decode-detections.js';
import { Check } from '../arguments/check.js';
import type { OptionsOf } from '../arguments/options.js';
import type { BackendOptions } from '../runtime/backend.js';
import type { TensorBoxCoderOptions } from './boxes.js';
import { defineKernel, scoped } from './engine.js';
import { compute, write } from './memory.js';
import { readOutputs, type TensorOutputs } from './outputs.js';
import { kernelAnchors, splitOptions, type TensorOptionsOf } from './tensors.js';

/** Options of `decodeDetections` on tensors. */
export interface TensorDecodeDetectionsOptions
  extends
    TensorOutputs,
    TensorBoxCoderOptions,
    TensorOptionsOf<typeof DECODED_IMAGE>,
    SelectionOptions,
    BackendOptions {}

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

const kernel = defineKernel<Partial<OptionsOf<typeof DECODE_OPTIONS>> & { grid: AnchorGrid | undefined }>(
  'RetinanetOpsDecodeDetections',
  ({ inputs, backend, attrs }) => {
    const { grid, ...rest } = attrs;
    const { result } = compute(backend, inputs, {}, (x) =>
      planDecodeDetections({
        ...rest,
        anchors: kernelAnchors(x, { grid }),
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
    const { arrays, attrs } = splitOptions(check, options, DECODE_OPTIONS);
    const { inputs, grid, numClasses } = readOutputs(check, arrays, attrs);
    const [boxes, scores, labels, offsets] = kernel(inputs, { ...attrs, grid, numClasses }) as [
      Tensor2D,
      Tensor1D,
      Tensor1D,
      Tensor1D,
    ];
    return { boxes, scores, labels, offsets };
  });
}
