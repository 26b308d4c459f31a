// Images that training reads from files as it needs them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import sharp from 'sharp';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  type AnnotatedDataset,
  type AnnotatedImage,
  type BoxEdges,
  createRetinaNet,
  type DetectionDataset,
  type ImageSource,
  loadImage,
  openImages,
  trainRetinaNet,
  type TrainingOptions,
  type TrainingRun,
} from 'retinanet-ops/retinanet';

import { fingerprint } from './scenes.js';

const modules = import.meta.resolve('retinanet-ops/retinanet');
const { openSupply } = (await import(new URL('./data/supply.js', modules).href)) as {
  openSupply: (check: unknown, source: ImageSource, options: object) => { data: { images: Uint8Array }; ready(step: number): Promise<void>; close(): Promise<void> }; // prettier-ignore
};

const size = { imageHeight: 64, imageWidth: 64 };
const pixels = 64 * 64 * 3;
let root = '';

/** A red rectangle on black. */
async function writePicture(file: string, width: number, height: number, box: BoxEdges): Promise<AnnotatedImage> {
  const data = Buffer.alloc(width * height * 3);
  for (let y = box[1]; y < box[3]; y++) {
    for (let x = box[0]; x < box[2]; x++) data[(y * width + x) * 3] = 255;
  }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(join(root, file));
  return { file, width, height, boxes: [{ class: 'red', box }], ignore: [] };
}

const datasetOf = (images: AnnotatedImage[]): AnnotatedDataset => ({
  ...{ root, format: 'coco', classes: ['red', 'green'], warnings: [] },
  splits: { train: { images }, val: { images: [] }, test: { images: [] } },
});

const pictures: AnnotatedImage[] = [];

test.before(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
  pictures.push(
    await writePicture('wide.png', 200, 100, [20, 30, 90, 80]),
    await writePicture('high.png', 50, 150, [10, 100, 40, 149]),
    await writePicture('small.png', 24, 30, [3, 4, 15, 20]),
    await writePicture('exact.png', 64, 64, [8, 8, 40, 50]),
    await writePicture('line.png', 300, 2, [100, 0, 200, 2]),
  );
});

test.after.always(() => rm(root, { recursive: true, force: true }));

test('a picture keeps its aspect ratio, its box lies on its pixels, the rest has the colour of pixelMean', async (t) => {
  const frame = { ...size, pixelMean: [10.4, 20.6, 30] };
  const source = openImages(datasetOf(pictures), 'train', frame);
  t.deepEqual(source.names, ['wide.png', 'high.png', 'small.png', 'exact.png', 'line.png']);
  const out = new Uint8Array(pixels);
  for (const [index, { file, width, height }] of pictures.entries()) {
    await source.read(index, out);
    const scale = Math.min(64 / width, 64 / height);
    const [w, h] = [Math.round(width * scale), Math.max(1, Math.round(height * scale))];
    const [x1, y1, x2, y2] = source.boxes.subarray(4 * index, 4 * index + 4) as unknown as BoxEdges;
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        const [red, ...others] = out.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
        const at = `${file} at ${x}, ${y}: ${red},${others.join()}`;
        if (x >= w || y >= h) t.deepEqual([red, ...others], [10, 21, 30], at);
        else if (x >= x1 + 1 && x + 1 < x2 - 1 && y >= y1 + 1 && y + 1 < y2 - 1) t.true(red! > 200, at);
        else if (x + 1 <= x1 - 1 || x >= x2 + 1 || y + 1 <= y1 - 1 || y >= y2 + 1) t.true(red! < 60, at);
      }
    }
    const loaded = await loadImage(join(root, file), frame);
    t.deepEqual(loaded.pixels, out);
    t.deepEqual([loaded.width, loaded.height], [width, height]);
    const back = loaded.toPicture(Float32Array.of(x1, y1, x2, y2));
    pictures[index]!.boxes[0]!.box.forEach((edge, i) => t.true(Math.abs(edge - back[i]!) < 1e-4));
    t.deepEqual(source.toPicture(index, Float32Array.of(x1, y1, x2, y2)), back);
    t.deepEqual(loaded.toPicture(Float32Array.of(-5, -5, 1000, 1000)), Float32Array.of(0, 0, width, height));
  }
});

