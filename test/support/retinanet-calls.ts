// Valid calls of every function of 'retinanet-ops/retinanet'.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

/** A picture of one pixel. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);

function writePicture(directory: string): string {
  const path = join(directory, 'picture.png');
  writeFileSync(path, PICTURE);
  return path;
}

/** Valid arguments of every function, for a net on any backend. */
export function goodArguments(net: retinanet.RetinaNet, directory: string): Record<Name, unknown[]> {
  return {
    countParameters: [net.model],
    createRetinaNet: [config],
    detect: [net, new Uint8Array(pixels)],
    directoryLoader: [directory],
    directorySaver: [directory],
    evaluateDetections: [goodDetections(), goodDataset()],
    loadImage: [writePicture(directory), config],
    loadRetinaNet: [directory],
    openImages: [goodAnnotations(), 'train', config],
    pixelStatistics: [goodDataset()],
    saveRetinaNet: [net, directory],
    trainRetinaNet: [net, goodDataset(), { steps: 1, batchSize: 1 }],
    validateDataset: [goodDataset()],
    validateOffsets: [i32(0, 2, 3), 2, 3, 'offsets'],
  };
}
