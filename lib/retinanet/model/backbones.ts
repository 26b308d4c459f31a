import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

import type { ResolvedConfig } from './config.js';
import { add, apply, type LayerFactory, relu } from './layers.js';
import { resnetBackbone } from './resnet.js';

/** Feature maps at strides 8, 16 and 32 (C3, C4, C5). */
export type BackboneOutputs = [SymbolicTensor, SymbolicTensor, SymbolicTensor];

/** The backbone that a configuration names, with its first `freeze` stages frozen: the stem, then one per stride. */
export function backbone(make: LayerFactory, input: SymbolicTensor, config: ResolvedConfig): BackboneOutputs {
  const { backbone: name, freeze } = config;
  const outputs =
    name === 'compact' ? compactBackbone(make, input, freeze) : resnetBackbone(make, input, { ...config, name });
  make.trainable = true;
  return outputs;
}

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
function compactBackbone(make: LayerFactory, input: SymbolicTensor, freeze: number): BackboneOutputs {
  make.trainable = freeze === 0;
  const stem = make.conv('stem', { filters: 32, kernel: 4, stride: 4, init: 'linear' });
  let x = apply(stem, input);
  const outputs: SymbolicTensor[] = [];
  for (const [s, stage] of COMPACT_STAGES.entries()) {
    make.trainable = s + 1 >= freeze;
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
