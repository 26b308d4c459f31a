// Pictures with coloured rectangles, and a net that has learnt to find them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createRetinaNet,
  type DetectionDataset,
  type RetinaNet,
  trainRetinaNet,
  useNativeBackend,
} from 'retinanet-ops/retinanet';
import sharp, { type Sharp } from 'sharp';
import { random } from '../support/random.js';

export type Box = [x1: number, y1: number, x2: number, y2: number];
export const CLASSES = ['blue', 'red'] as const;
const COLOURS: Record<(typeof CLASSES)[number], [number, number, number]> = { blue: [30, 60, 230], red: [230, 40, 30] };
const SIDE = 64;

/** RGB pixels, gray with rectangles. */
export function squares(width: number, height: number, ...objects: [(typeof CLASSES)[number], Box][]): Buffer {
  const data = Buffer.alloc(width * height * 3, 128);
  for (const [name, [x1, y1, x2, y2]] of objects) {
    for (let y = y1; y < y2; y++) {
      for (let x = x1; x < x2; x++) data.set(COLOURS[name], (y * width + x) * 3);
    }
  }
  return data;
}

export function pictureOf(width: number, height: number, ...objects: [(typeof CLASSES)[number], Box][]): Sharp {
  return sharp(squares(width, height, ...objects), { raw: { width, height, channels: 3 } });
}

function trainingSet(length: number): DetectionDataset {
  const next = random(3);
  const whole = (below: number) => Math.floor(below * next());
  const images = new Uint8Array(length * SIDE * SIDE * 3);
  const [boxes, labels]: [number[], number[]] = [[], []];
  for (let i = 0; i < length; i++) {
    const [width, height] = [16 + whole(16), 16 + whole(16)];
    const [x, y] = [whole(SIDE - width), whole(SIDE - height)];
    images.set(squares(SIDE, SIDE, [CLASSES[i % 2]!, [x, y, x + width, y + height]]), i * SIDE * SIDE * 3);
    boxes.push(x, y, x + width, y + height);
    labels.push(i % 2);
  }
  return {
    ...{ classNames: [...CLASSES], imageHeight: SIDE, imageWidth: SIDE, length, images },
    ...{ boxes: Float32Array.from(boxes), labels: Int32Array.from(labels) },
    offsets: Int32Array.from({ length: length + 1 }, (_, i) => i),
  };
}

/** A few dozen steps: it finds every rectangle of this size, if not with the best of boxes. */
export async function trainedNet(): Promise<RetinaNet> {
  await useNativeBackend();
  const size = { imageHeight: SIDE, imageWidth: SIDE, pyramidChannels: 16, subnetDepth: 1, anchorSizeInStrides: 2 };
  const net = createRetinaNet({ numClasses: 2, classNames: CLASSES, pyramidLevels: [3, 4], ...size });
  await trainRetinaNet(net, trainingSet(64), { steps: 120, batchSize: 8, learningRate: 0.01 });
  return net;
}

/** A new folder, and what removes it. */
export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-detection-'));
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, remove };
}

/** IoU of two boxes. */
export function iou(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const side = (i: number) => Math.max(0, Math.min(a[i + 2]!, b[i + 2]!) - Math.max(a[i]!, b[i]!));
  const area = (box: ArrayLike<number>) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const inter = side(0) * side(1);
  return inter / (area(a) + area(b) - inter);
}
