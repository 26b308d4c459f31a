// Residual networks with batch normalisation (He et al., 2016) as torchvision has them.
import * as tfl from '@tensorflow/tfjs-layers';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

import type { BackboneOutputs } from './backbones.js';
import type { ResolvedConfig } from './config.js';
import { add, apply, type Init, type LayerFactory, relu } from './layers.js';
import { type ResNetName, RESNETS, type ResNetShape } from './presets.js';

/** Channels of a block's 3x3 convolutions in res2; twice as many in each stage after it. */
const CHANNELS = 64;
/** Channels that a block gives, over those of its 3x3 convolutions. */
const EXPANSION = { basic: 1, bottleneck: 4 } as const;

interface ResNetOptions extends Pick<ResolvedConfig, 'batchNorm' | 'batchNormEpsilon' | 'freeze'> {
  name: ResNetName;
}

/**
 * In a block the first 3x3 convolution carries the stride; convolutions have no bias, padding is symmetric. Batch normalisation works
 * with stored statistics, in training too; so that the network can also be trained from nothing, every block begins as its shortcut.
 */
export function resnetBackbone(make: LayerFactory, input: SymbolicTensor, options: ResNetOptions): BackboneOutputs {
  const { block, blocks }: ResNetShape = RESNETS[options.name];
  const layers = new ResNetLayers(make, options);
  make.trainable = options.freeze === 0;
  let x = relu('conv1_relu', layers.convNorm('conv1', input, { filters: CHANNELS, kernel: 7, stride: 2 }));
  // Zero padding does for a maximum over values that a ReLU has made >= 0.
  const padded = layers.pad('pool1_pad', x, 1);
  x = apply(tfl.layers.maxPooling2d({ name: 'pool1', poolSize: 3, strides: 2 }), padded);
  const outputs: SymbolicTensor[] = [];
  for (const [s, count] of blocks.entries()) {
    make.trainable = s + 1 >= options.freeze;
    for (let b = 0; b < count; b++) {
      x = layers[block](`res${s + 2}_${b + 1}`, x, CHANNELS * 2 ** s, b === 0 && s > 0 ? 2 : 1);
    }
    outputs.push(x);
  }
  return outputs.slice(1) as BackboneOutputs;
}

interface ConvNormOptions {
  filters: number;
  kernel: number;
  stride?: number;
  init?: Init;
}

class ResNetLayers {
  constructor(
    private readonly make: LayerFactory,
    private readonly options: ResNetOptions,
  ) {}

  pad(name: string, x: SymbolicTensor, size: number): SymbolicTensor {
    return apply(tfl.layers.zeroPadding2d({ name, padding: [size, size] }), x);
  }

  convNorm(name: string, x: SymbolicTensor, { kernel, ...options }: ConvNormOptions): SymbolicTensor {
    const padded = kernel > 1 ? this.pad(`${name}_pad`, x, (kernel - 1) / 2) : x;
    const conv = this.make.conv(`${name}_conv`, { kernel, ...options, useBias: false, padding: 'valid' });
    const trainable = this.options.batchNorm === 'trainable' && this.make.trainable;
    const epsilon = this.options.batchNormEpsilon;
    const norm = tfl.layers.batchNormalization({ name: `${name}_bn`, epsilon, trainable });
    return apply(norm, apply(conv, padded));
  }

  basic(name: string, x: SymbolicTensor, filters: number, stride: number): SymbolicTensor {
    const branch = relu(`${name}_a_relu`, this.convNorm(`${name}_a`, x, { filters, kernel: 3, stride }));
    const last = this.convNorm(`${name}_b`, branch, { filters, kernel: 3, init: 'zeros' });
    return this.join(name, x, last, stride);
  }

  bottleneck(name: string, x: SymbolicTensor, filters: number, stride: number): SymbolicTensor {
    let branch = relu(`${name}_a_relu`, this.convNorm(`${name}_a`, x, { filters, kernel: 1 }));
    branch = relu(`${name}_b_relu`, this.convNorm(`${name}_b`, branch, { filters, kernel: 3, stride }));
    const last = this.convNorm(`${name}_c`, branch, {
      filters: filters * EXPANSION.bottleneck,
      kernel: 1,
      init: 'zeros',
    });
    return this.join(name, x, last, stride);
  }

  /** Adds the shortcut, which is a convolution where the branch has another shape. */
  private join(name: string, x: SymbolicTensor, branch: SymbolicTensor, stride: number): SymbolicTensor {
    const filters = branch.shape[3]!;
    const isSame = stride === 1 && x.shape[3] === filters;
    const shortcut = isSame ? x : this.convNorm(`${name}_shortcut`, x, { filters, kernel: 1, stride, init: 'linear' });
    return relu(`${name}_relu`, add(`${name}_add`, shortcut, branch));
  }
}
