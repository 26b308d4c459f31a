// `retinanet-ops export`: detectors for other programs.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { RetinanetOpsError } from '../arguments/errors.js';
import type { ExportOnnxOptions } from '../retinanet/export/onnx.js';
import { loadPeers } from './net.js';
import { givenBesides, toNumber } from './values.js';
import { MODEL_ARGUMENT } from './with-net.js';

const EXAMPLES = `
tfjs writes model.json and weights.bin for tf.loadLayersModel of stock TensorFlow.js. onnx writes one file (opset 17) that takes images
[B, height, width, 3], float32 RGB 0..255, and gives the network's own outputs or detections. safetensors writes the weights by
torchvision's names, for PyTorch.

Examples:
  $ retinanet-ops export my-model --format onnx --outputs detections --score 0.3
  $ retinanet-ops export my-model --format onnx --precision float16 --out detector.onnx
  $ retinanet-ops export my-model --format tfjs --out public/model
  $ retinanet-ops export my-model --format safetensors --out detector.safetensors
`;

interface ExportFlags extends Pick<ExportOnnxOptions, 'precision' | 'outputs' | 'iouThreshold' | 'maxDetections'> {
  format: 'tfjs' | 'onnx' | 'safetensors';
  out?: string;
  score?: number;
  json?: true;
}

export function exportCommand(): Command {
  return new Command('export')
    .summary('writes a detector for other programs: TensorFlow.js, ONNX or PyTorch')
    .description('Writes a detector for other programs.')
    .argument('<model>', MODEL_ARGUMENT)
    .addOption(
      new Option('--format <format>', 'what to write').choices(['tfjs', 'onnx', 'safetensors']).makeOptionMandatory(),
    )
    .option(
      '--out <path>',
      'a folder (tfjs) or a file; default: tfjs, model.onnx or model.safetensors in the folder of the model or beside its file',
    )
    .addOption(
      new Option('--precision <type>', 'what weights are stored as, but in tfjs')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .addOption(
      new Option('--outputs <kind>', 'what an ONNX file gives; detections includes their suppression')
        .choices(['raw', 'detections'])
        .default('raw'),
    )
    .option('--score <number>', 'only greater scores are detections (default: 0.05)', toNumber)
    .option(
      '--iou-threshold <number>',
      'of two boxes of a class with a greater IoU the weaker one goes (default: 0.5)',
      toNumber,
    )
    .option('--max-detections <number>', 'of one image (default: 300)', toNumber)
    .option('--json', 'print what was written for machines')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

const SELECTION = ['score', 'iouThreshold', 'maxDetections'];
/** The flags that a format has a use for. */
const FLAGS = {
  tfjs: SELECTION,
  onnx: ['precision', 'outputs', ...SELECTION],
  safetensors: ['precision'],
} as const;

async function run(model: string, flags: ExportFlags, command: Command): Promise<void> {
  const { format, precision, outputs, score, iouThreshold, maxDetections, json } = flags;
  const other = givenBesides(command, ['format', 'out', 'json', ...FLAGS[format]]);
  if (other !== undefined) {
    const message = `export: expected flags that ${format} has a use for, received ${other}`;
    throw new RetinanetOpsError('ERR_OPTION', message);
  }
  const folder = (await stat(model).catch(() => undefined))?.isFile() ? dirname(model) : model;
  const output = flags.out ?? join(folder, format === 'tfjs' ? 'tfjs' : `model.${format}`);
  const selection = { scoreThreshold: score, iouThreshold, maxDetections };
  const { loadDetector, useNativeBackend, exportOnnx, exportTfjs, saveWeights } = await loadPeers('export');
  await useNativeBackend();
  const net = await loadDetector(model);
  try {
    if (format === 'tfjs') await exportTfjs(net, output, selection);
    else if (format === 'safetensors') await saveWeights(net, output, { precision });
    else await exportOnnx(net, output, { precision, outputs, ...selection });
  } finally {
    net.dispose();
  }
  process.stdout.write(`${json ? JSON.stringify({ format, output }) : output}\n`);
}