test('a source refuses an image that it has not, and room for another size', async (t) => {
  const source = openImages(datasetOf(pictures), 'train', size);
  for (const [index, code] of [
    [5, 'ERR_RANGE'],
    [-1, 'ERR_RANGE'],
    [0.5, 'ERR_RANGE'],
    ['0', 'ERR_DTYPE'],
  ] as const) {
    await t.throwsAsync(source.read(index as number, new Uint8Array(pixels)), { code, message: /^read: .* for index/ });
    t.throws(() => source.toPicture(index as number, new Float32Array(4)), {
      code,
      message: /^toPicture: .* for index/,
    });
  }
  await t.throwsAsync(source.read(0, new Uint8Array(5)), { code: 'ERR_SHAPE', message: /for out, received 5/ });
  t.throws(() => source.toPicture(0, [0, 0, 1, 1] as unknown as Float32Array), { code: 'ERR_DTYPE' });
});

test('difficult boxes and ignored regions are ignored in training', (t) => {
  const [wide, high] = pictures as [AnnotatedImage, AnnotatedImage];
  const hard = { class: 'green', box: [100, 50, 150, 100] as BoxEdges, difficult: true };
  const images = [{ ...wide, boxes: [hard, ...wide.boxes], ignore: [[0, 0, 100, 50] as BoxEdges] }, high];
  const source = openImages(datasetOf(images), 'train', size);
  t.deepEqual(source.labels, Int32Array.of(0, 0));
  t.deepEqual(source.offsets, Int32Array.of(0, 1, 2));
  t.deepEqual(source.ignoreBoxes, Float32Array.of(32, 16, 48, 32, 0, 0, 32, 16));
  t.deepEqual(source.ignoreOffsets, Int32Array.of(0, 2, 2));
});

/** All of a source's images in memory. */
async function inMemory(source: ImageSource): Promise<DetectionDataset> {
  const images = new Uint8Array(source.length * pixels);
  for (let i = 0; i < source.length; i++) await source.read(i, images.subarray(i * pixels, (i + 1) * pixels));
  return { ...source, images, read: undefined } as DetectionDataset;
}

async function train(data: DetectionDataset | ImageSource, options: TrainingOptions = {}) {
  using net = createRetinaNet({ ...size, numClasses: 2, pyramidChannels: 4, subnetDepth: 0 });
  const augment = { zoom: 1.3, shift: 0.1, aspect: 1.2, mosaic: 0.5 };
  const { history } = await trainRetinaNet(net, data, { steps: 6, batchSize: 3, threads: 2, augment, ...options });
  return { losses: history.map(({ loss }) => loss), weights: fingerprint(net) };
}

test.serial(
  'training is the same to the bit as from memory, whatever is cached, fetched ahead and computed at once',
  async (t) => {
    const hard = { class: 'green', box: [0, 0, 12, 15] as BoxEdges, difficult: true };
    const dataset = datasetOf(pictures.map((picture) => (picture.width > 23 ? { ...picture, boxes: [...picture.boxes, hard] } : picture)).slice(0, 4)); // prettier-ignore
    const expected = await train(await inMemory(openImages(dataset, 'train', size)));
    for (const [cacheBytes, options] of [
      [0, { prefetch: 0 }],
      [12_000, { prefetch: 1, threads: 1 }],
      [2 ** 20, { prefetch: 9, threads: 3 }],
    ] as const) {
      const source = openImages(dataset, 'train', size, { cacheBytes });
      t.deepEqual(await train(source, options), expected, JSON.stringify(options));
      t.true(source.cachedBytes <= cacheBytes);
      if (cacheBytes > 0) t.true(source.cachedBytes > 0);
    }
  },
);

test.serial('images are read ahead of the steps, no further than asked, and not beyond the last', async (t) => {
  const whole = openImages(datasetOf(pictures.slice(0, 4)), 'train', size);
  let [started, most, open] = [0, 0, 0];
  const read = async (index: number, out: Uint8Array) => {
    started++;
    most = Math.max(most, ++open);
    await whole.read(index, out);
    open--;
  };
  const seen: number[] = [];
  await train({ ...whole, read }, { steps: 5, prefetch: 2, augment: false, onStep: () => seen.push(started) });
  t.deepEqual(seen, [9, 12, 15, 15, 15]);
  t.true(most > 1 && most <= 4, `${most} at once`);
});

