// The signatures of promised operations whose types depend on `reduction`, or on where several arguments lie: the overloads of the
// synchronous form.
import type { Anchors } from '../operations/anchors.js';
import type {
  AssignBatchOptions,
  Assignment,
  AssignOptions,
  BatchAssignment,
  GroundTruth,
} from '../operations/assign.js';
import type { DeviceTensor, Floats, FloatsLike, Ints, NumberLike } from '../runtime/device-tensor.js';
import type {
  FocalLossOptions,
  FocalLossTargets,
  FocalLossValueAndGrad,
  FocalLossValueAndGradOptions,
} from '../operations/focal-loss.js';
import type { SmoothL1Options, SmoothL1ValueAndGrad, SmoothL1ValueAndGradOptions } from '../operations/smooth-l1.js';

export interface PromisedFocalLoss {
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options: FocalLossOptions<F> & { reduction: 'none' },
  ): Promise<FloatsLike<F>>;
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options?: FocalLossOptions<F> & { reduction?: 'sum' | 'mean' },
  ): Promise<NumberLike<F>>;
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options?: FocalLossOptions<F>,
  ): Promise<NumberLike<F> | FloatsLike<F>>;
}

export interface PromisedFocalLossValueAndGrad {
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options: FocalLossValueAndGradOptions<F> & { reduction: 'none' },
  ): Promise<FocalLossValueAndGrad<FloatsLike<F>, F>>;
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options?: FocalLossValueAndGradOptions<F> & { reduction?: 'sum' | 'mean' },
  ): Promise<FocalLossValueAndGrad<NumberLike<F>, F>>;
  <F extends Floats>(
    logits: F,
    targets: FocalLossTargets<F>,
    options?: FocalLossValueAndGradOptions<F>,
  ): Promise<FocalLossValueAndGrad<NumberLike<F> | FloatsLike<F>, F>>;
}

export interface PromisedSmoothL1 {
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options: SmoothL1Options<F> & { reduction: 'none' },
  ): Promise<FloatsLike<F>>;
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: SmoothL1Options<F> & { reduction?: 'sum' | 'mean' },
  ): Promise<NumberLike<F>>;
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: SmoothL1Options<F>,
  ): Promise<NumberLike<F> | FloatsLike<F>>;
}

export interface PromisedSmoothL1ValueAndGrad {
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options: SmoothL1ValueAndGradOptions<F> & { reduction: 'none' },
  ): Promise<SmoothL1ValueAndGrad<FloatsLike<F>, F>>;
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: SmoothL1ValueAndGradOptions<F> & { reduction?: 'sum' | 'mean' },
  ): Promise<SmoothL1ValueAndGrad<NumberLike<F>, F>>;
  <F extends Floats>(
    predictions: F,
    targets: FloatsLike<F>,
    options?: SmoothL1ValueAndGradOptions<F>,
  ): Promise<SmoothL1ValueAndGrad<NumberLike<F> | FloatsLike<F>, F>>;
}

export interface PromisedAssign {
  (anchors: Anchors, gtBoxes: Float32Array, gtLabels: Int32Array, options?: AssignOptions): Promise<Assignment>;
  (
    anchors: Anchors<DeviceTensor>,
    gtBoxes: Floats,
    gtLabels: Ints,
    options?: AssignOptions<DeviceTensor>,
  ): Promise<Assignment<DeviceTensor>>;
}

export interface PromisedAssignBatch {
  (anchors: Anchors, groundTruth: GroundTruth, options?: AssignBatchOptions): Promise<BatchAssignment>;
  (
    anchors: Anchors<DeviceTensor>,
    groundTruth: GroundTruth | GroundTruth<DeviceTensor>,
    options?: AssignBatchOptions<DeviceTensor>,
  ): Promise<BatchAssignment<DeviceTensor>>;
}
