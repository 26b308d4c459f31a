import * as tfl from '@tensorflow/tfjs-layers';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';

import { apply, type LayerFactory, mapSize } from './layers.js';

export interface SubnetOptions {
  /** Prefix of the layer names. */
  name: string;
  /** Values for each anchor: K logits or 4 deltas. */
  values: number;
  anchorsPerCell: number;
  channels: number;
  depth: number;
  /** Bias of the last convolution. */
  bias: number;
}

/**
 * One subnet over all pyramid levels: the same layers, and so the same weights, on every level.
 *
 * The channels of the last convolution are anchor-major, so reshaping [B, h, w, anchors * values] to
 * [B, h * w * anchors, values] puts the rows in the order of `AnchorGrid`: row, column, scale, ratio.
 *
 * @returns [B, A, values], A = anchors of all levels.
 */
export function subnet(make: LayerFactory, levels: readonly SymbolicTensor[], options: SubnetOptions): SymbolicTensor {
  const { name, values, anchorsPerCell, channels, depth, bias } = options;
  const hidden = Array.from({ length: depth }, (_, i) =>
    make.conv(`${name}_conv${i + 1}`, { filters: channels, kernel: 3, activation: 'relu' }),
  );
  const last = make.conv(`${name}_output`, { filters: anchorsPerCell * values, kernel: 3, init: 'normal', bias });
  const rows = levels.map((features, l) => {
    const map = apply(
      last,
      hidden.reduce((x, layer) => apply(layer, x), features),
    );
    const size = mapSize(map);
    const targetShape = [size ? size[0] * size[1] * anchorsPerCell : -1, values];
    return apply(tfl.layers.reshape({ name: levels.length === 1 ? name : `${name}_rows${l}`, targetShape }), map);
  });
  if (rows.length === 1) return rows[0] as SymbolicTensor; // a concatenation wants two
  return tfl.layers.concatenate({ name, axis: 1 }).apply(rows) as SymbolicTensor;
}
