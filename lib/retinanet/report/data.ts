// What a report shows.
import type { SplitName } from '../data/annotations.js';
import type { CocoEvaluation } from '../evaluation/coco.js';
import type { CumulativeLoss } from './cumulative-loss.js';
import type { Metrics } from './metrics.js';
import type { Picture } from './pictures.js';

/** Everything that a page is made of. */
export interface ReportData {
  title: string;
  /** The configuration; undefined where the folder has none. */
  config: unknown;
  metrics: Metrics;
  /** Undefined for a split without images. */
  results: Results | undefined;
}

/** What the trained network does on a split. */
export interface Results {
  split: SplitName;
  numImages: number;
  coco: CocoEvaluation;
  /** From this score on detections count in pictures and confusions. */
  scoreThreshold: number;
  /** Whether F1 is highest there; else the threshold was given, or nothing is right at any. */
  isBest: boolean;
  /** At the threshold, of all pictures together. */
  f1: number;
  /** [K + 1, K + 1] as ConfusionMatrix. */
  confusions: Int32Array;
  best: Picture[];
  worst: Picture[];
  /** Images that it is of, and figure 4. */
  lossImages: number;
  losses: CumulativeLoss;
}
