import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { RetinanetOpsError } from '../../arguments/errors.js';
import { priorBias } from '../../index.js';
import { Check } from '../../arguments/check.js';
import { requireTfBackend } from '../wasm-backend.js';
import { backbone } from './backbones.js';
import { anchorGrid, anchorsPerCell, inputSize, pyramidLevels, resolveConfig } from './config.js';
import type { ResolvedConfig, RetinaNetConfig } from './config.js';
import { LayerFactory, normalizeInput } from './layers.js';
import { assembleNet, checkModel, disposeAll, makeVariables, type RetinaNet, variablesOf } from './net.js';
import { featurePyramid } from './pyramid.js';
import { subnet } from './subnets.js';

/**
 * Builds a RetinaNet (Lin et al., 2017) with untrained weights: backbone, feature pyramid, and a class and a box subnet
 * that share weights across levels but not with each other. The bias of the last class layer makes every anchor
 * foreground with probability `priorProbability`.
 *
 * Needs a tfjs backend: call `await useNativeBackend()` or register one of your own before. The weights stay in its memory until
 * `net.dispose()`; a creation that fails leaves none.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_RANGE`, `ERR_SHAPE` or `ERR_OPTION`, naming the option that does not fit;
 *   `ERR_BACKEND` where there is no backend, or it fails; `ERR_OUT_OF_MEMORY`
 */
export function createRetinaNet(config: RetinaNetConfig): RetinaNet {
  const check = new Check('createRetinaNet');
  const resolved = resolveConfig(check, config);
  return makeNet(check, resolved, resolved.seed);
}

/** As createRetinaNet, as part of another check; without a seed, whose drawing takes longest, weights are 0. */
export function makeNet(check: Check, resolved: ResolvedConfig, seed?: number): RetinaNet {
  const anchors = anchorGrid(check, resolved);
  requireTfBackend(check);
  try {
    const { made: model, variables } = makeVariables(() => buildModel(resolved, seed));
    // Stages of the backbone above the last level are no part of the model.
    const own = new Set(variablesOf(model.weights));
    disposeAll(variables.filter((variable) => !own.has(variable)));
    return assembleNet({ model, anchors, config: resolved });
  } catch (cause) {
    const { name, message } = cause as Error;
    const code = name === 'RangeError' ? 'ERR_OUT_OF_MEMORY' : 'ERR_BACKEND';
    const received = `'${tf.getBackend()}', which failed: ${message}`;
    throw new RetinanetOpsError(
      code,
      `${check.operation}: expected a backend that builds the network, received ${received}`,
      {
        cause,
      },
    );
  }
}

function buildModel(resolved: ResolvedConfig, seed: number | undefined): LayersModel {
  const { numClasses, pyramidChannels, subnetDepth } = resolved;
  const make = new LayerFactory(seed);

  const input = tfl.input({ shape: [...inputSize(resolved), 3], name: 'image' });
  const image = normalizeInput(input, resolved.pixelMean, resolved.pixelStd);
  const features = backbone(make, image, resolved);
  const pyramid = featurePyramid(make, features, pyramidLevels(resolved), resolved);

  const common = { anchorsPerCell: anchorsPerCell(resolved), channels: pyramidChannels, depth: subnetDepth };
  const bias = priorBias(resolved.priorProbability);
  const classLogits = subnet(make, pyramid, { ...common, name: 'class_logits', values: numClasses, bias });
  const boxDeltas = subnet(make, pyramid, { ...common, name: 'box_deltas', values: 4, bias: 0 });

  return tfl.model({ inputs: input, outputs: [classLogits, boxDeltas], name: 'retinanet' });
}

/**
 * Number of weights that training changes, and of those that it leaves.
 *
 * @throws RetinanetOpsError `ERR_DTYPE`
 */
export function countParameters(model: LayersModel): {
  /** Weights that training changes. */
  trainable: number;
  /** Weights that it leaves as they are. */
  frozen: number;
} {
  checkModel(new Check('countParameters'), 'model', model);
  const sum = (weights: LayersModel['weights']) =>
    weights.reduce((total, { shape }) => total + shape.reduce<number>((n, size) => n * (size ?? 1), 1), 0);
  return { trainable: sum(model.trainableWeights), frozen: sum(model.nonTrainableWeights) };
}
