import * as tf from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import test from 'ava';
import { countParameters, createRetinaNet, pixelStatistics, useWasmBackend } from 'retinanet-ops/retinanet';

import { squares } from './scenes.js';

test.before(async () => {
  await useWasmBackend();
});

const small = { numClasses: 3, imageHeight: 64, imageWidth: 64 };

/** torchvision.models.detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=K) */
const TORCHVISION = new Map([
  [4, 32_263_304],
  [20, 32_595_224],
  [91, 34_068_119],
]);

/** A 2-D convolution's kernel, and its bias. */
const kernel = (size: number, from: number, to: number) => size * size * from * to;
const biased = (size: number, from: number, to: number) => kernel(size, from, to) + to;

test("resnet50-fpn has torchvision's parameters", (t) => {
  // The body: a 7x7 stem, then 3, 4, 6 and 3 bottlenecks; every convolution has a batch norm with scale and offset.
  let convolutions = kernel(7, 3, 64);
  let normalised = 64;
  let channels = 64;
  for (const [width, blocks] of [
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ] as const) {
    convolutions += kernel(1, channels, width * 4);
    normalised += width * 4;
    for (let b = 0; b < blocks; b++) {
      convolutions += kernel(1, channels, width) + kernel(3, width, width) + kernel(1, width, width * 4);
      normalised += width + width + width * 4;
      channels = width * 4;
    }
  }
  const batchNorm = 2 * normalised;
  t.is(convolutions, 23_454_912);
  t.is(batchNorm, 53_120);

  const laterals = biased(1, 512, 256) + biased(1, 1024, 256) + biased(1, 2048, 256);
  const pyramid = laterals + 3 * biased(3, 256, 256) + 2 * biased(3, 256, 256);
  const subnets = (classes: number) =>
    4 * biased(3, 256, 256) + biased(3, 256, 9 * classes) + 4 * biased(3, 256, 256) + biased(3, 256, 9 * 4);

  for (const [classes, expected] of TORCHVISION) {
    t.is(convolutions + batchNorm + pyramid + subnets(classes), expected);
  }
  const config = { ...small, preset: 'resnet50-fpn', numClasses: 20 } as const;
  // Frozen, as torchvision does with pretrained weights: everything but scale and offset of the batch norms.
  const frozen = createRetinaNet(config);
  t.is(countParameters(frozen.model).trainable, 32_595_224 - batchNorm);
  const trainable = createRetinaNet({ ...config, batchNorm: 'trainable' });
  t.is(countParameters(trainable.model).trainable, 32_595_224);
  frozen.dispose();
  trainable.dispose();
});

test('the compact preset has about a million parameters', (t) => {
  const { model } = createRetinaNet({ ...small });
  t.is(countParameters(model).trainable, 999_599);
});

test('subnets share weights across levels, but not with each other', (t) => {
  const { model } = createRetinaNet({ ...small });
  const names = ['class_logits_conv1', 'class_logits_conv2', 'class_logits_output'];
  names.push('box_deltas_conv1', 'box_deltas_conv2', 'box_deltas_output');
  const kernels = new Set<number>();
  for (const name of names) {
    const layer = model.getLayer(name);
    t.is(layer.inboundNodes.length, 3, `${name} serves three levels`);
    t.is(layer.weights.length, 2, `${name} has one kernel and one bias`);
    kernels.add(layer.weights[0]!.id);
  }
  t.is(kernels.size, names.length);
});

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

test('the trunk of the compact backbone has no ReLU, and every branch begins alive', (t) => {
  const { model } = createRetinaNet({ ...small });
  const sums = model.layers.filter(({ name }) => /^stage\d_block\d_add$/.test(name));
  t.is(sums.length, 7);
  for (const { name, input } of sums) {
    const sources = (input as SymbolicTensor[]).map(({ sourceLayer }) => sourceLayer);
    t.false(
      sources.some((layer) => layer.getClassName() === 'Activation'),
      name,
    );
    const branch = sources.find((layer) => layer.name.endsWith('conv2'));
    t.true(
      branch
        ?.getWeights()[0]!
        .dataSync()
        .some((value) => value !== 0),
      name,
    );
  }
});

test('one seed gives one net, another seed another', (t) => {
  const first = (seed: number) => [
    ...createRetinaNet({ ...small, seed })
      .model.getWeights()[0]!
      .dataSync(),
  ];
  t.deepEqual(first(1), first(1));
  t.notDeepEqual(first(1), first(2));
});
