// `retinanet-ops evaluate`: the COCO tool's numbers, and Pascal VOC's.
import { Command } from 'commander';
import { evaluateCoco, type CocoEvaluation, type CocoNumbers } from '../retinanet/evaluation/coco.js';
import type { CocoResult, CocoTruth } from '../retinanet/evaluation/coco-format.js';
import { evaluateVoc, type VocEvaluation } from '../retinanet/evaluation/voc.js';
import { readJson } from './json-file.js';

const EXAMPLES = `
The files are in COCO's formats: an object with images, categories and annotations, and an array of objects with image_id,
category_id, bbox [x, y, width, height] and score.

Examples:
  $ retinanet-ops evaluate --truth instances_val2017.json --detections results.json
  $ retinanet-ops evaluate --truth instances.json --detections results.json --voc --json > numbers.json
`;

interface EvaluateFlags {
  truth: string;
  detections: string;
  voc?: true;
  json?: true;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .summary('average precision and recall of detections')
    .description('Average precision and recall of detections, as the COCO tool and Pascal VOC compute them.')
    .requiredOption('--truth <file>', "what is in the images, as COCO's instances.json")
    .requiredOption('--detections <file>', "what was found, as COCO's results")
    .option('--voc', "Pascal VOC's average precision too (IoU .5; area under the curve, and at 11 levels of recall)")
    .option(
      '--json',
      'numbers for machines: keys AP, AP50, ..., ARl, and classes; -1 where there is no object that counts',
    )
    .addHelpText('after', EXAMPLES)
    .action(evaluate);
}

async function evaluate({ truth: truthFile, detections: detectionsFile, voc, json }: EvaluateFlags): Promise<void> {
  const truth = (await readJson(truthFile, 'the truth')) as CocoTruth;
  const detections = (await readJson(detectionsFile, 'the detections')) as CocoResult[];
  const coco = evaluateCoco(detections, truth);
  const pascal = voc ? evaluateVoc(detections, truth) : undefined;
  process.stdout.write(json ? `${forMachines(coco, pascal)}\n` : forPeople(coco, pascal));
}

function forMachines(coco: CocoEvaluation, voc: VocEvaluation | undefined): string {
  const classes = coco.classes.map(({ precision: _, ...numbers }) => numbers);
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
  return `${table([...numbers, ...pascal], [0, 2])}\n${table([heads, ...rows], [0])}`;
}

function counts({ numGroundTruth, numDetections }: { numGroundTruth: number; numDetections: number }): string[] {
  return [String(numGroundTruth), String(numDetections)];
}

/** '-' where there is nothing to measure. */
function figure(value: number): string {
  return value < 0 ? '-' : value.toFixed(3);
}

/** `left`: the columns that are not numbers. */
function table(rows: readonly string[][], left: readonly number[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (left.includes(c) ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
