// 'retinanet-ops': the synchronous operations on typed arrays and device tensors.
export { AnchorGrid, type AnchorGridOptions, type AnchorLevel, type Anchors } from './anchors.js';
export {
  assignAnchors,
  assignAnchorsBatch,
  type Assignment,
  type AssignBatchOptions,
  type AssignOptions,
  type AssignOut,
  type BatchAssignment,
  type GroundTruth,
  type MatchOptions,
} from './assign.js';
export {
  backendInfo,
  getBackend,
  setBackend,
  setNumThreads,
  type BackendInfo,
  type BackendName,
  type BackendState,
  type CudaDevice,
  type CudaState,
  type RecycledMemory,
} from './backend.js';
export { boxIou, clipBoxes, decodeBoxes, encodeBoxes, type BoxOptions, type ClipOptions } from './boxes.js';
export * as cuda from './cuda.js';
export { decodeDetections, type DecodeDetectionsOptions, type Detections } from './decode.js';
export type { DeviceTensor, Floats, FloatsLike, Ints, IntsLike, NumberLike } from './device-tensor.js';
export { RetinanetOpsError, type ErrorCode } from './errors.js';
export {
  sigmoidFocalLoss,
  sigmoidFocalLossBackward,
  sigmoidFocalLossValueAndGrad,
  type FocalLossBackwardOptions,
  type FocalLossOptions,
  type FocalLossTargets,
  type FocalLossValueAndGrad,
  type FocalLossValueAndGradOptions,
} from './focal-loss.js';
export type { LossesAndGrad, Reduction, WeightOptions } from './loss-options.js';
export {
  onlineHardExamples,
  selectHardNegatives,
  type HardNegativesOptions,
  type OnlineHardExamplesOptions,
} from './mining.js';
export { nms, type NmsOptions } from './nms.js';
export type { FocalLossParameterOptions, PerClass } from './per-class.js';
export { priorBias } from './prior.js';
export {
  retinanetLoss,
  type RetinanetLoss,
  type RetinanetLossOptions,
  type RetinanetLossOut,
} from './retinanet-loss.js';
export {
  smoothL1Loss,
  smoothL1LossBackward,
  smoothL1LossValueAndGrad,
  type SmoothL1BackwardOptions,
  type SmoothL1Options,
  type SmoothL1ValueAndGrad,
  type SmoothL1ValueAndGradOptions,
} from './smooth-l1.js';
