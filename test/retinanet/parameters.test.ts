// The weights of an untrained net: how many there are, which layers share them, with what they begin.
import * as tf from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import test from 'ava';
import { countParameters, createRetinaNet, useWasmBackend } from 'retinanet-ops/retinanet';

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

test("residual backbones have torchvision's parameters", (t) => {
  // torchvision.models.NAME().parameters() without the last layer's 1000 classes.
  const bodies = { resnet18: 11_176_512, resnet34: 21_284_672, resnet50: 23_508_032, resnet101: 42_500_160 };
  for (const [backbone, expected] of Object.entries(bodies)) {
    const narrow = { ...small, pyramidChannels: 4, subnetDepth: 0, batchNorm: 'trainable' } as const;
    const net = createRetinaNet({ ...narrow, backbone: backbone as keyof typeof bodies });
    const body = net.model.layers.filter(({ name }) => /^(conv1|res\d)_/.test(name));
    const sizes = body.flatMap((layer) =>
      layer.trainableWeights.map(({ shape }) => tf.util.sizeFromShape(shape as number[])),
    );
    t.is(
      sizes.reduce((a, b) => a + b),
      expected,
      backbone,
    );
    net.dispose();
  }
});

test('what is frozen of a backbone are its first stages, as counted from the stem', (t) => {
  for (const backbone of ['resnet18', 'compact'] as const) {
    for (let freeze = 0; freeze <= 5; freeze++) {
      const narrow = { ...small, pyramidChannels: 4, subnetDepth: 0, batchNorm: 'trainable' } as const;
      const net = createRetinaNet({ ...narrow, backbone, freeze });
      const stages = net.model.trainableWeights.map(({ originalName }) => {
        const [, stem, stage] = /^(?:(stem|conv1)|(?:res|stage)(\d))_?/.exec(originalName) ?? [];
        return stem ? 1 : stage ? Number(stage) : 6;
      });
      t.is(Math.min(...stages), freeze + 1, `${backbone}, ${freeze}`);
      net.dispose();
    }
  }
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
