// `retinanet-ops detect`: what is in pictures.
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { Check } from '../arguments/check.js';
import type { DetectFilesOptions } from '../retinanet/detection/detect-files.js';
import { findNamedPictures, type NamedPicture } from '../retinanet/detection/find-pictures.js';
import { labelNames } from '../retinanet/model/config.js';
import type { RetinaNet } from '../retinanet/model/net.js';
import { clearUnfinished } from '../retinanet/write-together.js';
import { countedIds, type DetectionsFormat, DetectionsReport, idsOfTruth } from './detections.js';
import { Drawings, drawingPaths } from './drawings.js';
import { untilInterrupted } from './interrupt.js';
import { readJson } from './json-file.js';
import { PictureCounter } from './progress.js';
import { FAILED, INTERRUPTED } from './run.js';
import { requireWritable, writeResult } from './result-file.js';
import { toNames, toNumber } from './values.js';
import { addNetOptions, MODEL_ARGUMENT, type NetFlags, withNet } from './with-net.js';

const EXAMPLES = `
FILES are pictures, folders (with all below them), patterns in quotes, or lists: @names.txt, or a .txt file with a path on every line.

With --out, pictures are written there with what was found drawn on them, under the names that they have in their folder, and
detections.json or detections.csv:
  coco  an array of { image_id, category_id, bbox: [x, y, width, height], score, file_name, category_name }, which the COCO tool and
        retinanet-ops evaluate take; pictures and classes are counted from 1, or have the ids of --truth
  csv   file, class, score, x1, y1, x2, y2
  json  { images: [{ file, width, height, detections: [{ class, score, box: [x1, y1, x2, y2] }] }], failed: [{ file, message }] }
Boxes are in pixels of the picture as it is seen: after the rotation that a camera noted. A picture that cannot be read is told, the
others go on, and the exit code is 1.

Examples:
  $ retinanet-ops detect my-model photos/ --out found
  $ retinanet-ops detect my-model 'photos/**/*.jpg' --score 0.3 --classes cat,dog --format csv > found.csv
  $ retinanet-ops detect my-model street.jpg --json | jq '.images[0].detections'
  $ retinanet-ops detect my-model val2017/ --score 0.01 --no-draw --truth instances.json --out found
`;

interface DetectFlags extends NetFlags {
  out?: string;
  score: number;
  iouThreshold?: number;
  classes?: string[];
  max?: number;
  draw?: boolean;
  format?: DetectionsFormat;
  truth?: string;
  json?: true;
}

export function detectCommand(): Command {
  const command = new Command('detect')
    .summary('finds objects in pictures')
    .description('Finds objects in pictures, draws them, and writes them down.')
    .argument('<model>', MODEL_ARGUMENT)
    .argument('<files...>', 'pictures, folders, patterns or lists')
    .option('--out <folder>', 'where drawn pictures and the file of detections go; without it, detections are printed')
    .option('--score <number>', 'only greater scores are detections', toNumber, 0.5)
    .option('--iou-threshold <number>', 'of two boxes of a class with a greater IoU the weaker one goes', toNumber)
    .option('--classes <list>', 'only these, such as cat,dog', toNames)
    .option('--max <number>', 'detections of one picture (default: 300)', toNumber)
    .option('--draw', 'draw pictures, which is the default with --out')
    .option('--no-draw', 'draw none')
    .addOption(new Option('--format <name>', 'of detections (default: coco)').choices(['coco', 'csv', 'json']))
    .option('--truth <file>', "take the ids of pictures and classes from COCO's instances.json, by their names")
    .option('--json', 'print the detections for machines, as --format json has them')
    .addHelpText('after', EXAMPLES)
    .action(run);
  return addNetOptions(command);
}

