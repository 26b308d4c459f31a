// `retinanet-ops inspect`: what a data set holds, what was mended, and how anchors fit it.
import { Command, Option } from 'commander';
import type { InspectOptions } from '../retinanet/data/inspect.js';
import type { Preset } from '../retinanet/model/presets.js';
import { DATA_FORMATS, type DataFormat } from '../retinanet/data/annotations.js';
import { inspectionText } from './inspect-text.js';
import { requireWritable, writeResult } from './result-file.js';
import { PictureCounter } from './progress.js';
import { addNetworkFlags, type ImageSize } from './network-flags.js';
import { toNumber, VAL } from './values.js';

interface Options {
  json?: true;
  format?: DataFormat;
  val?: number;
  seed?: number;
  imageSize?: ImageSize;
  preset?: Preset;
  anchorSize?: number;
  anchorScales?: number[];
  aspectRatios?: number[];
  pyramidLevels?: number[];
  sheet?: string;
  check: boolean;
}

const EXAMPLES = `
Examples:
  $ npx retinanet-ops inspect cells/                     what is in it
  $ npx retinanet-ops inspect cells/ --sheet sheet.png   and how it looks
  $ npx retinanet-ops inspect cells/ --image-size 512 --aspect-ratios 0.7,1,1.4
  $ npx retinanet-ops inspect cells/ --json | jq .warnings`;

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .summary('says what a data set holds and how anchors fit it')
    .description(
      'Reads a folder of pictures and boxes (Pascal VOC, COCO, YOLO, CSV, labelme or CVAT, found by looking) and says what it holds, ' +
        'what was mended or left out, and how the anchors of a configuration fit its boxes.',
    )
    .argument('<data>', 'the folder')
    .option('--json', 'prints the whole data set, its warnings and the anchors as JSON')
    .addOption(new Option('--format <name>', 'the format').choices(DATA_FORMATS))
    .option('--val <share>', VAL, toNumber)
    .option('--seed <number>', 'decides what is drawn (default: 0)', toNumber)
    .option('--sheet <file>', 'writes a PNG of pictures with their boxes')
    .option('--no-check', 'does not look into images whose size the annotations state')
    .addHelpText('after', EXAMPLES)
    .action(inspect);
  return addNetworkFlags(command, 'that of most images');
}

async function inspect(data: string, options: Options): Promise<void> {
  const { inspectDataset } = await import('../retinanet/data/inspect.js');
  const { format, val, seed, json, sheet } = options;
  if (sheet !== undefined) await requireWritable(sheet);
  const counter = new PictureCounter();
  const inspection = await inspectDataset(data, {
    ...{ format, val, seed, checkImages: options.check, ...networkOf(options) },
    onImage: (done, total) => {
      counter.update(done, total);
    },
  }).finally(() => {
    counter.stop();
  });
  if (sheet !== undefined) {
    const { contactSheet } = await import('../retinanet/data/contact-sheet.js');
    await writeResult(sheet, await contactSheet(inspection.reached, { root: data }));
  }
  const { dataset, anchors } = inspection;
  const { classes, splits, warnings } = dataset;
  const report = { format: dataset.format, classes, splits, warnings, anchors };
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : inspectionText(inspection, sheet));
}

function networkOf(options: Options): Pick<InspectOptions, 'config' | 'longestSide'> {
  const { imageSize, preset, anchorSize, anchorScales, aspectRatios, pyramidLevels } = options;
  const { longestSide, ...size } = { longestSide: undefined, ...imageSize };
  const given = { ...size, preset, anchorSizeInStrides: anchorSize, anchorScales, aspectRatios, pyramidLevels };
  const config = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { config, ...(longestSide !== undefined && { longestSide }) };
}
