export type { AugmentOptions } from './data/augment.js';
export type { BackendChoice } from './backend.js';
export type {
  AnnotatedBox,
  AnnotatedDataset,
  AnnotatedImage,
  AnnotatedSplit,
  BoxEdges,
  DataFormat,
  DataPlace,
  DataWarning,
  SplitName,
} from './data/annotations.js';
export { type DecodedImage, decodeImage, type ImageHeader, readImageHeader } from './data/images.js';
export { readDataset, type ReadDatasetOptions } from './data/read-dataset.js';
export type { AnchorFit, ImageFit, LevelFit, PositivesPerBox } from './data/anchor-fit.js';
export type { AnchorShapes } from './data/anchor-search.js';
export { contactSheet, type SheetOptions } from './data/contact-sheet.js';
export {
  type AnchorConfig,
  type AnchorReport,
  type DatasetInspection,
  inspectDataset,
  type InspectOptions,
} from './data/inspect.js';
export type { ClassStatistics, DatasetStatistics, SplitStatistics, Spread } from './data/statistics.js';
export { useNativeBackend } from '../tfjs/backend/index.js';
export { useWasmBackend } from './wasm-backend.js';
export type { BatchNormMode, ResolvedConfig, RetinaNetConfig } from './model/config.js';
export type { BackboneName, P6Source, Preset, ResNetName, StepNormalizer } from './model/presets.js';
export {
  type DetectionDataset,
  type ImageAnnotations,
  type ImageSource,
  type Truth,
  pixelStatistics,
  validateDataset,
  validateOffsets,
} from './data/dataset.js';
export type { Frame } from './data/letterbox.js';
export { loadImage, type LoadedImage } from './data/load-image.js';
export { type OpenedImages, openImages, type OpenImagesOptions } from './data/open-images.js';
export type { Detections } from '../operations/decode-detections.js';
export { detectFiles, type DetectFilesOptions, type FileDetections } from './detection/detect-files.js';
export {
  drawDetections,
  type DrawingFormat,
  type DrawOptions,
  type FoundObjects,
} from './detection/draw-detections.js';
export { findPictures } from './detection/find-pictures.js';
export type { Picture } from './data/resize-picture.js';
export { detect, type DetectOptions, detectPicture } from './evaluation/detect.js';
export { type DatasetEvaluation, evaluateDataset, type EvaluateDatasetOptions } from './evaluation/evaluate-dataset.js';
export {
  type ClassEvaluation,
  evaluateDetections,
  type EvaluateOptions,
  type Evaluation,
} from './evaluation/evaluate.js';
export { type CocoClass, type CocoEvaluation, type CocoNumbers, evaluateCoco } from './evaluation/coco.js';
export {
  type CocoAnnotation,
  type CocoBox,
  type CocoId,
  type CocoResult,
  type CocoTruth,
} from './evaluation/coco-format.js';
export { cocoResults, type CocoResultsOptions, cocoTruth } from './evaluation/coco-convert.js';
export { exportOnnx, type ExportOnnxOptions } from './export/onnx.js';
export { exportTfjs, type ExportTfjsOptions } from './export/tfjs.js';
export { evaluateVoc, type VocClass, type VocEvaluation, type VocNumbers, type VocOptions } from './evaluation/voc.js';
export { loadRetinaNet, type RetinaNetMetadata, saveRetinaNet } from './model/io.js';
export { confusionMatrix, type ConfusionMatrix, type ConfusionOptions } from './report/confusion.js';
export {
  type CumulativeLoss,
  cumulativeLoss,
  type CumulativeLossOptions,
  type LossShares,
} from './report/cumulative-loss.js';
export { type ReportOptions, writeReport } from './report/write-report.js';
export { BOX_LOSS_NAMES, type BoxLossName } from '../operations/retinanet-loss.js';
export { LOSS_NAMES, type LossName, type LossOptions } from './training/class-losses.js';
export { directoryLoader, directorySaver } from './model/model-files.js';
export { countParameters, createRetinaNet } from './model/model.js';
export type { RetinaNet } from './model/net.js';
export type { StepReport } from './training/step-report.js';
export { trainRetinaNet, type TrainingResult } from './training/train.js';
export type { TrainingOptions } from './training/train-options.js';
export type { TrainingRun, TrainingState } from './training/training-state.js';
export type { SelectionOptions } from '../operations/decode-detections.js';
export { readTrainConfig, type TrainConfig } from './session/config-file.js';
export type { CheckpointReport, SessionEvents, TrainingPlan, ValidationReport } from './session/events.js';
export type { FinalEvaluation } from './session/finish.js';
export type { PlannedSetting, SettingSource } from './session/plan.js';
export type { SessionEnd } from './session/session.js';
export type { TrainSettings } from './session/settings.js';
export {
  resumeDetector,
  type ResumeDetectorOptions,
  trainDetector,
  type TrainDetectorOptions,
  type TrainedDetector,
} from './session/train-detector.js';
export { loadDetector } from './weights/load-detector.js';
export { loadWeights, type WeightsReport } from './weights/load-weights.js';
export { saveWeights, type SaveWeightsOptions } from './weights/save-weights.js';
