// The outputs of an untrained net and their anchors, and how it sees its input.
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import { createRetinaNet, pixelStatistics, useWasmBackend } from 'retinanet-ops/retinanet';

import { squares } from './scenes.js';

test.before(async () => {
  await useWasmBackend();
});

const small = { numClasses: 3, imageHeight: 64, imageWidth: 64 };

test('an untrained net gives every anchor the prior probability', (t) => {
  for (const priorProbability of [0.01, 0.2]) {
    const { model } = createRetinaNet({ ...small, priorProbability });
    tf.tidy(() => {
      const [logits] = model.predict(tf.randomUniform([2, 64, 64, 3], 0, 255, 'float32', 7)) as tf.Tensor[];
      const mean = tf.mean(tf.sigmoid(logits!)).dataSync()[0]!;
      t.true(Math.abs(mean / priorProbability - 1) < 0.1, `mean ${mean}`);
    });
  }
});

test('any image size works, and the outputs have a row for every anchor', (t) => {
  for (const [imageHeight, imageWidth] of [
    [64, 64],
    [97, 131],
    [33, 200],
    [1, 1],
  ] as const) {
    for (const preset of ['compact', 'resnet50-fpn'] as const) {
      // Narrow pyramids: only shapes matter here.
      const net = createRetinaNet({
        preset,
        numClasses: 2,
        imageHeight,
        imageWidth,
        pyramidChannels: 4,
        subnetDepth: 1,
      });
      const shapes = tf.tidy(() =>
        (net.model.predict(tf.zeros([1, imageHeight, imageWidth, 3])) as tf.Tensor[]).map((output) => output.shape),
      );
      t.deepEqual(shapes, [
        [1, net.anchors.count, 2],
        [1, net.anchors.count, 4],
      ]);
      net.dispose();
    }
  }
});

test('a pyramid has the levels that it is asked for, and no layer above or below them', (t) => {
  for (const [first, last, layers] of [
    [3, 5, ['p3', 'p4', 'p5']],
    [3, 4, ['p3', 'p4']],
    [4, 4, ['p4']],
    [5, 7, ['p5', 'p6', 'p7']],
    [6, 7, ['p5', 'p6', 'p7']], // P6 is made of P5
  ] as const) {
    const net = createRetinaNet({ ...small, pyramidLevels: [first, last], pyramidChannels: 4, subnetDepth: 1 });
    const strides = Array.from({ length: last - first + 1 }, (_, i) => 2 ** (first + i));
    t.deepEqual(
      net.anchors.levels.map((level) => level.stride),
      strides,
    );
    const [logits] = tf.tidy(() => net.model.predict(tf.zeros([1, 64, 64, 3])) as tf.Tensor[]);
    t.deepEqual(logits?.shape, [1, net.anchors.count, small.numClasses]);
    logits?.dispose();
    const names = net.model.layers.map((layer) => layer.name);
    t.deepEqual(names.filter((name) => /^p\d$/.test(name)).sort(), [...layers]);
    t.is(names.includes('stage5_block1_add'), last >= 5);
    net.dispose();
  }
});

