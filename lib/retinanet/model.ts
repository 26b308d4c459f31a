import * as tfl from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { type AnchorGrid, priorBias } from '../index.js';
import { requireTfBackend } from './backend.js';
import { compactBackbone, resnet50Backbone } from './backbones.js';
import { anchorsOf, anchorsPerCell, pyramidLevels, resolveConfig } from './config.js';
import type { ResolvedConfig, RetinaNetConfig } from './config.js';
import { LayerFactory, normalizeInput } from './layers.js';
import { featurePyramid } from './pyramid.js';
import { subnet } from './subnets.js';

/** A detector: the network and the anchors that the rows of its outputs stand for. */
export interface RetinaNet {
  /**
   * Stock tfjs layers only. Input: [B, H, W, 3] float32, RGB 0..255 (the model normalises it itself).
   * Outputs: class logits [B, A, K] and box deltas [B, A, 4], rows in the order of `anchors`.
   */
  readonly model: LayersModel;
  readonly anchors: AnchorGrid;
  readonly config: ResolvedConfig;
}

/**
 * Builds a RetinaNet (Lin et al., 2017) with untrained weights: backbone, feature pyramid, and a class and a box subnet
 * that share weights across levels but not with each other. The bias of the last class layer makes every anchor
 * foreground with probability `priorProbability`.
 *
 * Needs a tfjs backend: call `await useWasmBackend()` or register one of your own before.
 *
 * @throws RetinanetOpsError `ERR_RANGE`, `ERR_SHAPE` or `ERR_OPTION`, naming the option that does not fit.
 */
export function createRetinaNet(config: RetinaNetConfig): RetinaNet {
  const resolved = resolveConfig(config);
  requireTfBackend();
  const { preset, imageHeight, imageWidth, numClasses, pyramidChannels, subnetDepth } = resolved;
  const make = new LayerFactory(resolved.seed);

  const input = tfl.input({ shape: [imageHeight, imageWidth, 3], name: 'image' });
  const image = normalizeInput(input, resolved.pixelMean, resolved.pixelStd);
  const backbone =
    preset === 'compact' ? compactBackbone(make, image) : resnet50Backbone(make, image, resolved.batchNorm);
  const pyramid = featurePyramid(make, backbone, pyramidLevels(resolved), pyramidChannels);

  const common = { anchorsPerCell: anchorsPerCell(resolved), channels: pyramidChannels, depth: subnetDepth };
  const bias = priorBias(resolved.priorProbability);
  const classLogits = subnet(make, pyramid, { ...common, name: 'class_logits', values: numClasses, bias });
  const boxDeltas = subnet(make, pyramid, { ...common, name: 'box_deltas', values: 4, bias: 0 });

  const model = tfl.model({ inputs: input, outputs: [classLogits, boxDeltas], name: 'retinanet' });
  return { model, anchors: anchorsOf(resolved), config: resolved };
}

/** Number of weights that training changes, and of those that it leaves. */
export function countParameters(model: LayersModel): { trainable: number; frozen: number } {
  const sum = (weights: LayersModel['weights']) =>
    weights.reduce((total, { shape }) => total + shape.reduce<number>((n, size) => n * (size ?? 1), 1), 0);
  return { trainable: sum(model.trainableWeights), frozen: sum(model.nonTrainableWeights) };
}
