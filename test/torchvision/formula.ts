// Weights and pictures that a formula gives here and in test/golden/generators/torchvision_retinanet.py.
import * as tf from '@tensorflow/tfjs-core';
import { type BackboneName, createRetinaNet, type RetinaNet, type RetinaNetConfig } from 'retinanet-ops/retinanet';

const { fround, imul } = Math;

/** Of each element's index and the name, in [-1, 1): the 24 upper bits of a hash. */
export function uniform(name: string, count: number): Float32Array {
  let seed = 2166136261 | 0;
  for (const byte of Buffer.from(name)) seed = imul(seed ^ byte, 16777619);
  return Float32Array.from({ length: count }, (_, i) => {
    let h = (imul(i, 0x9e3779b1) + seed) | 0;
    h = imul(h ^ (h >>> 16), 0x85ebca6b);
    h = imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    return (h >>> 8) / 2 ** 23 - 1;
  });
}

/** [height, width, 3] */
export function drawn(height: number, width: number): Uint8Array {
  return Uint8Array.from(uniform(`picture ${height} ${width}`, height * width * 3), (value) => fround(value + 1) * 128);
}

/** Middle and deviation of the values of a parameter, of PyTorch's shape. */
function spread(name: string, shape: readonly number[]): [number, number] {
  if (shape.length === 4) {
    let gain = 1;
    if (/body\.layer.*\.conv[23]\./.test(name)) gain = 0.5;
    if (name.includes('cls_logits')) gain = CLASS_GAIN;
    if (name.includes('bbox_reg')) gain = BOX_GAIN;
    return [0, gain * Math.sqrt(6 / (shape[1]! * shape[2]! * shape[3]!))];
  }
  if (name.includes('cls_logits')) return [-4, 0.5];
  if (name.endsWith('running_var') || name.endsWith('weight')) return [1, 0.25];
  return [0, 0.125];
}
const CLASS_GAIN = 0.05;
const BOX_GAIN = 0.025;

const BLOCK = /^res(\d)_(\d+)_(a|b|c|shortcut)_(conv|bn)$/;
const OTHERS: [RegExp, (...groups: string[]) => string][] = [
  [/^conv1_(conv|bn)$/, (kind) => `backbone.body.${kind === 'bn' ? 'bn1' : 'conv1'}`],
  [/^lateral(\d)$/, (level) => `backbone.fpn.inner_blocks.${Number(level) - 3}.0`],
  [/^p([345])$/, (level) => `backbone.fpn.layer_blocks.${Number(level) - 3}.0`],
  [/^p([67])$/, (level) => `backbone.fpn.extra_blocks.p${level}`],
  [/^class_logits_conv(\d)$/, (i) => `head.classification_head.conv.${Number(i) - 1}.0`],
  [/^box_deltas_conv(\d)$/, (i) => `head.regression_head.conv.${Number(i) - 1}.0`],
  [/^class_logits_output$/, () => 'head.classification_head.cls_logits'],
  [/^box_deltas_output$/, () => 'head.regression_head.bbox_reg'],
];

/** What torchvision calls a layer. */
export function torchvisionName(layer: string): string | undefined {
  const [, stage, block, part, kind] = BLOCK.exec(layer) ?? [];
  if (part === undefined) {
    const rule = OTHERS.find(([pattern]) => pattern.test(layer));
    return rule?.[1](...rule[0].exec(layer)!.slice(1));
  }
  const at = `backbone.body.layer${Number(stage) - 1}.${Number(block) - 1}`;
  if (part === 'shortcut') return `${at}.downsample.${kind === 'bn' ? 1 : 0}`;
  return `${at}.${kind === 'bn' ? 'bn' : 'conv'}${'abc'.indexOf(part) + 1}`;
}

const WEIGHTS: Record<string, string> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** A detector of torchvision's kind with weights by the formula. */
export function formulaNet(backbone: BackboneName, config: Partial<RetinaNetConfig>): RetinaNet {
  const net = createRetinaNet({ preset: 'torchvision-retinanet', backbone, numClasses: 91, ...config });
  for (const layer of net.model.layers) {
    const module = torchvisionName(layer.name);
    if (module === undefined) continue;
    for (const weight of layer.weights) {
      const name = `${module}.${WEIGHTS[weight.originalName.split('/').pop()!]!}`;
      tf.tidy(() => {
        weight.write(valuesOf(name, weight.shape as number[]));
      });
    }
  }
  return net;
}

/** In the order of TensorFlow.js: filters are [h, w, in, out] here, [out, in, h, w] there. */
function valuesOf(name: string, shape: number[]): tf.Tensor {
  const [h, w, from, to] = shape as [number, number, number, number];
  const there = shape.length === 4 ? [to, from, h, w] : shape;
  const [middle, deviation] = spread(name, there);
  const scale = fround(deviation);
  const values = uniform(name, tf.util.sizeFromShape(shape)).map((value) => fround(value * scale) + middle);
  const tensor = tf.tensor(values, there);
  return shape.length === 4 ? tf.transpose(tensor, [2, 3, 1, 0]) : tensor;
}
