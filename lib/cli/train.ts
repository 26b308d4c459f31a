// `retinanet-ops train`: from a folder of pictures and boxes to a detector.
import { basename, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { RetinanetOpsError } from '../arguments/errors.js';
import type { TrainedDetector } from '../retinanet/session/train-detector.js';
import { numbersOf } from '../retinanet/session/events.js';
import { loadPeers } from './net.js';
import { INTERRUPTED } from './run.js';
import { addTrainFlags, settingsOf, type TrainFlags } from './train-flags.js';
import { follow } from './train-progress.js';
import { resultText } from './train-text.js';
import { givenBesides } from './values.js';

const EXAMPLES = `
Every setting that is not given follows from the data; all are printed before training begins, and are in the run's config.json.
Ctrl-C finishes the step and says how to go on; a second one ends at once.

Examples:
  $ npx retinanet-ops train cells/                            with settings from the data, into runs/cells
  $ npx retinanet-ops train cells/ --out first --time 10m
  $ npx retinanet-ops train cells/ --image-size 512 --patience 3 --seed 7
  $ npx retinanet-ops train cells/ --weights first/best --steps 500
  $ npx retinanet-ops train cells/ --config first/config.json --out second --learning-rate 1e-3
  $ npx retinanet-ops train --resume first`;

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('trains a detector on a data set')
    .description(
      'Trains a detector on a folder of pictures and boxes (Pascal VOC, COCO, YOLO, CSV, labelme or CVAT, found by looking) and measures it.',
    )
    .argument('[data]', 'the folder')
    .addHelpText('after', EXAMPLES)
    .action(train);
  return addTrainFlags(command);
}

async function train(given: string | undefined, flags: TrainFlags, command: Command): Promise<void> {
  const { trainDetector, resumeDetector, readTrainConfig } = await loadPeers('train', 'sharp');
  const following = follow();
  let result: TrainedDetector;
  try {
    if (flags.resume !== undefined) {
      refuseOthers(command);
      const { threads, cache } = flags;
      const changed = { ...(threads !== undefined && { threads }), ...(cache !== undefined && { cacheBytes: cache }) };
      result = await resumeDetector(flags.resume, { ...changed, ...following.events, ...(given && { data: given }) });
    } else {
      const { data: named, ...config } = flags.config === undefined ? {} : await readTrainConfig(flags.config);
      const data = given ?? named;
      if (data === undefined) refuse('a folder of data, or --resume RUN', 'neither');
      const out = flags.out ?? join('runs', basename(resolve(data)));
      result = await trainDetector(data, { out, ...settingsOf(flags, config), ...following.events });
    }
  } finally {
    following.end();
  }
  report(result, flags.json === true);
}

function report(result: TrainedDetector, json: boolean): void {
  const { folder, steps, end, net, evaluation } = result;
  net?.dispose();
  if (json) {
    const measured = evaluation && {
      split: evaluation.split,
      ...numbersOf(evaluation.coco),
      classes: evaluation.coco.classes,
    };
    const text = JSON.stringify({ folder, steps, end, evaluation: measured }, (key, value: unknown) =>
      key === 'precision' ? undefined : value,
    );
    process.stdout.write(`${text}\n`);
  } else if (end !== 'interrupted') {
    process.stdout.write(resultText({ ...result, folder: shown(folder) }));
  }
  if (end !== 'interrupted') return;
  process.exitCode = INTERRUPTED;
  process.stderr.write(
    `interrupted after step ${String(steps)}; to go on: npx retinanet-ops train --resume ${shown(folder)}\n`,
  );
}

/** As short as it can be typed here. */
function shown(folder: string): string {
  const short = relative(process.cwd(), folder);
  return short === '' || short.startsWith('..') ? folder : short;
}

/** A run goes on with the settings that it began with. */
function refuseOthers(command: Command): void {
  const other = givenBesides(command, ['resume', 'json', 'threads', 'cache']);
  if (other !== undefined) refuse('a run with the settings that it began with for --resume', `${other} as well`);
}

function refuse(expected: string, received: string): never {
  throw new RetinanetOpsError('ERR_OPTION', `train: expected ${expected}, received ${received}`);
}
