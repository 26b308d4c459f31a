// What a session tells while it runs, and how it is ended from outside.
import { callback, type OptionsOf, signal } from '../../arguments/options.js';
import type { DataWarning } from '../data/annotations.js';
import { COCO_NUMBERS, type CocoEvaluation, type CocoNumbers } from '../evaluation/coco.js';
import type { StepReport } from '../training/step-report.js';
import type { TrainingRun } from '../training/training-state.js';
import type { PlannedSetting } from './plan.js';

/** What a session is about to do. */
export interface TrainingPlan {
  /** Where it writes. */
  folder: string;
  /** Names of the classes. */
  classes: readonly string[];
  /** How many images there are. */
  images: {
    /** To train on. */
    train: number;
    /** To measure by on the way; 0 where nothing is measured. */
    validation: number;
    /** For the final evaluation. */
    test: number;
  };
  /** What was mended or left out of the data set. */
  warnings: readonly DataWarning[];
  /** Every setting, in the order of TrainSettings, with where it comes from. */
  settings: PlannedSetting[];
  /** Weights that are trained. */
  parameters: number;
  /** Numbers taken over from `weights`. */
  copied: number;
  /** Names of weights in the file `weights` that are of other classes: the network's own keep their untrained values. */
  leftAtPrior: readonly string[];
  /** Anchors of an image. */
  anchors: number;
  /** Steps that the run has done before. */
  step: number;
}

/** A measurement on the way. */
export interface ValidationReport {
  /** After which step. */
  step: number;
  /** The COCO tool's numbers on the validation split. */
  coco: CocoEvaluation;
  /** Whether its detector is `best` from now on: its AP is the highest so far, or none was above 0. */
  isBest: boolean;
}

/** A checkpoint that was written. */
export interface CheckpointReport {
  /** After which step. */
  step: number;
  /** The folder. */
  folder: string;
}

export const EVENTS = {
  /** Called before anything is written. */
  onPlan: callback<(plan: TrainingPlan) => unknown>(),
  /** Called after every step, as trainRetinaNet's. `run.stop()` ends the training, after which its best is measured. */
  onStep: callback<(report: StepReport, run: TrainingRun) => unknown>(),
  /** Called with the images measured, and of how many. */
  onMeasure: callback<(done: number, total: number) => unknown>(),
  /** Called after every validation. */
  onValidation: callback<(report: ValidationReport) => unknown>(),
  /** Called after every checkpoint. */
  onCheckpoint: callback<(report: CheckpointReport) => unknown>(),
  /** Ends the session after the step that it is at; the run can be resumed. */
  signal: signal(),
};

/** How a session is followed, and ended. */
export interface SessionEvents extends OptionsOf<typeof EVENTS> {}

/** The twelve numbers, without what is by class. */
export function numbersOf(coco: CocoEvaluation): CocoNumbers {
  return Object.fromEntries(COCO_NUMBERS.map((name) => [name, coco[name]])) as unknown as CocoNumbers;
}
