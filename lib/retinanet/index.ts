export type { AugmentOptions } from './augment.js';
export { useWasmBackend } from './backend.js';
export type { BatchNormMode, Preset, ResolvedConfig, RetinaNetConfig } from './config.js';
export {
  type DetectionDataset,
  type Detections,
  pixelStatistics,
  validateDataset,
  validateOffsets,
} from './dataset.js';
export { detect, type DetectOptions } from './detect.js';
export { type ClassEvaluation, evaluateDetections, type EvaluateOptions, type Evaluation } from './evaluate.js';
export { loadRetinaNet, type RetinaNetMetadata, saveRetinaNet } from './io.js';
export { LOSS_NAMES, type LossName } from './losses.js';
export { directoryLoader, directorySaver } from './model-files.js';
export { countParameters, createRetinaNet } from './model.js';
export type { RetinaNet } from './net.js';
export { type StepReport, trainRetinaNet, type TrainingResult } from './train.js';
export type { TrainingOptions } from './train-options.js';
