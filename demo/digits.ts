import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import sharp from 'sharp';
import { Random } from './random.js';
import { type Crowd, drawScene, SIDE, type Digit } from './scene.js';

/** Every fifth instance of a digit is kept for testing. */
const TEST_EVERY = 5;

/** Whose writing is shown: that of training, or other. */
export type Writing = 'train' | 'test';

/** The folders, each with its stream of scenes and the writing that it shows. */
const SPLITS = {
  train: { stream: 1, writing: 'train' },
  valid: { stream: 3, writing: 'train' },
  test: { stream: 2, writing: 'test' },
} as const;
export type Split = keyof typeof SPLITS;

/** Reads the handwritten digits of the `mnist` package, by class; no instance is in both. */
export function loadDigits(): Record<Writing, Digit[][]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const all: Record<Writing, Digit[][]> = { train: [], test: [] };
  for (let label = 0; label < 10; label++) {
    const path = join(folder, `${String(label)}.json`);
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data?: number[] };
    if (!Array.isArray(data)) throw new RetinanetOpsError('ERR_DATA', `${path} holds no digits; run npm ci again`);
    const inks = Float32Array.from(data);
    const split: Record<Writing, Digit[]> = { train: [], test: [] };
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
  /** Scenes of each split. */
  scenes: Record<Split, number>;
  width: number;
  height: number;
  /** How many digits, and how large; default: as many as there is room for, of all sizes. */
  crowd?: Crowd;
  /** Called with the number of scenes that are written. */
  onScene?: (done: number) => void;
}

/** Written at a time; sharp has four threads. */
const WRITES = 8;

/**
 * Writes scenes of handwritten digits on cluttered backgrounds as a labelling tool would leave them: a folder for each split, with
 * pictures and `_annotations.csv`. They are fully determined by the options.
 */
export async function writeDigits(folder: string, options: DigitsOptions): Promise<void> {
  const digits = loadDigits();
  let before = 0;
  for (const split of Object.keys(SPLITS) as Split[]) {
    const path = join(folder, split);
    await mkdir(path, { recursive: true });
    const rows = ['filename,width,height,class,xmin,ymin,xmax,ymax'];
    for (let first = 0; first < options.scenes[split]; first += WRITES) {
      const count = Math.min(WRITES, options.scenes[split] - first);
      const written = Array.from({ length: count }, (_, i) =>
        writeScene(path, digits[SPLITS[split].writing], split, first + i, options),
      );
      rows.push(...(await Promise.all(written)).flat());
      options.onScene?.(before + first + count);
    }
    await writeFile(join(path, '_annotations.csv'), `${rows.join('\n')}\n`);
    before += options.scenes[split];
  }
}

/** Writes the picture; gives a row for each of its digits. */
async function writeScene(
  path: string,
  digits: Digit[][],
  split: Split,
  index: number,
  { seed, width, height, crowd }: DigitsOptions,
): Promise<string[]> {
  const pixels = new Uint8Array(width * height * 3);
  const { boxes, labels } = sceneOf(digits, { seed, split, index, width, height, ...(crowd && { crowd }) }, pixels);
  const file = `${String(index).padStart(4, '0')}.png`;
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(join(path, file));
  return boxes.map((box, i) => [file, width, height, labels[i], ...box].join(','));
}

export interface SceneOptions {
  seed: number;
  split: Split;
  index: number;
  width: number;
  height: number;
  crowd?: Crowd;
}

/** Draws a scene into `pixels` [height, width, 3]; it depends on nothing but the digits and the options. */
export function sceneOf(digits: Digit[][], options: SceneOptions, pixels: Uint8Array): ReturnType<typeof drawScene> {
  const { seed, split, index, width, height, crowd } = options;
  const random = new Random(seed, SPLITS[split].stream, index);
  return drawScene(random, digits, width, height, pixels, crowd);
}
