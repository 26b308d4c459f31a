// Anchor-target assignment on tensors.
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { AnchorGrid } from '../operations/anchors.js';
import {
  ASSIGN_BATCH_OPTIONS,
  ASSIGN_OPTIONS,
  planAssignAnchors,
  planAssignAnchorsBatch,
  type AssignBatchOptions,
  type Assignment,
  type BatchAssignment,
  type MatchOptions,
} from '../operations/assign.js';
import { Check } from '../arguments/check.js';
import type { BackendOptions } from '../runtime/backend.js';
import type { TensorBoxCoderOptions } from './boxes.js';
import { defineKernel, scoped } from './engine.js';
import { groundTruthInputs, groundTruthOf, gtInputs, type TensorGroundTruth } from './ground-truth.js';
import { compute, write } from './memory.js';
import {
  boxes as boxTensor,
  kernelAnchors,
  readAnchors,
  splitOptions,
  type Input,
  type TensorAnchors,
} from './tensors.js';

/** Options of `assignAnchorsBatch` on tensors. */
export interface TensorAssignBatchOptions extends MatchOptions, TensorBoxCoderOptions, BackendOptions {}

/** Options of `assignAnchors` on tensors. */
export interface TensorAssignOptions extends TensorAssignBatchOptions {
  /** float32 [I, 4]: regions of unlabelled or crowded objects. */
  ignoreBoxes?: Input;
}

/** As Assignment of 'retinanet-ops', in tensors. */
export interface TensorAssignment {
  /** int32 [A]: class label, -1 background, -2 ignored. */
  labels: Tensor1D;
  /** int32 [A]: row of the ground truth, -1 background, -2 ignored. */
  matches: Tensor1D;
  /** int32 [P]: indices of the positive anchors, ascending. */
  positives: Tensor1D;
  /** float32 [P, 4]: deltas from the positive anchors to their boxes. */
  boxTargets: Tensor2D;
  /** P. */
  numPositives: number;
  /** int32 [U]: rows of the ground truth that no anchor was assigned to, ascending. */
  unmatchedGt: Tensor1D;
}

/** Over a batch: labels and matches are [B, A], `positives` are indices into them flattened. */
export interface TensorBatchAssignment extends Omit<TensorAssignment, 'labels' | 'matches'> {
  /** int32 [B, A]: class label, -1 background, -2 ignored. */
  labels: Tensor2D;
  /** int32 [B, A]: row of the ground truth's `boxes`, -1 background, -2 ignored. */
  matches: Tensor2D;
  /** int32 [B + 1]: image b owns positives positiveOffsets[b] .. positiveOffsets[b + 1]. */
  positiveOffsets: Tensor1D;
}

interface Attrs extends AssignBatchOptions {
  grid: AnchorGrid | undefined;
  anchorCount: number;
  /** One image, whose ground truth has no offsets. */
  single: boolean;
}

const kernel = defineKernel<Attrs>(
  'RetinanetOpsAssignAnchors',
  ({ inputs, backend, attrs }) => {
    const { grid, anchorCount, single, ...options } = attrs;
    const images = single ? 1 : Math.max(0, (inputs['gtOffsets']?.shape[0] ?? 1) - 1);
    const shape = single ? [anchorCount] : [images, anchorCount];
    const { result, tensors } = compute(
      backend,
      inputs,
      { labels: ['int32', shape], matches: ['int32', shape] },
      (x, arrays) => {
        const anchors = kernelAnchors(x, { grid });
        const out = { labels: arrays.ints('labels'), matches: arrays.ints('matches') };
        if (!single) return planAssignAnchorsBatch(anchors, groundTruthOf(x), { ...options, out }).runSync();
        const ignoreBoxes = x.floatsIfAny('ignoreBoxes');
        const given = { ...options, ignoreBoxes, out };
        return planAssignAnchors(anchors, x.floats('gtBoxes'), x.ints('gtLabels'), given).runSync();
      },
    );
    const { positives, boxTargets, unmatchedGt, positiveOffsets }: Partial<BatchAssignment> & Assignment = result;
    const list = (values: Int32Array): ReturnType<typeof write> => write(backend, values, [values.length]);
    return [
      ...Object.values(tensors),
      list(positives),
      write(backend, boxTargets, [positives.length, 4]),
      list(unmatchedGt),
      ...(positiveOffsets === undefined ? [] : [list(positiveOffsets)]),
    ];
  },
  'assignAnchors: not differentiable; training targets are constants',
);

/**
 * Assigns anchors to the ground truth of one image (torchvision's Matcher, see assignAnchors of 'retinanet-ops'). Not
 * differentiable.
 *
 * @param anchors an AnchorGrid, or float32 [A, 4]
 * @param gtBoxes float32 [G, 4], finite, with area
 * @param gtLabels int32 [G], class labels >= 0
 * @throws RetinanetOpsError ERR_BOX, ERR_LABEL, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function assignAnchors(
  anchors: TensorAnchors,
  gtBoxes: Input,
  gtLabels: Input,
  options?: TensorAssignOptions,
): TensorAssignment {
  return scoped(() => {
    const check = new Check('assignAnchors');
    const { arrays, attrs } = splitOptions(check, options, ASSIGN_OPTIONS);
    const { ignoreBoxes } = arrays;
    const { count, inputs: anchorInputs, grid } = readAnchors(check, anchors);
    const inputs: Record<string, Tensor> = {
      ...anchorInputs,
      ...gtInputs(check, 'gtBoxes', gtBoxes, 'gtLabels', gtLabels),
    };
    if (ignoreBoxes !== undefined) inputs['ignoreBoxes'] = boxTensor(check, 'ignoreBoxes', ignoreBoxes);
    const [labels, matches, positives, boxTargets, unmatchedGt] = kernel(inputs, {
      ...(attrs as AssignBatchOptions),
      grid,
      anchorCount: count,
      single: true,
    }) as [Tensor1D, Tensor1D, Tensor1D, Tensor2D, Tensor1D];
    return { labels, matches, positives, boxTargets, numPositives: positives.size, unmatchedGt };
  });
}

/**
 * {@link assignAnchors} for every image of a batch in one call.
 *
 * @throws as assignAnchors
 */
export function assignAnchorsBatch(
  anchors: TensorAnchors,
  groundTruth: TensorGroundTruth,
  options?: TensorAssignBatchOptions,
): TensorBatchAssignment {
  return scoped(() => {
    const check = new Check('assignAnchorsBatch');
    const { attrs } = splitOptions(check, options, ASSIGN_BATCH_OPTIONS);
    const { count, inputs, grid } = readAnchors(check, anchors);
    const [labels, matches, positives, boxTargets, unmatchedGt, positiveOffsets] = kernel(
      { ...inputs, ...groundTruthInputs(check, groundTruth) },
      { ...(attrs as AssignBatchOptions), grid, anchorCount: count, single: false },
    ) as [Tensor2D, Tensor2D, Tensor1D, Tensor2D, Tensor1D, Tensor1D];
    return { labels, matches, positives, boxTargets, numPositives: positives.size, unmatchedGt, positiveOffsets };
  });
}