test('the row of an output is the index of its anchor', (t) => {
  // 40 x 56 pixels: levels of 5 x 7, 3 x 4 and 2 x 2 cells.
  const net = createRetinaNet({
    numClasses: 2,
    imageHeight: 40,
    imageWidth: 56,
    anchorScales: [1, 1.5],
    aspectRatios: [0.5, 1, 2],
  });
  const { model, anchors } = net;
  // Each class output becomes its own number within the cell, anchor * 10 + class: the kernel of the last layer goes to 0.
  const last = model.getLayer('class_logits_output');
  tf.tidy(() => {
    const bias = Float32Array.from({ length: 6 * 2 }, (_, i) => Math.floor(i / 2) * 10 + (i % 2));
    last.setWeights([tf.zerosLike(last.weights[0]!.read()), tf.tensor1d(bias)]);
  });
  const logits = tf.tidy(() => (model.predict(tf.zeros([1, 40, 56, 3])) as tf.Tensor[])[0]!.dataSync());
  const boxes = anchors.boxes();
  let row = 0;
  for (const level of [3, 4, 5]) {
    const stride = 2 ** level;
    for (let y = 0; y < Math.ceil(40 / stride); y++) {
      for (let x = 0; x < Math.ceil(56 / stride); x++) {
        for (const [s, scale] of [1, 1.5].entries()) {
          for (const [r, ratio] of [0.5, 1, 2].entries()) {
            const side = 2 * stride * scale;
            const [width, height] = [side / Math.sqrt(ratio), side * Math.sqrt(ratio)];
            const [cx, cy] = [(x + 0.5) * stride, (y + 0.5) * stride];
            const expected = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2];
            for (const [i, value] of expected.entries()) t.true(Math.abs(boxes[row * 4 + i]! - value) < 1e-3);
            const anchor = s * 3 + r;
            t.deepEqual([...logits.subarray(row * 2, row * 2 + 2)], [anchor * 10, anchor * 10 + 1]);
            row++;
          }
        }
      }
    }
  }
  t.is(row, anchors.count);
});

test('cells of the outputs lie where their anchors do', (t) => {
  // A bright spot must change the logits of the anchors around it and leave those far away alone.
  const size = 256;
  const { model, anchors } = createRetinaNet({ numClasses: 1, imageHeight: size, imageWidth: size, seed: 3 });
  const [x, y] = [200, 40];
  const difference = tf.tidy(() => {
    const spot = tf.buffer([1, size, size, 3]);
    for (let dy = -4; dy < 4; dy++) for (let dx = -4; dx < 4; dx++) spot.set(255, 0, y + dy, x + dx, 0);
    const [lit] = model.predict(spot.toTensor()) as tf.Tensor[];
    const [dark] = model.predict(tf.zeros([1, size, size, 3])) as tf.Tensor[];
    return tf.abs(tf.sub(lit!, dark!)).dataSync();
  });
  const finest = anchors.levels[0]!;
  let [strongest, row] = [-1, -1];
  for (let i = 0; i < finest.count; i++) if (difference[i]! > strongest) [strongest, row] = [difference[i]!, i];
  const boxes = anchors.boxes();
  const centre = [(boxes[row * 4]! + boxes[row * 4 + 2]!) / 2, (boxes[row * 4 + 1]! + boxes[row * 4 + 3]!) / 2];
  t.true(Math.hypot(centre[0]! - x, centre[1]! - y) < 40, `strongest at ${centre.join(', ')}`);
});

test('the net normalises its input by the statistics it is given', (t) => {
  const data = squares(4, 64, 64);
  const statistics = pixelStatistics(data);
  // The squares are 250 in one channel on 110: means between, and a spread.
  for (const mean of statistics.pixelMean) t.true(mean > 110 && mean < 250);
  for (const std of statistics.pixelStd) t.true(std > 1 && std < 140);
  const pixels = [10, 120, 250];
  const expected = pixels.map((v, k) => (v - statistics.pixelMean[k]!) / statistics.pixelStd[k]!);
  const { model, config } = createRetinaNet({ ...small, ...statistics });
  t.deepEqual(config.pixelMean, statistics.pixelMean);
  const seen = tf.tidy(() => {
    const layer = model.getLayer('normalize_input');
    return [...(layer.apply(tf.tensor4d(pixels, [1, 1, 1, 3])) as tf.Tensor).dataSync()];
  });
  for (const [k, value] of seen.entries()) t.true(Math.abs(value - expected[k]!) < 1e-4);
});

test('statistics of images without contrast, and of no image, divide by nothing small', (t) => {
  t.deepEqual(pixelStatistics({ images: new Uint8Array(64 * 64 * 3).fill(9) }), {
    pixelMean: [9, 9, 9],
    pixelStd: [1, 1, 1],
  });
  t.deepEqual(pixelStatistics({ images: new Uint8Array(0) }), { pixelMean: [0, 0, 0], pixelStd: [1, 1, 1] });
});
