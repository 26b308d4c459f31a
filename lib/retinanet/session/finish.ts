// What is made of a run that is over: the best model, measured.
import { join } from 'node:path';
import type { SplitName } from '../data/annotations.js';
import { evaluateDataset } from '../evaluation/evaluate-dataset.js';
import { type CocoEvaluation, withoutCurves } from '../evaluation/coco.js';
import { loadRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
import { writeReport } from '../report/write-report.js';
import { numbersOf } from './events.js';
import { RUN_FILES, writeJson } from './run-folder.js';
import type { SessionParts } from './session.js';

/** The final evaluation. */
export interface FinalEvaluation {
  /** The test split where there is one, else that of validation. */
  split: SplitName;
  /** The COCO tool's numbers. */
  coco: CocoEvaluation;
}

/** Loads `best`, measures it, and writes evaluation.json and the report; no evaluation where no split is left to measure on. */
export async function finishRun(
  parts: Omit<SessionParts, 'net' | 'check'>,
): Promise<{ net: RetinaNet; evaluation: FinalEvaluation | undefined }> {
  const { folder, dataset, settings, events } = parts;
  const net = await loadRetinaNet(join(folder, RUN_FILES.best));
  try {
    const { test, val } = dataset.splits;
    const split = test.images.length > 0 ? 'test' : val.images.length > 0 && !settings.trainOnVal ? 'val' : undefined;
    const options = { backend: settings.backend, signal: events.signal };
    if (split === undefined) {
      await writeReport(folder, { net, dataset, split: 'test', ...options }); // which is empty
      return { net, evaluation: undefined };
    }
    const evaluation = await evaluateDataset(net, dataset, split, { ...options, onImage: events.onMeasure });
    const { coco } = evaluation;
    const classes = withoutCurves(coco.classes);
    await writeJson(folder, RUN_FILES.evaluation, { split, ...numbersOf(coco), classes });
    await writeReport(folder, { net, dataset, split, evaluation, ...options });
    return { net, evaluation: { split, coco } };
  } catch (error) {
    net.dispose();
    throw error;
  }
}
