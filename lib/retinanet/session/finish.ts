// What is made of a run that is over: the best model, measured.
import { join } from 'node:path';
import type { SplitName } from '../data/annotations.js';
import { evaluateDataset } from '../evaluation/evaluate-dataset.js';
import type { CocoEvaluation } from '../evaluation/coco.js';
import { loadRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
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

/** Loads `best`, measures it and writes evaluation.json; no evaluation where no split is left to measure on. */
export async function finishRun(
  parts: Omit<SessionParts, 'net' | 'check'>,
): Promise<{ net: RetinaNet; evaluation: FinalEvaluation | undefined }> {
  const { folder, dataset, settings, events } = parts;
  const net = await loadRetinaNet(join(folder, RUN_FILES.best));
  try {
    const { test, val } = dataset.splits;
    const split = test.images.length > 0 ? 'test' : val.images.length > 0 && !settings.trainOnVal ? 'val' : undefined;
    if (split === undefined) return { net, evaluation: undefined };
    const options = { backend: settings.backend, signal: events.signal, onImage: events.onMeasure };
    const { coco } = await evaluateDataset(net, dataset, split, options);
    const classes = coco.classes.map(({ precision: _, ...numbers }) => numbers);
    await writeJson(folder, RUN_FILES.evaluation, { split, ...numbersOf(coco), classes });
    // The report of the run is written here: writeReport(net, dataset, folder, ...).
    return { net, evaluation: { split, coco } };
  } catch (error) {
    net.dispose();
    throw error;
  }
}
