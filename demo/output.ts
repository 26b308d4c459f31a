import { accessSync, constants, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  saveRetinaNet,
  type Detections,
  type Evaluation,
  type RetinaNet,
  type StepReport,
} from 'retinanet-ops/retinanet';
import { drawGrid } from './drawing/detections.js';
import { drawLosses } from './drawing/loss-plot.js';
import { apText, type StepTimes } from './report.js';
import type { Task } from './tasks.js';

/** Makes the folder before any work is done that could then not be written. */
export function prepareOutput(folder: string): string {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (cause) {
    throw new RetinanetOpsError('ERR_DATA', `cannot write to the folder ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return path;
}

export interface Results {
  task: Task;
  net: RetinaNet;
  history: StepReport[];
  detections: Detections;
  evaluation: Evaluation;
  times: StepTimes;
}

/** Writes pictures, curves, numbers and model; returns what to tell about each file. */
export async function writeOutput(folder: string, results: Results): Promise<[path: string, what: string][]> {
  const { task, net, history, detections, evaluation, times } = results;
  const steps = `${String(history.length)} training steps`;
  const at = (name: string) => join(folder, name);

  const picture = await drawGrid(task.test, detections, {
    ...task.picture,
    title: `RetinaNet on ${task.name} never seen in training, after ${steps}: AP50 ${apText(evaluation.meanAp)}`,
  });
  await writeFile(at('detections.png'), picture);
  await writeFile(at('loss.png'), await drawLosses(history, `Training a RetinaNet on ${task.name}`));
  await writeFile(
    at('results.json'),
    `${JSON.stringify({ task: task.name, ...evaluation, times, history }, undefined, 1)}\n`,
  );
  await saveRetinaNet(net, at('model'));
  return [
    [at('detections.png'), 'test images: what it found, what is there'],
    [at('loss.png'), 'how both losses fell'],
    [at('results.json'), 'the numbers'],
    [at(join('model', 'model.json')), 'the model; any TensorFlow.js loads it'],
  ];
}
