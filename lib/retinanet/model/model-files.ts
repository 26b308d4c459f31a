// A tfjs model in a directory: model.json and the files of weights that it names.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';

import { Check } from '../../arguments/check.js';
import { makeFolder } from '../make-folder.js';
import { writeTogether } from '../write-together.js';

export const MODEL_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

/** A group of tfjs's manifest. */
type WeightGroup = io.WeightsManifestConfig[number] & {
  /** Of the group's bytes, in hexadecimal: only these belong to this model.json. Ours; other readers pass over it. */
  sha256?: string;
};

/**
 * A tfjs save handler for a directory, as tfjs-node's `file://` but without tfjs-node. The directory is made if needed. Files
 * appear under their names, and replace older ones, only when all are complete; what fails leaves nothing behind.
 *
 * @throws RetinanetOpsError `ERR_DTYPE` for what is no path; `ERR_DATA` when saving, where the directory can't be written
 */
export function directorySaver(directory: string): io.IOHandler {
  const check = new Check('directorySaver');
  check.string('directory', directory);
  return tf.io.withSaveHandler((artifacts) => saveArtifacts(check, directory, artifacts));
}

/**
 * A tfjs load handler for a directory with `model.json` and the weight files it names.
 *
 * @throws RetinanetOpsError `ERR_DTYPE` for what is no path; `ERR_DATA` when loading, naming the file that is missing or damaged
 */
export function directoryLoader(directory: string): io.IOHandler {
  const check = new Check('directoryLoader');
  check.string('directory', directory);
  return { load: () => readArtifacts(check, directory) };
}

export async function saveArtifacts(
  check: Check,
  directory: string,
  artifacts: io.ModelArtifacts,
): Promise<io.SaveResult> {
  const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
  const { modelTopology, format, generatedBy, convertedBy, userDefinedMetadata, weightSpecs = [] } = artifacts;
  const group: WeightGroup = { paths: [WEIGHTS_FILE], sha256: sha256([weights]), weights: weightSpecs };
  const json = JSON.stringify({
    modelTopology,
    format,
    generatedBy,
    convertedBy,
    userDefinedMetadata,
    weightsManifest: [group],
  });
  try {
    await makeFolder(directory);
    await writeTogether(directory, [
      [WEIGHTS_FILE, weights],
      [MODEL_FILE, json],
    ]);
  } catch (cause) {
    const { message } = cause as Error;
    check.fail('ERR_DATA', directory, 'a directory that can be written to', message, { cause });
  }
  return {
    modelArtifactsInfo: {
      dateSaved: new Date(),
      modelTopologyType: 'JSON',
      modelTopologyBytes: Buffer.byteLength(json),
      weightDataBytes: weights.byteLength,
    },
  };
}

export async function readArtifacts(check: Check, directory: string): Promise<io.ModelArtifacts> {
  const file = join(directory, MODEL_FILE);
  const text = (await read(check, file)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    check.fail('ERR_DATA', file, 'JSON', `text that is none (${(cause as Error).message})`, { cause });
  }
  const model = json as io.ModelJSON;
  if (!isObject(json) || !isObject(json['modelTopology'])) {
    check.fail('ERR_DATA', file, 'a model of TensorFlow.js', 'JSON without a modelTopology');
  }
  const groups = checkManifest(check, file, json['weightsManifest']);
  return tf.io.getModelArtifactsForJSON(model, async () => [
    groups.flatMap(({ weights }) => weights),
    await readWeights(check, directory, groups),
  ]);
}

/** The bytes of all groups, one after the other. */
async function readWeights(check: Check, directory: string, groups: readonly WeightGroup[]): Promise<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const group of groups) {
    const paths = group.paths.map((path) => join(directory, path));
    const own = await Promise.all(paths.map((path) => read(check, path)));
    const names = paths.join(', ');
    const sizes = group.weights.map(byteLength);
    // Strings have no fixed size.
    const expected = sizes.includes(undefined) ? undefined : sum(sizes as number[]);
    const received = sum(own.map(({ length }) => length));
    if (expected !== undefined && expected !== received) {
      check.fail('ERR_DATA', names, `${String(expected)} bytes, as ${MODEL_FILE} says,`, String(received));
    }
    if (group.sha256 !== undefined && group.sha256 !== sha256(own)) {
      check.fail('ERR_DATA', names, `the weights that ${MODEL_FILE} was saved with`, 'others of the same size');
    }
    parts.push(...own);
  }
  const bytes = new Uint8Array(sum(parts.map(({ length }) => length)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes.buffer;
}

async function read(check: Check, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    check.fail('ERR_DATA', file, 'a file that can be read', (cause as Error).message, { cause });
  }
}

const DTYPE_BYTES = { float32: 4, int32: 4, complex64: 8, bool: 1, string: undefined } as const;
const QUANTIZED_BYTES = { uint8: 1, uint16: 2, float16: 2 } as const;

function byteLength({ shape, dtype, quantization }: io.WeightsManifestEntry): number | undefined {
  const each = quantization === undefined ? DTYPE_BYTES[dtype] : QUANTIZED_BYTES[quantization.dtype];
  return each === undefined ? undefined : each * shape.reduce((product, size) => product * size, 1);
}

function checkManifest(check: Check, file: string, value: unknown): WeightGroup[] {
  const fail = (received: string): never =>
    check.fail('ERR_DATA', file, 'a weightsManifest of TensorFlow.js', received);
  if (!Array.isArray(value)) return fail('JSON without one');
  const names = new Set<string>();
  for (const [g, group] of value.entries()) {
    if (!isObject(group) || !Array.isArray(group['paths']) || !Array.isArray(group['weights'])) {
      return fail(`one without paths and weights in group ${String(g)}`);
    }
    for (const path of group['paths'] as unknown[]) {
      const inside = typeof path === 'string' && !isAbsolute(path) && !normalize(path).startsWith('..');
      if (!inside) fail(`one with the path ${JSON.stringify(path)}, which is none within the directory`);
    }
    for (const entry of group['weights'] as unknown[]) {
      if (!isEntry(entry)) return fail(`one with the weight ${JSON.stringify(entry)}`);
      if (names.has(entry.name)) return fail(`one with two weights '${entry.name}'`);
      names.add(entry.name);
    }
  }
  return value as WeightGroup[];
}

function isEntry(value: unknown): value is io.WeightsManifestEntry {
  if (!isObject(value)) return false;
  const { name, shape, dtype, quantization } = value;
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0;
  if (typeof name !== 'string' || !Array.isArray(shape) || !shape.every(isSize)) return false;
  if (!Object.hasOwn(DTYPE_BYTES, dtype as string)) return false;
  return quantization === undefined || (isObject(quantization) && Object.hasOwn(QUANTIZED_BYTES, quantization['dtype'] as string)); // prettier-ignore
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
