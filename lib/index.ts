// 'retinanet-ops': the synchronous operations on typed arrays and device tensors.
export type {
  AnchorGridOptions,
  AnchorOrder,
  AnchorRounding,
  FeatureSize,
  Stride,
} from './operations/anchor-grid-options.js';
export { AnchorGrid, type AnchorLevel, type Anchors } from './operations/anchors.js';
export {
  assignAnchors,
  assignAnchorsBatch,
  type Assignment,
  type AssignBatchOptions,
  type AssignOptions,
  type AssignOut,
  type BatchAssignment,
  type MatchOptions,
  type MemoryOf,
} from './operations/assign.js';
export {
  backendInfo,
  getBackend,
  setBackend,
  setNumThreads,
  type BackendInfo,
  type BackendName,
  type BackendOptions,
  type BackendState,
  type CudaDevice,
  type CudaState,
  type RecycledMemory,
} from './runtime/backend.js';
export type { BoxCoderOptions } from './operations/box-coder.js';
export {
  boxIou,
  clipBoxes,
  decodeBoxes,
  encodeBoxes,
  type BoxCodingOptions,
  type BoxOptions,
  type ClipOptions,
} from './operations/boxes.js';
export {
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  type Conv2dActivation,
  type Conv2dGradientOptions,
  type Conv2dOptions,
} from './operations/convolution.js';
export type { Padding, RowsAndColumns, Sides } from './operations/convolution-geometry.js';
export * as cuda from './runtime/cuda.js';
export {
  decodeDetections,
  type DecodeDetectionsOptions,
  type Detections,
  type OutputOptions,
  type SelectionOptions,
} from './operations/decode-detections.js';
export type { DeviceTensor, Floats, FloatsLike, Ints, IntsLike, NumberLike } from './runtime/device-tensor.js';
export { RetinanetOpsError, type ErrorCode } from './arguments/errors.js';
export {
  sigmoidFocalLoss,
  sigmoidFocalLossBackward,
  sigmoidFocalLossValueAndGrad,
  type FocalLossBackwardOptions,
  type FocalLossOptions,
  type FocalLossTargets,
  type FocalLossValueAndGrad,
  type FocalLossValueAndGradOptions,
} from './operations/focal-loss.js';
export type {
  GradOutputOptions,
  LossesAndGrad,
  Reduced,
  Reduction,
  ReductionOptions,
  WeightOptions,
} from './arguments/loss-options.js';
export {
  completeBoxIouLoss,
  completeBoxIouLossBackward,
  completeBoxIouLossValueAndGrad,
  distanceBoxIouLoss,
  distanceBoxIouLossBackward,
  distanceBoxIouLossValueAndGrad,
  generalizedBoxIouLoss,
  generalizedBoxIouLossBackward,
  generalizedBoxIouLossValueAndGrad,
} from './operations/iou-losses.js';
export {
  onlineHardExamples,
  selectHardNegatives,
  type HardNegativesOptions,
  type OnlineHardExamplesOptions,
} from './operations/mining.js';
export type { GroundTruth } from './operations/ground-truth.js';
export { nms, type NmsOptions } from './operations/nms.js';
export type { FocalLossParameterOptions, PerClass } from './arguments/per-class.js';
export { priorBias } from './operations/prior.js';
export type {
  RegressionBackwardOptions,
  RegressionOptions,
  RegressionValueAndGrad,
  RegressionValueAndGradOptions,
} from './operations/regression.js';
export {
  retinanetLoss,
  type BoxLossName,
  type RetinanetLoss,
  type RetinanetLossOptions,
  type RetinanetLossOut,
} from './operations/retinanet-loss.js';
export {
  smoothL1Loss,
  smoothL1LossBackward,
  smoothL1LossValueAndGrad,
  type SmoothL1BackwardOptions,
  type SmoothL1Options,
  type SmoothL1ValueAndGrad,
  type SmoothL1ValueAndGradOptions,
} from './operations/smooth-l1.js';
