// 'retinanet-ops/tfjs': the operations on tensors of TensorFlow.js, as kernels and gradients of its engine, on every backend.
export { assignAnchors, assignAnchorsBatch } from './assign.js';
export type {
  TensorAssignBatchOptions,
  TensorAssignment,
  TensorAssignOptions,
  TensorBatchAssignment,
} from './assign.js';
export {
  boxIou,
  clipBoxes,
  encodeBoxes,
  type TensorBoxCoderOptions,
  type TensorBoxCodingOptions,
  type TensorBoxOptions,
  type TensorClipOptions,
} from './boxes.js';
export { decodeDetections, type TensorDecodeDetectionsOptions, type TensorDetections } from './decode-detections.js';
export { decodeBoxes } from './decode-boxes.js';
export {
  sigmoidFocalLoss,
  sigmoidFocalLossBackward,
  sigmoidFocalLossValueAndGrad,
  type TensorFocalLossBackwardOptions,
  type TensorFocalLossOptions,
  type TensorFocalLossValueAndGrad,
} from './focal-loss.js';
export type { TensorGroundTruth } from './ground-truth.js';
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
} from './iou-losses.js';
export { onlineHardExamples, selectHardNegatives } from './mining.js';
export { nms, type TensorNmsOptions } from './nms.js';
export type {
  TensorGradOutputOptions,
  TensorRegressionBackwardOptions,
  TensorRegressionOptions,
  TensorRegressionValueAndGrad,
} from './regression.js';
export { retinanetLoss, type TensorRetinanetLoss, type TensorRetinanetLossOptions } from './retinanet-loss.js';
export {
  smoothL1Loss,
  smoothL1LossBackward,
  smoothL1LossValueAndGrad,
  type TensorSmoothL1BackwardOptions,
  type TensorSmoothL1Options,
  type TensorSmoothL1ValueAndGrad,
} from './smooth-l1.js';
export type { TensorReduced } from './loss-kernel.js';
export type { TensorOutputs } from './outputs.js';
export type {
  Input,
  TensorAnchors,
  TensorFocalLossParameterOptions,
  TensorPerClass,
  TensorWeightOptions,
} from './tensors.js';
export { enableWasmTraining } from './wasm-training/index.js';

// What has no tensors keeps its form, so that one import suffices.
export {
  AnchorGrid,
  RetinanetOpsError,
  backendInfo,
  getBackend,
  priorBias,
  setBackend,
  setNumThreads,
  type AnchorGridOptions,
  type AnchorLevel,
  type AnchorOrder,
  type AnchorRounding,
  type BackendInfo,
  type BackendName,
  type BackendOptions,
  type BackendState,
  type BoxLossName,
  type CudaDevice,
  type CudaState,
  type ErrorCode,
  type FeatureSize,
  type HardNegativesOptions,
  type MatchOptions,
  type OnlineHardExamplesOptions,
  type PerClass,
  type Reduction,
  type ReductionOptions,
  type SelectionOptions,
  type Stride,
  type WeightOptions,
} from '../index.js';
export { useNativeBackend } from './backend/index.js';
