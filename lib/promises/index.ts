// 'retinanet-ops/promises': the same operations, run off the main thread. Bad input rejects. Until a promise settles, its arrays
// must not be changed, transferred or resized.
import { planAssignAnchors, planAssignAnchorsBatch } from '../assign.js';
import { planBoxIou, planClipBoxes, planDecodeBoxes, planEncodeBoxes } from '../boxes.js';
import { planDecodeDetections } from '../decode.js';
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

// What depends on `reduction` keeps the overloads of the synchronous form.
interface PromisedFocalLoss {
  (
    logits: Float32Array,
    targets: FocalLossTargets,
    options: FocalLossOptions & { reduction: 'none' },
  ): Promise<Float32Array>;
  (
    logits: Float32Array,
    targets: FocalLossTargets,
    options?: FocalLossOptions & { reduction?: 'sum' | 'mean' },
  ): Promise<number>;
  (logits: Float32Array, targets: FocalLossTargets, options?: FocalLossOptions): Promise<number | Float32Array>;
}
interface PromisedFocalLossValueAndGrad {
  (
    logits: Float32Array,
    targets: FocalLossTargets,
    options: FocalLossValueAndGradOptions & { reduction: 'none' },
  ): Promise<FocalLossValueAndGrad<Float32Array>>;
  (
    logits: Float32Array,
    targets: FocalLossTargets,
    options?: FocalLossValueAndGradOptions & { reduction?: 'sum' | 'mean' },
  ): Promise<FocalLossValueAndGrad<number>>;
  (
    logits: Float32Array,
    targets: FocalLossTargets,
    options?: FocalLossValueAndGradOptions,
  ): Promise<FocalLossValueAndGrad>;
}
interface PromisedSmoothL1 {
  (
    predictions: Float32Array,
    targets: Float32Array,
    options: SmoothL1Options & { reduction: 'none' },
  ): Promise<Float32Array>;
  (
    predictions: Float32Array,
    targets: Float32Array,
    options?: SmoothL1Options & { reduction?: 'sum' | 'mean' },
  ): Promise<number>;
  (predictions: Float32Array, targets: Float32Array, options?: SmoothL1Options): Promise<number | Float32Array>;
}
interface PromisedSmoothL1ValueAndGrad {
  (
    predictions: Float32Array,
    targets: Float32Array,
    options: SmoothL1ValueAndGradOptions & { reduction: 'none' },
  ): Promise<SmoothL1ValueAndGrad<Float32Array>>;
  (
    predictions: Float32Array,
    targets: Float32Array,
    options?: SmoothL1ValueAndGradOptions & { reduction?: 'sum' | 'mean' },
  ): Promise<SmoothL1ValueAndGrad<number>>;
  (
    predictions: Float32Array,
    targets: Float32Array,
    options?: SmoothL1ValueAndGradOptions,
  ): Promise<SmoothL1ValueAndGrad>;
}

export const sigmoidFocalLoss = promised(planSigmoidFocalLoss) as PromisedFocalLoss;
export const sigmoidFocalLossBackward = promised(planSigmoidFocalLossBackward);
export const sigmoidFocalLossValueAndGrad = promised(planSigmoidFocalLossValueAndGrad) as PromisedFocalLossValueAndGrad;
export const smoothL1Loss = promised(planSmoothL1Loss) as PromisedSmoothL1;
export const smoothL1LossBackward = promised(planSmoothL1LossBackward);
export const smoothL1LossValueAndGrad = promised(planSmoothL1LossValueAndGrad) as PromisedSmoothL1ValueAndGrad;
export const assignAnchors = promised(planAssignAnchors);
export const assignAnchorsBatch = promised(planAssignAnchorsBatch);
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
  getBackend,
  priorBias,
  setBackend,
  setNumThreads,
} from '../index.js';
