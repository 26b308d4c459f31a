import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { RetinanetOpsError } from 'retinanet-ops';
import type { DetectionDataset } from 'retinanet-ops/retinanet';
import { Random } from '../random.js';
import { drawScene, SIDE, type Digit } from './scene.js';

/** Every fifth instance of a digit is kept for testing. */
const TEST_EVERY = 5;

export type Split = 'train' | 'test';

/** Reads the handwritten digits of the `mnist` package, by class; no instance is in both splits. */
export function loadDigits(): Record<Split, Digit[][]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const all: Record<Split, Digit[][]> = { train: [], test: [] };
  for (let label = 0; label < 10; label++) {
    const path = join(folder, `${String(label)}.json`);
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data?: number[] };
    if (!Array.isArray(data)) throw new RetinanetOpsError('ERR_DATA', `${path} holds no digits; run npm ci again`);
    const inks = Float32Array.from(data);
    const split: Record<Split, Digit[]> = { train: [], test: [] };
    for (let instance = 0; (instance + 1) * SIDE * SIDE <= inks.length; instance++) {
      const ink = inks.subarray(instance * SIDE * SIDE, (instance + 1) * SIDE * SIDE);
      if (ink.some((value) => value > 0.5)) {
        split[instance % TEST_EVERY === 0 ? 'test' : 'train'].push({ label, instance, ink });
      }
    }
    all.train.push(split.train);
    all.test.push(split.test);
  }
  return all;
}

export interface DigitsOptions {
  seed: number;
  split: Split;
  scenes: number;
  width: number;
  height: number;
  onScene?: (done: number) => void;
}

/** Scenes of handwritten digits on cluttered backgrounds, fully determined by the digits and the options. */
export async function makeDigits(
  digits: Digit[][],
  { seed, split, scenes, width, height, onScene }: DigitsOptions,
): Promise<DetectionDataset> {
  const bytes = height * width * 3;
  const images = new Uint8Array(new SharedArrayBuffer(scenes * bytes));
  const boxes: number[] = [];
  const labels: number[] = [];
  const offsets = [0];
  for (let i = 0; i < scenes; i++) {
    const random = new Random(seed, split === 'train' ? 1 : 2, i);
    const scene = drawScene(random, digits, width, height, images.subarray(i * bytes, (i + 1) * bytes));
    boxes.push(...scene.boxes.flat());
    labels.push(...scene.labels);
    offsets.push(labels.length);
    onScene?.(i + 1);
    if (i % 16 === 15) await setImmediate(); // lets Ctrl-C through
  }
  return {
    classNames: Array.from({ length: 10 }, (_, k) => String(k)),
    imageHeight: height,
    imageWidth: width,
    length: scenes,
    images,
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(labels),
    offsets: Int32Array.from(offsets),
    names: Array.from({ length: scenes }, (_, i) => `${split} scene ${String(i)}`),
  };
}
