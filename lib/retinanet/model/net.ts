// A network with what its outputs mean: how it is put together, checked and freed.
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { describe } from '../../arguments/describe.js';
import type { AnchorGrid } from '../../index.js';
import type { Check } from '../../arguments/check.js';
import { anchorGrid, inputSize, resolveConfig, type ResolvedConfig } from './config.js';

/** A detector: the network and the anchors that the rows of its outputs stand for. */
export interface RetinaNet {
  /**
   * Stock tfjs layers only. Input: [B, H, W, 3] float32, RGB 0..255 (the model normalises it itself).
   * Outputs: class logits [B, A, K] and box deltas [B, A, 4], rows in the order of `anchors`.
   */
  readonly model: LayersModel;
  /** What the A rows of the outputs stand for. */
  readonly anchors: AnchorGrid;
  /** What the network was built from. */
  readonly config: ResolvedConfig;
  /**
   * Frees all weights; the net is of no use afterwards. `model.dispose()` alone leaves those of the subnets. Calling it again
   * does nothing.
   */
  dispose(): void;
  /** For `using`. */
  [Symbol.dispose](): void;
}

/** What the functions that take a net need of it. */
export type NetParts = Pick<RetinaNet, 'model' | 'anchors' | 'config'>;

export function assembleNet(parts: NetParts): RetinaNet {
  const { model } = parts;
  const variables = variablesOf(model.weights);
  const dispose = () => {
    // A layer counts its uses, and the model takes back one of each: shared layers keep their weights. It also frees an optimizer.
    if (!variables.some(({ isDisposed }) => isDisposed)) model.dispose();
    disposeAll(variables);
  };
  return { ...parts, dispose, [Symbol.dispose]: dispose };
}

/** The tfjs variables behind those of layers, in their order. */
export function variablesOf(weights: LayersModel['weights']): tf.Variable[] {
  return weights.map(({ name }) => tf.engine().registeredVariables[name] as tf.Variable);
}

/**
 * Runs what makes variables, and tells which it made. Temporary tensors are freed; where it throws, the variables too, which tfjs
 * itself leaves.
 */
export function makeVariables<T>(make: () => T): { made: T; variables: tf.Variable[] } {
  const before = new Set(Object.keys(tf.engine().registeredVariables));
  const since = () =>
    Object.entries(tf.engine().registeredVariables).flatMap(([name, v]) => (before.has(name) ? [] : [v]));
  let made: T | undefined;
  try {
    tf.tidy(() => {
      made = make();
    });
  } catch (error) {
    disposeAll(since());
    throw error;
  }
  return { made: made as T, variables: since() };
}

export function disposeAll(variables: readonly tf.Variable[]): void {
  for (const variable of variables) if (!variable.isDisposed) variable.dispose();
}

/**
 * Any object that is a net, also of another copy of this package: by what it has, not by its class.
 *
 * @throws RetinanetOpsError `ERR_DTYPE` for what is no net or a disposed one, `ERR_SHAPE` where its parts don't fit each other
 */
export function checkNet(check: Check, value: unknown): NetParts {
  const given = check.fields<RetinaNet>('net', value, ['model', 'anchors', 'config']);
  const model = checkModel(check, 'net.model', given.model);
  requireWeights(check, model);
  const config = resolveConfig(check, given.config, 'net.config.');
  const anchors = anchorGrid(check, config);
  const difference = modelDifference(model, config, anchors);
  if (difference !== undefined) check.fail('ERR_SHAPE', 'net.model', difference.expected, difference.received);
  if (!sameAnchors(anchors, given.anchors)) {
    check.fail('ERR_SHAPE', 'net.anchors', 'the AnchorGrid that net.config describes', describe(given.anchors));
  }
  return { model, anchors, config };
}

export function checkModel(check: Check, argument: string, value: unknown): LayersModel {
  const lists = ['weights', 'trainableWeights', 'nonTrainableWeights', 'inputs', 'outputs'];
  const isModel =
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'apply') === 'function' &&
    lists.every((name) => Array.isArray(Reflect.get(value, name)));
  if (!isModel) check.fail('ERR_DTYPE', argument, 'a LayersModel', describe(value));
  return value as LayersModel;
}

/** Refuses a model whose weights are gone. */
export function requireWeights(check: Check, model: LayersModel): void {
  try {
    for (const weight of model.weights) weight.read();
  } catch (cause) {
    check.fail('ERR_DTYPE', 'net', 'a net that holds its weights', 'one that has been disposed of', { cause });
  }
}

/** How a model's inputs and outputs differ from what a configuration says, or undefined. */
export function modelDifference(
  { inputs, outputs }: LayersModel,
  config: ResolvedConfig,
  { count }: AnchorGrid,
): { expected: string; received: string } | undefined {
  const text = (from: unknown, to: unknown) => `a network from ${JSON.stringify(from)} to ${JSON.stringify(to)}`;
  const shapes = (tensors: LayersModel['inputs']) => tensors.map(({ shape }) => shape);
  const [height, width] = inputSize(config);
  const rows = height === null ? null : count;
  const expected = text(
    [[null, height, width, 3]],
    [
      [null, rows, config.numClasses],
      [null, rows, 4],
    ],
  );
  const received = text(shapes(inputs), shapes(outputs));
  return expected === received ? undefined : { expected, received };
}

function sameAnchors(anchors: AnchorGrid, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const names = [
    'imageHeight',
    'imageWidth',
    'strides',
    'sizes',
    'aspectRatios',
    'centerOffset',
    'rounding',
    'order',
    'count',
  ] as const;
  return names.every((name) => JSON.stringify((value as AnchorGrid)[name]) === JSON.stringify(anchors[name]));
}