async function run(model: string, inputs: string[], flags: DetectFlags): Promise<void> {
  const check = new Check('detect');
  const { out, draw, truth } = flags;
  if (draw === true && out === undefined) check.fail('ERR_OPTION', '--draw', 'a folder with --out', 'none');
  const pictures = await findNamedPictures(check, inputs, out);
  const paths = out === undefined ? [] : await drawingPaths(check, out, pictures);
  if (out !== undefined) await requireWritable(fileOf(out, flags.format));
  if (out !== undefined) await clearUnfinished([...paths, fileOf(out, flags.format)]);
  const given = truth === undefined ? undefined : await readJson(truth, 'the truth');
  await withNet('detect', model, flags, async (net) => {
    const names = labelNames(net.config);
    const ids = given === undefined ? countedIds(pictures, names) : idsOfTruth(check, given, pictures, names);
    const report = new DetectionsReport(names, ids);
    const counter = new PictureCounter();
    const onError = (file: string, { message }: Error) => {
      report.failures.push({ file, message });
      counter.message(`retinanet-ops: ${message}`);
    };
    const drawings = out !== undefined && draw !== false ? new Drawings(names, paths, onError) : undefined;
    let isDone: boolean | undefined;
    try {
      isDone = await untilInterrupted(async (signal) => {
        await detectAll(net, pictures, { ...selectionOf(flags), signal, onError }, report, counter, drawings);
        return true;
      });
    } catch (error) {
      // What was found before is kept, unless that is what failed.
      await write(report, flags).catch(() => undefined);
      throw error;
    }
    if (isDone) return finish(report, pictures.length, flags);
    const file = await write(report, flags);
    process.exitCode = INTERRUPTED;
    const kept = file === undefined ? '' : `; ${file} has what is in them`;
    process.stderr.write(`retinanet-ops: interrupted after ${counter.done} of ${pictures.length} pictures${kept}\n`);
  });
}

/** Fills the report and draws. */
async function detectAll(
  net: RetinaNet,
  pictures: readonly NamedPicture[],
  options: DetectFilesOptions,
  report: DetectionsReport,
  counter: PictureCounter,
  drawings?: Drawings,
): Promise<void> {
  const { detectFiles } = await import('../retinanet/detection/detect-files.js');
  const onError = (file: string, error: Error) => {
    options.onError?.(file, error);
    counter.update(counter.done + 1, pictures.length);
  };
  const indices = new Map(pictures.map(({ file }, index) => [file, index]));
  try {
    for await (const found of detectFiles(net, [...indices.keys()], { ...options, onError })) {
      const index = indices.get(found.file)!;
      report.add(found, pictures[index]!, index);
      await drawings?.add(found, index);
      counter.update(counter.done + 1, pictures.length);
    }
  } finally {
    counter.stop();
    await drawings?.end();
  }
}

function selectionOf({ score, iouThreshold, max, classes, batchSize, backend }: DetectFlags): DetectFilesOptions {
  return { scoreThreshold: score, iouThreshold, maxDetections: max, classes, batchSize, backend };
}

const fileOf = (out: string, format?: DetectionsFormat) =>
  join(out, format === 'csv' ? 'detections.csv' : 'detections.json');

/** Writes the file of what was found, if there is to be one. */
async function write(report: DetectionsReport, { out, format = 'coco' }: DetectFlags): Promise<string | undefined> {
  if (out === undefined) return undefined;
  const file = fileOf(out, format);
  await writeResult(file, report.written(format));
  return file;
}

/** Writes what was found, and says what there is to say. */
async function finish(report: DetectionsReport, total: number, flags: DetectFlags): Promise<void> {
  const { format, json } = flags;
  const file = await write(report, flags);
  if (json) process.stdout.write(report.written('json'));
  else if (file !== undefined) process.stdout.write(`${report.summary()}\n${file}\n`);
  else process.stdout.write(format === undefined ? report.lines() : report.written(format));
  const { length: failed } = report.failures;
  if (failed === 0) return;
  process.exitCode = FAILED;
  process.stderr.write(`retinanet-ops: ${failed} of ${total} pictures could not be read or drawn\n`);
}
