// `retinanet-ops evaluate`: the COCO tool's numbers, and Pascal VOC's.
import { Command, Option } from 'commander';
import { RetinanetOpsError } from '../arguments/errors.js';
import { DATA_FORMATS, type AnnotatedDataset, type DataFormat, type SplitName } from '../retinanet/data/annotations.js';
import { evaluateCoco, type CocoEvaluation, type CocoNumbers, withoutCurves } from '../retinanet/evaluation/coco.js';
import type { CocoResult, CocoTruth } from '../retinanet/evaluation/coco-format.js';
import type { DatasetEvaluation } from '../retinanet/evaluation/evaluate-dataset.js';
import { evaluateVoc, type VocEvaluation } from '../retinanet/evaluation/voc.js';
import { untilInterrupted } from './interrupt.js';
import { readJson } from './json-file.js';
import { PictureCounter } from './progress.js';
import { requireWritable, writeResult } from './result-file.js';
import { INTERRUPTED } from './run.js';
import { figure, table } from './table.js';
import { givenBesides, toNumber } from './values.js';
import { addNetOptions, MODEL_ARGUMENT, type NetFlags, withNet } from './with-net.js';

const EXAMPLES = `
A detector and a data set (Pascal VOC, COCO, YOLO, CSV, labelme or CVAT, found by looking), or files in COCO's formats: an object
with images, categories and annotations, and an array of objects with image_id, category_id, bbox [x, y, width, height] and score.

Examples:
  $ retinanet-ops evaluate my-model cells/
  $ retinanet-ops evaluate my-model cells/ --split val --voc --detections-out results.json
  $ retinanet-ops evaluate --truth instances_val2017.json --detections results.json
  $ retinanet-ops evaluate --truth instances.json --detections results.json --voc --json > numbers.json
`;

interface EvaluateFlags extends NetFlags {
  truth?: string;
  detections?: string;
  split?: SplitName;
  format?: DataFormat;
  val?: number;
  seed?: number;
  score?: number;
  detectionsOut?: string;
  voc?: true;
  json?: true;
}

type Compared = Pick<DatasetEvaluation, 'coco' | 'truth' | 'detections'>;

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('average precision and recall of a detector, or of detections')
    .description('Average precision and recall, as the COCO tool and Pascal VOC compute them.')
    .argument('[model]', MODEL_ARGUMENT)
    .argument('[data]', 'the folder of a data set with the same classes')
    .option('--truth <file>', "instead: what is in the images, as COCO's instances.json")
    .option('--detections <file>', "with it: what was found, as COCO's results")
    .addOption(
      new Option('--split <name>', 'which images (default: test, or val without a test split)').choices([
        ...['train', 'val', 'test'],
      ]),
    )
    .addOption(new Option('--format <name>', 'of the data set').choices(DATA_FORMATS))
    .option(
      '--val <share>',
      'the share that was drawn for validation, if one was, as train was told (default: as there)',
      toNumber,
    )
    .option('--seed <number>', 'by which it was drawn, as train was told (default: 0)', toNumber)
    .option(
      '--score <number>',
      'only greater scores are detections (default: 0.01; 0.05 with torchvision-retinanet)',
      toNumber,
    )
    .option('--detections-out <file>', "writes what the detector found, as COCO's results")
    .option('--voc', "Pascal VOC's average precision too (IoU .5; area under the curve, and at 11 levels of recall)")
    .option(
      '--json',
      'numbers for machines: keys AP, AP50, ..., ARl, and classes; -1 where there is no object that counts',
    )
    .addHelpText('after', EXAMPLES)
    .action(evaluate);
  return addNetOptions(command);
}

async function evaluate(
  model: string | undefined,
  data: string | undefined,
  flags: EvaluateFlags,
  command: Command,
): Promise<void> {
  const { truth, detections, voc, json } = flags;
  const areFiles = truth !== undefined && detections !== undefined && model === undefined;
  const isDetector = truth === undefined && detections === undefined && data !== undefined;
  if (!areFiles && !isDetector) {
    const expected = 'expected a detector and a data set, or --truth and --detections';
    throw new RetinanetOpsError('ERR_OPTION', `${expected}; retinanet-ops evaluate --help says more`);
  }
  const other = areFiles ? givenBesides(command, ['truth', 'detections', 'voc', 'json']) : undefined;
  if (other !== undefined) {
    throw new RetinanetOpsError(
      'ERR_OPTION',
      `evaluate: expected flags of files for --truth and --detections, received ${other}`,
    );
  }
  const compared = areFiles ? await compareFiles(truth, detections) : await evaluateData(model!, data!, flags);
  if (compared === undefined) {
    process.exitCode = INTERRUPTED;
    return;
  }
  const pascal = voc ? evaluateVoc(compared.detections, compared.truth) : undefined;
  process.stdout.write(json ? `${forMachines(compared.coco, pascal)}\n` : forPeople(compared.coco, pascal));
}

