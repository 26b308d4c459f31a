// 'retinanet-ops/promises': the same operations, run off the main thread. Bad input rejects. Until a promise settles, its arrays
// must not be changed, transferred or resized. Work on device tensors is queued when a worker thread gets to the call: await it
// before a call that depends on it. Tensors may be disposed of meanwhile; their memory stays until the call has been queued.
import type { Anchors } from '../anchors.js';
import {
  planAssignAnchors,
  planAssignAnchorsBatch,
  type AssignBatchOptions,
  type Assignment,
  type AssignOptions,
  type BatchAssignment,
  type GroundTruth,
} from '../assign.js';
import { planBoxIou, planClipBoxes, planDecodeBoxes, planEncodeBoxes } from '../boxes.js';
import { planDecodeDetections } from '../decode.js';
import type { DeviceTensor, Floats, FloatsLike, Ints, NumberLike } from '../device-tensor.js';
import {
  planSigmoidFocalLoss,
  planSigmoidFocalLossBackward,
  planSigmoidFocalLossValueAndGrad,
  type FocalLossOptions,
  type FocalLossTargets,
  type FocalLossValueAndGrad,
  type FocalLossValueAndGradOptions,
} from '../focal-loss.js';
import { planOnlineHardExamples, planSelectHardNegatives } from '../mining.js';
import { planNms } from '../nms.js';
import { promised } from '../plan.js';
import { planRetinanetLoss } from '../retinanet-loss.js';
import {
  planSmoothL1Loss,
  planSmoothL1LossBackward,
  planSmoothL1LossValueAndGrad,
  type SmoothL1Options,
  type SmoothL1ValueAndGrad,
  type SmoothL1ValueAndGradOptions,
} from '../smooth-l1.js';

// What depends on `reduction`, or on where several arguments lie, keeps the overloads of the synchronous form.
interface PromisedFocalLoss {
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
interface PromisedFocalLossValueAndGrad {
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
interface PromisedSmoothL1 {
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
interface PromisedSmoothL1ValueAndGrad {
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
interface PromisedAssign {
  (anchors: Anchors, gtBoxes: Float32Array, gtLabels: Int32Array, options?: AssignOptions): Promise<Assignment>;
  (
    anchors: Anchors<DeviceTensor>,
    gtBoxes: Floats,
    gtLabels: Ints,
    options?: AssignOptions<DeviceTensor>,
  ): Promise<Assignment<DeviceTensor>>;
}
interface PromisedAssignBatch {
  (anchors: Anchors, groundTruth: GroundTruth, options?: AssignBatchOptions): Promise<BatchAssignment>;
  (
    anchors: Anchors<DeviceTensor>,
    groundTruth: GroundTruth | GroundTruth<DeviceTensor>,
    options?: AssignBatchOptions<DeviceTensor>,
  ): Promise<BatchAssignment<DeviceTensor>>;
}

export const sigmoidFocalLoss = promised(planSigmoidFocalLoss) as PromisedFocalLoss;
export const sigmoidFocalLossBackward = promised(planSigmoidFocalLossBackward);
export const sigmoidFocalLossValueAndGrad = promised(planSigmoidFocalLossValueAndGrad) as PromisedFocalLossValueAndGrad;
export const smoothL1Loss = promised(planSmoothL1Loss) as PromisedSmoothL1;
export const smoothL1LossBackward = promised(planSmoothL1LossBackward);
export const smoothL1LossValueAndGrad = promised(planSmoothL1LossValueAndGrad) as PromisedSmoothL1ValueAndGrad;
export const assignAnchors = promised(planAssignAnchors) as PromisedAssign;
export const assignAnchorsBatch = promised(planAssignAnchorsBatch) as PromisedAssignBatch;
export const encodeBoxes = promised(planEncodeBoxes);
export const decodeBoxes = promised(planDecodeBoxes);
export const clipBoxes = promised(planClipBoxes);
export const boxIou = promised(planBoxIou);
export const nms = promised(planNms);
export const decodeDetections = promised(planDecodeDetections);
export const retinanetLoss = promised(planRetinanetLoss);
export const selectHardNegatives = promised(planSelectHardNegatives);
export const onlineHardExamples = promised(planOnlineHardExamples);

// What has no work to move keeps its synchronous form, so that one import suffices.
export {
  AnchorGrid,
  RetinanetOpsError,
  backendInfo,
  cuda,
  getBackend,
  priorBias,
  setBackend,
  setNumThreads,
} from '../index.js';
