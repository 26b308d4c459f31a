// Valid calls of every function of 'retinanet-ops/retinanet'.
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRetinaNet, saveWeights, trainDetector } from 'retinanet-ops/retinanet';
import type * as retinanet from 'retinanet-ops/retinanet';
import { f32, i32 } from './arrays.js';

export type Name = Exclude<
  keyof typeof retinanet,
  'LOSS_NAMES' | 'BOX_LOSS_NAMES' | 'useNativeBackend' | 'useWasmBackend'
>;

export const config = { numClasses: 2, imageHeight: 16, imageWidth: 24, pyramidChannels: 4, subnetDepth: 0 } as const;

/** Values of one image. */
export const pixels = 16 * 24 * 3;

/** Three images; the second has no objects. */
export function goodDataset(): retinanet.DetectionDataset {
  return {
    classNames: ['cat', 'dog'],
    imageHeight: 16,
    imageWidth: 24,
    length: 3,
    images: new Uint8Array(3 * pixels),
    boxes: f32(0, 0, 4, 4, 1, 1, 16, 8, -2, 3, 5, 6),
    labels: i32(0, 1, 1),
    offsets: i32(0, 2, 2, 3),
    names: ['a.jpg', 'b.jpg', 'c.jpg'],
  };
}

export function goodDetections(): retinanet.Detections {
  return { boxes: f32(0, 0, 4, 4, 1, 1, 16, 8), scores: f32(0.5, 0.25), labels: i32(0, 1), offsets: i32(0, 1, 1, 2) };
}

/** Settings of a session that is over at once. */
const tinyRun = { steps: 1, batchSize: 1, threads: 1, longestSide: 32, pyramidChannels: 4, subnetDepth: 0 };

/** Writes the files that valid arguments name. */
export async function writeFiles(directory: string): Promise<void> {
  const image = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#888' } })
    .png()
    .toBuffer();
  await mkdir(join(directory, 'data'));
  await writeFile(join(directory, 'data', 'a.png'), image);
  await writeFile(join(directory, 'data', 'annotations.csv'), 'a.png,8,8,40,40,dog\n');
  const { net } = await trainDetector(join(directory, 'data'), { ...tinyRun, out: join(directory, 'run') });
  net?.dispose();
  using untrained = createRetinaNet(config);
  await saveWeights(untrained, join(directory, 'net.safetensors'));
}

export function goodCocoTruth(): retinanet.CocoTruth {
  return {
    images: [{ id: 1, file_name: 'a.jpg' }, { id: 7 }],
    categories: [{ id: 3, name: 'cat' }, { id: 4 }],
    annotations: [{ image_id: 7, category_id: 3, bbox: [0, 0, 4, 4], area: 9, iscrowd: 0 }],
  };
}

export function goodCocoResults(): retinanet.CocoResult[] {
  return [
    { image_id: 7, category_id: 3, bbox: [0, 0, 4, 4], score: 0.5 },
    { image_id: 1, category_id: 4, bbox: [0, 0, 4, 4], score: 0.25 },
  ];
}

/** Two images, one with a crowd; none of them exists. */
export function goodAnnotations(): retinanet.AnnotatedDataset {
  const box: retinanet.BoxEdges = [10, 20, 110, 80];
  return {
    root: 'nowhere',
    format: 'coco',
    classes: ['cat', 'dog'],
    splits: {
      train: {
        images: [
          { file: 'a.jpg', width: 640, height: 480, boxes: [{ class: 'dog', box }], ignore: [[0, 0, 50, 50]] },
          { file: 'b.jpg', width: 480, height: 640, boxes: [], ignore: [] },
        ],
      },
      val: { images: [] },
      test: { images: [] },
    },
    warnings: [],
  };
}

/** The picture that writeFiles leaves. */
function writtenDataset(directory: string): retinanet.AnnotatedDataset {
  const box: retinanet.BoxEdges = [8, 8, 40, 40];
  const image = { file: 'a.png', width: 64, height: 48, boxes: [{ class: 'dog', box }], ignore: [] };
  const splits = { train: { images: [image] }, val: { images: [] }, test: { images: [] } };
  return { ...goodAnnotations(), root: join(directory, 'data'), splits };
}

/** Valid arguments of every function, for a net on any backend and a folder with what writeFiles leaves there. */
export function goodArguments(net: retinanet.RetinaNet, directory: string): Record<Name, unknown[]> {
  return {
    cocoResults: [goodDetections()],
    cocoTruth: [
      ['cat'],
      [{ file: 'a.jpg', width: 9, height: 9, boxes: [{ class: 'cat', box: [0, 0, 4, 4] }], ignore: [] }],
    ],
    confusionMatrix: [goodCocoResults(), goodCocoTruth()],
    contactSheet: [[], { root: directory }],
    countParameters: [net.model],
    createRetinaNet: [config],
    cumulativeLoss: [f32(1, -2, 0.5, -3), i32(0, -1)],
    decodeImage: [join(directory, 'data', 'a.png')],
    detect: [net, new Uint8Array(pixels)],
    detectPicture: [net, { data: new Uint8Array(pixels), width: 24, height: 16 }],
    detectFiles: [net, [join(directory, 'data', 'a.png')]],
    directoryLoader: [directory],
    directorySaver: [directory],
    drawDetections: [join(directory, 'data', 'a.png'), goodDetections()],
    evaluateCoco: [goodCocoResults(), goodCocoTruth()],
    evaluateDataset: [net, writtenDataset(directory), 'train'],
    evaluateDetections: [goodDetections(), goodDataset()],
    findPictures: [join(directory, 'data')],
    inspectDataset: [join(directory, 'data')],
    evaluateVoc: [goodCocoResults(), goodCocoTruth()],
    exportOnnx: [net, join(directory, 'net.onnx')],
    exportTfjs: [net, directory],
    loadDetector: [directory],
    loadImage: [join(directory, 'data', 'a.png'), config],
    loadRetinaNet: [directory],
    loadWeights: [net, join(directory, 'net.safetensors')],
    openImages: [goodAnnotations(), 'train', config],
    pixelStatistics: [goodDataset()],
    readDataset: [join(directory, 'data')],
    readTrainConfig: [join(directory, 'run', 'config.json')],
    resumeDetector: [join(directory, 'run')],
    readImageHeader: [join(directory, 'data', 'a.png')],
    saveRetinaNet: [net, directory],
    saveWeights: [net, join(directory, 'net.safetensors')],
    trainDetector: [writtenDataset(directory), { ...tinyRun, out: join(directory, 'runs', randomUUID()) }],
    trainRetinaNet: [net, goodDataset(), { steps: 1, batchSize: 1 }],
    validateDataset: [goodDataset()],
    validateOffsets: [i32(0, 2, 3), 2, 3, 'offsets'],
    writeReport: [directory, { net, dataset: writtenDataset(directory), split: 'train' }],
  };
}
