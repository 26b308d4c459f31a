// Saving and loading detectors.
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';
import { models } from '@tensorflow/tfjs-layers';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { RetinanetOpsError } from '../../arguments/errors.js';
import { Check } from '../../arguments/check.js';
import type { AnchorOrder, AnchorRounding, FeatureSize, Stride } from '../../operations/anchor-grid-options.js';
import type { SelectionOptions } from '../../operations/decode-detections.js';
import { requireTfBackend } from '../wasm-backend.js';
import { anchorGrid, resolveConfig, type RetinaNetConfig } from './config.js';
import { MODEL_FILE, readArtifacts, saveArtifacts } from './model-files.js';
import {
  assembleNet,
  checkNet,
  disposeAll,
  makeVariables,
  modelDifference,
  type NetParts,
  type RetinaNet,
} from './net.js';
import { checkTopology } from './topology.js';

const FORMAT = 'retinanet-ops';

/** What `model.json` carries besides the network, for readers that have none of this package's code. */
export interface RetinaNetMetadata {
  /** Says that this package wrote the file. */
  format: 'retinanet-ops';
  /** With every default filled in. */
  config: RetinaNetConfig;
  /** [K], or empty where none were given. */
  classNames: readonly string[];
  /** How to make the anchors: centres at (i + centerOffset) * stride; level, row, column, then as `order` says. */
  anchors: {
    /** [L] pixels between neighbouring cells of each level: a number, or [between rows, between columns]. */
    strides: Stride[];
    /** [L][2] rows and columns of cells. */
    featureSizes: FeatureSize[];
    /** Where in its cell a centre lies. */
    centerOffset: number;
    /** [L] side of the square anchor of scale 1, in pixels; none where sides are no products. */
    baseSizes?: number[];
    /** Factors on the side. */
    scales?: number[];
    /** [L][S] sides of the square anchors, in pixels. */
    sizes: (readonly number[])[];
    /** Height / width. */
    aspectRatios: number[];
    /** Whether half sides are rounded to whole pixels. */
    rounding: AnchorRounding;
    /** Which of a cell's anchors follow each other. */
    order: AnchorOrder;
  };
  /** How its detections are to be selected, with every default filled in: where the network was exported. */
  selection?: SelectionOptions;
}

/**
 * Writes `model.json` and `weights.bin`, the standard tfjs layers format, into a directory, which is made if needed. Both
 * replace older ones only when both are complete; a save that fails leaves what was there.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the directory where it can't be written; `ERR_DTYPE` or `ERR_SHAPE` for what is
 *   no net, or one that has been disposed of
 */
export async function saveRetinaNet(net: RetinaNet, directory: string): Promise<void> {
  const check = new Check('saveRetinaNet');
  const parts = checkNet(check, net);
  check.string('directory', directory);
  await writeNet(check, parts, directory);
}

/** As saveRetinaNet, as part of another check; `more` goes into the metadata too. */
export async function writeNet(
  check: Check,
  parts: NetParts,
  directory: string,
  more: Pick<RetinaNetMetadata, 'selection'> = {},
): Promise<void> {
  parts.model.setUserDefinedMetadata({ ...metadataOf(parts), ...more });
  await parts.model.save(tf.io.withSaveHandler((artifacts) => saveArtifacts(check, directory, artifacts)));
}

/** What a saved network says of itself. */
export function metadataOf({ config, anchors }: NetParts): RetinaNetMetadata {
  return {
    format: FORMAT,
    config,
    classNames: config.classNames,
    anchors: {
      strides: [...anchors.strides],
      featureSizes: [...anchors.featureSizes],
      centerOffset: anchors.centerOffset,
      ...(anchors.baseSizes && { baseSizes: [...anchors.baseSizes] }),
      ...(anchors.scales && { scales: [...anchors.scales] }),
      sizes: [...anchors.sizes],
      aspectRatios: [...anchors.aspectRatios],
      rounding: anchors.rounding,
      order: anchors.order,
    },
  };
}

/**
 * Reads what `saveRetinaNet` wrote. The weights stay in memory until `net.dispose()`; loading that fails leaves none.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file that is missing, damaged, or not of such a model; `ERR_DTYPE` for what is
 *   no path; `ERR_BACKEND` without a tfjs backend
 */
export async function loadRetinaNet(directory: string): Promise<RetinaNet> {
  const check = new Check('loadRetinaNet');
  check.string('directory', directory);
  requireTfBackend(check);
  const file = join(directory, MODEL_FILE);
  const artifacts = await readArtifacts(check, directory);
  const parts = readMetadata(check, file, artifacts.userDefinedMetadata);
  checkTopology(check, file, artifacts.modelTopology);

  const { made: building, variables } = makeVariables(() => buildModel(artifacts.modelTopology as object));
  try {
    const model = await building;
    const difference = modelDifference(model, parts.config, parts.anchors);
    if (difference !== undefined) check.fail('ERR_DATA', file, difference.expected, difference.received);
    checkWeights(check, file, model, artifacts.weightSpecs ?? []);
    tf.tidy(() => {
      model.loadWeights(tf.io.decodeWeights(artifacts.weightData ?? [], artifacts.weightSpecs ?? []));
    });
    return assembleNet({ model, ...parts });
  } catch (cause) {
    disposeAll(variables);
    if ((cause as RetinanetOpsError).code === 'ERR_DATA') throw cause;
    return check.fail('ERR_DATA', file, 'a network that TensorFlow.js builds', (cause as Error).message, { cause });
  }
}

/** The configuration that a model was saved with, and its anchors. */
function readMetadata(check: Check, file: string, metadata: unknown): Pick<NetParts, 'config' | 'anchors'> {
  const { format, config: saved } = (metadata ?? {}) as Partial<RetinaNetMetadata>;
  if (format !== FORMAT) check.fail('ERR_DATA', file, 'a model that saveRetinaNet wrote', 'one that it did not write');
  try {
    const prefix = `${file}: config.`;
    const config = resolveConfig(check, saved, prefix);
    return { config, anchors: anchorGrid(check, config, prefix) };
  } catch (cause) {
    throw new RetinanetOpsError('ERR_DATA', (cause as Error).message, { cause });
  }
}

/**
 * Has tfjs build a network. All variables are made before this returns: the function is asynchronous for weights alone, of
 * which it gets none. Random initial values, which take longer than reading the true ones, are not drawn.
 */
function buildModel(topology: object): Promise<LayersModel> {
  const zeros = { class_name: 'Zeros', config: {} };
  const modelTopology: unknown = JSON.parse(JSON.stringify(topology), (key, value: unknown) =>
    key.endsWith('_initializer') ? zeros : value,
  );
  return models.modelFromJSON({ modelTopology } as Parameters<typeof models.modelFromJSON>[0]);
}

/** Refuses a manifest that lacks a weight of the network, has another, or one of another shape. */
function checkWeights(check: Check, file: string, model: LayersModel, specs: readonly io.WeightsManifestEntry[]): void {
  const text = (dtype: string, shape: unknown) => `${dtype} ${JSON.stringify(shape)}`;
  const given = new Map(specs.map(({ name, dtype, shape }) => [name, text(dtype, shape)]));
  for (const { originalName, dtype, shape } of model.weights) {
    const [expected, received] = [text(dtype, shape), given.get(originalName) ?? 'none'];
    if (received !== expected) check.fail('ERR_DATA', file, `a weight ${originalName}, ${expected},`, received);
    given.delete(originalName);
  }
  const [more] = given.keys();
  if (more !== undefined) check.fail('ERR_DATA', file, 'weights of its network only', `${more} besides`);
}