test.serial('thousands of images pass through a small ring and a tiny cache', async (t) => {
  const [wide, high, small, exact] = pictures as [AnnotatedImage, AnnotatedImage, AnnotatedImage, AnnotatedImage];
  const images = Array.from({ length: 2000 }, (_, i) => [wide, high, small, exact][i % 4]!);
  const cacheBytes = 20 * pixels;
  const source = openImages(datasetOf(images), 'train', size, { cacheBytes });
  const options = { batchSize: 8, seed: 0, augment: undefined, ground: [0, 0, 0], prefetch: 3, firstStep: 0, endStep: 250 }; // prettier-ignore
  const supply = openSupply(undefined, source, options);
  t.is(supply.data.images.length, 4 * 8 * pixels);
  const resident: number[] = [];
  for (let step = 0; step < 250; step++) {
    await supply.ready(step);
    t.true(source.cachedBytes <= cacheBytes);
    resident.push(process.memoryUsage.rss());
  }
  await supply.close();
  t.true(source.cachedBytes > 0.9 * cacheBytes);
  const least = (from: number) => Math.min(...resident.slice(from, from + 50)) / 2 ** 20;
  t.log(`${least(50).toFixed(0)} MiB, 1,200 images later ${least(200).toFixed(0)} MiB`);
  // All of them would be 25 MB, and what decoding leaves behind more.
  t.true(least(200) < least(50) + 20);
});

test.serial('an image that cannot be read ends training with its name, after the steps before it', async (t) => {
  await writeFile(join(root, 'broken.png'), 'no picture');
  const broken = { ...pictures[0]!, file: 'broken.png' };
  const source = openImages(datasetOf([pictures[0]!, pictures[1]!, broken]), 'train', size);
  using net = createRetinaNet({ ...size, numClasses: 2, pyramidChannels: 4, subnetDepth: 0 });
  const before = fingerprint(net);
  let kept: TrainingRun | undefined;
  const order: number[] = [];
  const counted = { ...source, read: (index: number, out: Uint8Array) => (order.push(index), source.read(index, out)) };
  const training = trainRetinaNet(net, counted, { steps: 9, batchSize: 1, seed: 1, onStep: (_, run) => (kept = run) });
  await t.throwsAsync(training, { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message: /broken\.png/ });
  const steps = order.indexOf(2);
  t.true(steps > 0);
  t.is(kept?.state().step, steps);
  t.not(fingerprint(net), before);
  const own = { ...source, read: () => Promise.reject(new Error('the disk is gone')) };
  await t.throwsAsync(train(own), {
    ...{ instanceOf: RetinanetOpsError, code: 'ERR_DATA' },
    message: /^trainRetinaNet: expected pixels for image \w+\.png, received Error: the disk is gone$/,
  });
});

test('a file of another size than annotated is refused with its name', async (t) => {
  const source = openImages(datasetOf([{ ...pictures[0]!, width: 201 }]), 'train', size);
  const message = /expected 201x100 pixels, as annotated, for .*wide\.png, received 200x100/;
  await t.throwsAsync(source.read(0, new Uint8Array(pixels)), { code: 'ERR_DATA', message });
});

test.serial('batches that no memory holds are refused with what they are', async (t) => {
  const large = { imageHeight: 4096, imageWidth: 4096 };
  using net = createRetinaNet({ ...large, numClasses: 2, pyramidChannels: 4, subnetDepth: 0 });
  const source = openImages(datasetOf(pictures), 'train', large);
  await t.throwsAsync(trainRetinaNet(net, source, { steps: 1, batchSize: 4096, prefetch: 1000 }), {
    ...{ instanceOf: RetinanetOpsError, code: 'ERR_OUT_OF_MEMORY' },
    message: /^trainRetinaNet: expected memory for 4100096 images of 50331648 bytes .* for batchSize, received /,
  });
});
