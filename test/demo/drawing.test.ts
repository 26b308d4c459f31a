import test from 'ava';
import type { DetectionDataset, Detections } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { drawGrid, pictureSize, type DrawOptions } from '../../demo/drawing/detections.js';
import { drawLosses } from '../../demo/drawing/loss-plot.js';

const truth: DetectionDataset = {
  classNames: ['<cat> & "dog"', 'b'],
  imageHeight: 40,
  imageWidth: 60,
  length: 3,
  images: new Uint8Array(3 * 40 * 60 * 3).fill(128),
  boxes: Float32Array.of(10, 10, 30, 30),
  labels: Int32Array.of(1),
  offsets: Int32Array.of(0, 1, 1, 1),
};
const detections: Detections = {
  boxes: Float32Array.of(11, 9, 31, 30, -5, -5, 500, 500, 1, 1, 2, 2),
  scores: Float32Array.of(0.9, 0.8, 0.1),
  labels: Int32Array.of(1, 0, 1),
  offsets: Int32Array.of(0, 1, 3, 3),
};
const options: DrawOptions = { count: 3, columns: 2, zoom: 2, minScore: 0.4, title: 'Test' };

test('the picture of detections has the size of its grid and colours where boxes are', async (t) => {
  const png = await drawGrid(truth, detections, options);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  t.deepEqual({ width: info.width, height: info.height }, pictureSize(truth, options));
  const colours = new Set<number>();
  for (let at = 0; at < data.length; at += info.channels) {
    colours.add(((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0));
  }
  t.true(colours.has(0x808080), 'the images');
  t.true(colours.has(0x3ddc5b), 'a detection of class b');
  t.true(colours.size > 50, 'antialiased text');
});

test('fewer images than asked for make a smaller picture', async (t) => {
  const info = await sharp(await drawGrid(truth, detections, { ...options, count: 99, columns: 9 })).metadata();
  t.deepEqual({ width: info.width, height: info.height }, pictureSize(truth, { ...options, count: 3, columns: 3 }));
});

test('the loss plot draws a single step as well as many, zeros and outliers included', async (t) => {
  for (const steps of [1, 2, 50]) {
    const history = Array.from({ length: steps }, (_, i) => ({
      step: i + 1,
      loss: i === 3 ? 1e4 : 2 / (i + 1),
      classLoss: i === 7 ? 0 : 1 / (i + 1),
      boxLoss: 0.3 / (i + 1),
    }));
    const { data, info } = await sharp(await drawLosses(history, 'Losses'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    t.true(info.width > 1000 && info.height > 600);
    if (steps === 1) continue;
    // The colour of the class loss must be there as a line, not only in the legend.
    let blue = 0;
    for (let at = 0; at < data.length; at += info.channels) {
      if (data[at] === 0x0f && data[at + 1] === 0x7d && data[at + 2] === 0xdb) blue++;
    }
    t.true(blue > 1500, `${blue} pixels of the class loss`);
  }
});
