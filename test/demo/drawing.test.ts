import test from 'ava';
import sharp from 'sharp';
import { drawDetections, pictureSize, type DrawOptions } from '../../demo/drawing/detections.js';
import { drawLosses } from '../../demo/drawing/loss-plot.js';

const truth = {
  classNames: ['cat', 'dog'],
  imageHeight: 48,
  imageWidth: 64,
  length: 2,
  images: new Uint8Array(new SharedArrayBuffer(2 * 48 * 64 * 3)).fill(90),
  boxes: Float32Array.of(4, 4, 30, 40),
  labels: Int32Array.of(1),
  offsets: Int32Array.of(0, 1, 1),
};
const detections = {
  boxes: Float32Array.of(5, 5, 31, 39, 2, 2, 60, 46),
  scores: Float32Array.of(0.9, 0.6),
  labels: Int32Array.of(1, 0),
  offsets: Int32Array.of(0, 1, 2),
};
const options: DrawOptions = { count: 2, columns: 2, zoom: 4, minScore: 0.4, title: 'A <title> & more' };

test('the picture has the size it says, and what was found shows', async (t) => {
  const drawn = await drawDetections(truth, detections, options);
  const { width, height, format } = await sharp(drawn).metadata();
  t.is(format, 'png');
  t.deepEqual({ width, height }, pictureSize(truth, options));
  const without = await drawDetections(truth, detections, { ...options, minScore: 0.99 });
  t.notDeepEqual(await sharp(drawn).raw().toBuffer(), await sharp(without).raw().toBuffer());
});

test('the loss curves are a PNG, of one step too', async (t) => {
  for (const steps of [1, 40]) {
    const history = Array.from({ length: steps }, (_, i) => ({
      step: i + 1,
      loss: 2 / (i + 1),
      classLoss: 1.5 / (i + 1),
      boxLoss: 0.5 / (i + 1),
    }));
    const { format, width } = await sharp(await drawLosses(history, 'Training')).metadata();
    t.is(format, 'png');
    t.true((width ?? 0) > 600);
  }
});
