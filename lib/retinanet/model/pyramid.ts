import * as tfl from '@tensorflow/tfjs-layers';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

import type { BackboneOutputs } from './backbones.js';
import type { ResolvedConfig } from './config.js';
import { add, apply, type LayerFactory, mapSize, relu } from './layers.js';

/**
 * The feature pyramid (Lin et al., 2017): 1x1 lateral convolutions, the level above enlarged by nearest neighbour and
 * added, a 3x3 convolution on each sum. Levels above P5 come from the level below by a 3x3 convolution with stride 2, P6 of `c5` from the
 * backbone's last map.
 *
 * @param levels rising without a gap
 * @returns one feature map per level, finest first; level l has ceil(size / 2^l) cells.
 */
export function featurePyramid(
  make: LayerFactory,
  backbone: BackboneOutputs,
  levels: readonly number[],
  { pyramidChannels: channels, p6From }: Pick<ResolvedConfig, 'pyramidChannels' | 'p6From'>,
): SymbolicTensor[] {
  const outputs: SymbolicTensor[] = [];
  let above: SymbolicTensor | undefined;
  const [first, last] = [levels[0] as number, levels[levels.length - 1] as number];
  for (let level = Math.min(last, 5); level >= Math.min(first, 5); level--) {
    const features = backbone[level - 3] as SymbolicTensor;
    const lateral = make.conv(`lateral${level}`, { filters: channels, kernel: 1, init: 'linear' });
    let sum = apply(lateral, features);
    if (above) sum = add(`merge${level}`, sum, enlarge(`upsample${level}`, above, mapSize(sum)));
    above = sum;
    const output = make.conv(`p${level}`, { filters: channels, kernel: 3, init: 'linear' });
    outputs.unshift(apply(output, sum));
  }
  for (const level of levels.filter((l) => l > 5)) {
    let below = level === 6 && p6From === 'c5' ? backbone[2] : (outputs[outputs.length - 1] as SymbolicTensor);
    if (level > 6) below = relu(`p${level - 1}_relu`, below);
    const padded = apply(tfl.layers.zeroPadding2d({ name: `p${level}_pad`, padding: [1, 1] }), below);
    const conv = make.conv(`p${level}`, { filters: channels, kernel: 3, stride: 2, padding: 'valid' });
    outputs.push(apply(conv, padded));
  }
  return outputs.slice(-levels.length);
}

/**
 * Doubles a map and cuts off the odd row or column that a size not divisible by the stride leaves over. In a network for images of any
 * size there is none: theirs are multiples of the coarsest stride.
 */
function enlarge(name: string, x: SymbolicTensor, size: [number, number] | undefined): SymbolicTensor {
  const from = mapSize(x);
  const doubled = apply(tfl.layers.upSampling2d({ name, size: [2, 2], interpolation: 'nearest' }), x);
  if (!from || !size) return doubled;
  const [bottom, right] = [2 * from[0] - size[0], 2 * from[1] - size[1]];
  if (bottom === 0 && right === 0) return doubled;
  const cropping: [[number, number], [number, number]] = [
    [0, bottom],
    [0, right],
  ];
  return apply(tfl.layers.cropping2D({ name: `${name}_crop`, cropping }), doubled);
}