async function compareFiles(truthFile: string, detectionsFile: string): Promise<Compared> {
  const truth = (await readJson(truthFile, 'the truth')) as CocoTruth;
  const detections = (await readJson(detectionsFile, 'the detections')) as CocoResult[];
  return { coco: evaluateCoco(detections, truth), truth, detections };
}

/** Undefined where it was interrupted. */
async function evaluateData(model: string, data: string, flags: EvaluateFlags): Promise<Compared | undefined> {
  const { format, val, seed, score: scoreThreshold, batchSize, backend, detectionsOut } = flags;
  if (detectionsOut !== undefined) await requireWritable(detectionsOut);
  return withNet('evaluate', model, flags, async (net) => {
    const { readDataset } = await import('../retinanet/data/read-dataset.js');
    const { evaluateDataset } = await import('../retinanet/evaluation/evaluate-dataset.js');
    const dataset = await readDataset(data, { format, val, seed });
    const split = flags.split ?? defaultSplit(dataset);
    const counter = new PictureCounter();
    try {
      const options = {
        scoreThreshold,
        batchSize,
        backend,
        onImage: (done: number, total: number) => {
          counter.update(done, total);
        },
      };
      const found = await untilInterrupted((signal) => evaluateDataset(net, dataset, split, { ...options, signal }));
      if (found && detectionsOut !== undefined) await writeResult(detectionsOut, resultsText(found));
      return found;
    } finally {
      counter.stop();
    }
  });
}

const defaultSplit = ({ splits }: AnnotatedDataset): SplitName => (splits.test.images.length > 0 ? 'test' : 'val');

/** With the names of files, which the ids of a data set that has none do not tell. */
function resultsText({ detections, truth }: Compared): string {
  const files = new Map(truth.images.map(({ id, file_name: file }) => [id, file]));
  return `${JSON.stringify(detections.map((one) => ({ ...one, file_name: files.get(one.image_id) })))}\n`;
}

function forMachines(coco: CocoEvaluation, voc: VocEvaluation | undefined): string {
  const classes = withoutCurves(coco.classes);
  return JSON.stringify({ ...coco, classes, voc }, undefined, 2);
}

const MEANINGS: [keyof CocoNumbers, string][] = [
  ['AP', 'average precision, IoU .50 to .95'],
  ['AP50', 'IoU .50'],
  ['AP75', 'IoU .75'],
  ['APs', 'small objects, up to 32 x 32 pixels'],
  ['APm', 'medium'],
  ['APl', 'large, from 96 x 96'],
  ['AR1', 'average recall with 1 detection of a class in an image'],
  ['AR10', 'with 10'],
  ['AR100', 'with 100'],
  ['ARs', 'small objects'],
  ['ARm', 'medium'],
  ['ARl', 'large'],
];

function forPeople(coco: CocoEvaluation, voc: VocEvaluation | undefined): string {
  const rows = coco.classes.map((one, k) => {
    const its = voc?.classes[k];
    const pascal = its ? [its.AP, its.AP11].map(figure) : [];
    return [one.name, figure(one.AP), figure(one.AP50), figure(one.AR100), ...pascal, ...counts(one)];
  });
  const heads = ['class', 'AP', 'AP50', 'AR100', ...(voc ? ['VOC', 'VOC 11'] : []), 'objects', 'detections'];
  const numbers = MEANINGS.map(([name, meaning]) => [name, figure(coco[name]), meaning]);
  const pascal = voc
    ? [
        ['VOC', figure(voc.AP), 'area under the curve, IoU .50'],
        ['VOC 11', figure(voc.AP11), 'at 11 levels of recall'],
      ]
    : [];
  return `${table(['measure', 'value', 'meaning'], [...numbers, ...pascal])}\n\n${table(heads, rows)}\n`;
}

function counts({ numGroundTruth, numDetections }: { numGroundTruth: number; numDetections: number }): string[] {
  return [String(numGroundTruth), String(numDetections)];
}
