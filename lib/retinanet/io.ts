import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';

import { RetinanetOpsError } from '../errors.js';
import { requireTfBackend } from './backend.js';
import { anchorsOf, resolveConfig, type RetinaNetConfig } from './config.js';
import type { RetinaNet } from './model.js';

const WEIGHTS_FILE = 'weights.bin';
const FORMAT = 'retinanet-ops';

/** What `model.json` carries besides the network, for readers that have none of this package's code. */
export interface RetinaNetMetadata {
  format: typeof FORMAT;
  config: RetinaNetConfig;
  classNames: readonly string[];
  /** How to make the anchors: centres at (i + 0.5) * stride; level, row, column, scale, ratio. */
  anchors: { strides: number[]; baseSizes: number[]; scales: number[]; aspectRatios: number[] };
}

/**
 * Writes `model.json` and `weights.bin`, the standard tfjs layers format, into a directory, which is made if needed.
 * Either file appears under its name only when it is complete.
 */
export async function saveRetinaNet(net: RetinaNet, directory: string): Promise<void> {
  const { model, config } = net;
  const strides = net.anchors.levels.map((level) => level.stride);
  const metadata: RetinaNetMetadata = {
    format: FORMAT,
    config,
    classNames: config.classNames,
    anchors: {
      strides,
      baseSizes: strides.map((stride) => stride * config.anchorSizeInStrides),
      scales: [...config.anchorScales],
      aspectRatios: [...config.aspectRatios],
    },
  };
  model.setUserDefinedMetadata({ ...metadata });
  await model.save(directorySaver(directory));
}

/** Reads what `saveRetinaNet` wrote. @throws RetinanetOpsError `ERR_DATA` when the directory holds no such model. */
export async function loadRetinaNet(directory: string): Promise<RetinaNet> {
  requireTfBackend();
  const model = await loadLayersModel(directoryLoader(directory));
  const metadata = model.getUserDefinedMetadata() as RetinaNetMetadata | undefined;
  if (metadata?.format !== FORMAT) {
    throw new RetinanetOpsError('ERR_DATA', `${directory} holds a tfjs model, but not one that saveRetinaNet wrote`);
  }
  const config = resolveConfig(metadata.config);
  return { model, anchors: anchorsOf(config), config };
}

/** A tfjs save handler for a directory, as tfjs-node's `file://` but without tfjs-node. */
export function directorySaver(directory: string): io.IOHandler {
  return tf.io.withSaveHandler(async (artifacts) => {
    const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
    const { modelTopology, format, generatedBy, convertedBy, userDefinedMetadata } = artifacts;
    const manifest = [{ paths: [WEIGHTS_FILE], weights: artifacts.weightSpecs ?? [] }];
    const json = JSON.stringify({
      modelTopology,
      format,
      generatedBy,
      convertedBy,
      userDefinedMetadata,
      weightsManifest: manifest,
    });
    await mkdir(directory, { recursive: true });
    await writeWhole(join(directory, WEIGHTS_FILE), weights);
    await writeWhole(join(directory, 'model.json'), json);
    return {
      modelArtifactsInfo: {
        dateSaved: new Date(),
        modelTopologyType: 'JSON',
        modelTopologyBytes: Buffer.byteLength(json),
        weightDataBytes: weights.byteLength,
      },
    };
  });
}

/** A tfjs load handler for a directory with `model.json` and the weight files it names. */
export function directoryLoader(directory: string): io.IOHandler {
  return {
    load: async () => {
      const json = JSON.parse(await readText(join(directory, 'model.json'))) as io.ModelJSON;
      return tf.io.getModelArtifactsForJSON(json, async (manifest) => {
        const specs = manifest.flatMap((group) => group.weights);
        const files = await Promise.all(
          manifest.flatMap((group) => group.paths).map((path) => readFile(join(directory, path))),
        );
        const bytes = new Uint8Array(Buffer.concat(files));
        return [specs, bytes.buffer];
      });
    },
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new RetinanetOpsError('ERR_DATA', `cannot read the model file ${path}`, { cause });
  }
}

/** Writes beside the target and renames, so that nobody reads half a file. */
async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
