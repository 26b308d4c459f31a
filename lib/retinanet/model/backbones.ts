import * as tfl from '@tensorflow/tfjs-layers';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

import type { BatchNormMode } from './config.js';
import { add, apply, type Init, type LayerFactory, relu } from './layers.js';

/** Feature maps at strides 8, 16 and 32 (C3, C4, C5). */
export type BackboneOutputs = [SymbolicTensor, SymbolicTensor, SymbolicTensor];

interface Stage {
  channels: number;
  blocks: number;
  stride: number;
}

const COMPACT_STAGES: readonly Stage[] = [
  { channels: 32, blocks: 2, stride: 1 },
  { channels: 64, blocks: 2, stride: 2 },
  { channels: 96, blocks: 2, stride: 2 },
  { channels: 128, blocks: 1, stride: 2 },
];

/**
 * A residual network of 3x3 convolutions without normalisation. Its stem is a 4x4 convolution with stride 4, which is
 * space-to-depth followed by a 1x1 convolution.
 *
 * The ReLUs stand on the branches, never on the trunk (He et al., 2016, "Identity mappings"): with ReLUs on the trunk and
 * no normalisation, over half the channels of the later stages die in the first steps, and learning takes twice as long.
 */
export function compactBackbone(make: LayerFactory, input: SymbolicTensor): BackboneOutputs {
  const stem = make.conv('stem', { filters: 32, kernel: 4, stride: 4, init: 'linear' });
  let x = apply(stem, input);
  const outputs: SymbolicTensor[] = [];
  for (const [s, stage] of COMPACT_STAGES.entries()) {
    for (let b = 0; b < stage.blocks; b++) {
      const stride = b === 0 ? stage.stride : 1;
      x = compactBlock(make, `stage${s + 2}_block${b + 1}`, x, stage.channels, stride);
    }
    outputs.push(x);
  }
  return outputs.slice(1) as BackboneOutputs;
}

function compactBlock(make: LayerFactory, name: string, x: SymbolicTensor, filters: number, stride: number) {
  const first = make.conv(`${name}_conv1`, { filters, kernel: 3, stride, activation: 'relu' });
  const second = make.conv(`${name}_conv2`, { filters, kernel: 3, init: 'half' });
  const branch = apply(second, apply(first, relu(`${name}_relu`, x)));
  // A 2x2 convolution with stride 2 looks at every pixel; a 1x1 one would skip three of four.
  const shortcut =
    stride === 1 ? x : apply(make.conv(`${name}_shortcut`, { filters, kernel: stride, stride, init: 'linear' }), x);
  return add(`${name}_add`, shortcut, branch);
}

const RESNET50_STAGES: readonly Stage[] = [
  { channels: 64, blocks: 3, stride: 1 },
  { channels: 128, blocks: 4, stride: 2 },
  { channels: 256, blocks: 6, stride: 2 },
  { channels: 512, blocks: 3, stride: 2 },
];

/**
 * ResNet-50 (He et al., 2016) in torchvision's version: the 3x3 convolution of a block carries the stride, convolutions
 * have no bias, padding is symmetric. Batch normalisation works with stored statistics, in training too; so that the
 * network can also be trained from nothing, every block begins as its shortcut.
 */
export function resnet50Backbone(make: LayerFactory, input: SymbolicTensor, batchNorm: BatchNormMode): BackboneOutputs {
  const trainable = batchNorm === 'trainable';

  const pad = (name: string, x: SymbolicTensor, size: number) =>
    apply(tfl.layers.zeroPadding2d({ name, padding: [size, size] }), x);

  const convNorm = (
    name: string,
    x: SymbolicTensor,
    filters: number,
    kernel: number,
    stride: number,
    init: Init = 'he',
  ) => {
    const padded = kernel > 1 ? pad(`${name}_pad`, x, (kernel - 1) / 2) : x;
    const conv = make.conv(`${name}_conv`, { filters, kernel, stride, init, useBias: false, padding: 'valid' });
    const norm = tfl.layers.batchNormalization({ name: `${name}_bn`, epsilon: 1e-5, trainable });
    return apply(norm, apply(conv, padded));
  };

  let x = relu('conv1_relu', convNorm('conv1', input, 64, 7, 2));
  // Zero padding does for a maximum over values that a ReLU has made >= 0.
  x = apply(tfl.layers.maxPooling2d({ name: 'pool1', poolSize: 3, strides: 2 }), pad('pool1_pad', x, 1));
  const outputs: SymbolicTensor[] = [];
  for (const [s, stage] of RESNET50_STAGES.entries()) {
    for (let b = 0; b < stage.blocks; b++) {
      const name = `res${s + 2}_${b + 1}`;
      const stride = b === 0 ? stage.stride : 1;
      let branch = relu(`${name}_a_relu`, convNorm(`${name}_a`, x, stage.channels, 1, 1));
      branch = relu(`${name}_b_relu`, convNorm(`${name}_b`, branch, stage.channels, 3, stride));
      branch = convNorm(`${name}_c`, branch, stage.channels * 4, 1, 1, 'zeros');
      const shortcut = b === 0 ? convNorm(`${name}_shortcut`, x, stage.channels * 4, 1, stride, 'linear') : x;
      x = relu(`${name}_relu`, add(`${name}_add`, shortcut, branch));
    }
    outputs.push(x);
  }
  return outputs.slice(1) as BackboneOutputs;
}
