// Layers of a model that are computed together while it trains.
import { add, maxPool, mul, neg, rsqrt, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { convolution, type ConvolutionAttributes } from './convolution.js';
import { after, before, isRelu, type Layer, layersOf, one, passOn, soleInput, soleOutput } from './layer-graph.js';
import { rectify } from './rectifier.js';

interface Variable {
  read(): Tensor;
}

interface ConvolutionLayer extends Layer {
  kernel: Variable;
  bias: Variable | null;
  strides: [number, number];
  padding: 'same' | 'valid';
}

interface NormalizationLayer extends Layer {
  gamma: Variable;
  beta: Variable;
  movingMean: Variable;
  movingVariance: Variable;
  epsilon: number;
}

interface PoolingConfig {
  dataFormat: string;
  padding: string;
  poolSize: [number, number];
  strides: [number, number];
}

/**
 * Has layers do what surrounds them as well, as far as nothing else looks at what lies between. A convolution: zero padding before it; a
 * batch normalisation with stored statistics, which is a factor on the filters and a bias; the sum that it goes into; a ReLU. A sum of
 * others: its ReLU. A maximum: zero padding. Each of them would read and write the whole feature map, and its gradient would keep it in
 * memory.
 *
 * The layers stay, with their weights; those that have nothing left to do return what comes in. The model is for training only
 * from then on: its other parts don't show what they say.
 */
export function fuseLayers(model: LayersModel): void {
  if (fusedModels.has(model)) return;
  fusedModels.add(model);
  // Convolutions first: most ReLUs are theirs.
  for (const layer of layersOf(model))
    if (layer.getClassName() === 'Conv2D') fuseConvolution(layer as ConvolutionLayer);
  for (const layer of layersOf(model)) {
    if (layer.getClassName() === 'MaxPooling2D') fusePooling(layer);
    else if (isRelu(layer) && !passesOn.has(layer)) fuseRelu(layer);
  }
}

const fusedModels = new WeakSet<LayersModel>();

/** Layers that have nothing left to do. */
const passesOn = new WeakSet<Layer>();

function skip(layer: Layer): void {
  passOn(layer);
  passesOn.add(layer);
}

function fuseConvolution(layer: ConvolutionLayer): void {
  const { dataFormat, dilationRate, activation } = layer.getConfig();
  const isPlain = dataFormat === 'channelsLast' && [dilationRate].flat().every((rate) => rate === 1);
  if (!isPlain || (activation !== 'linear' && activation !== 'relu')) return;
  const hasRelu = activation === 'relu';
  const { strides } = layer;
  let pad: ConvolutionAttributes['pad'] = layer.padding;
  const padding = before(layer);
  if (padding?.getClassName() === 'ZeroPadding2D' && pad === 'valid') {
    pad = paddingOf(padding);
    skip(padding);
  }
  let last: Layer = layer;
  let norm: NormalizationLayer | undefined;
  const isNorm = (next: Layer | undefined): next is NormalizationLayer => next?.getClassName() === 'BatchNormalization';
  const next = after(last);
  if (!hasRelu && isNorm(next)) {
    norm = next;
    skip(next);
    last = next;
  }
  const sum = hasRelu ? undefined : sumOf(last);
  if (sum) last = sum;
  const relu = hasRelu ? undefined : after(last);
  const withRelu = hasRelu || isRelu(relu);
  if (isRelu(relu)) skip(relu);

  const compute = (x: Tensor, addend?: Tensor) => {
    const bias = layer.bias?.read();
    const { filter, shift } = norm
      ? normalized(norm, layer.kernel.read(), bias)
      : { filter: layer.kernel.read(), shift: bias };
    return convolution({ x, filter, bias: shift, addend }, { strides, pad }, withRelu);
  };
  if (!sum) {
    layer.call = (inputs) => compute(one(inputs));
    return;
  }
  // It waits until there is what it is added to.
  skip(layer);
  const index = sum.inboundNodes[0]!.inboundLayers.indexOf(norm ?? layer);
  sum.call = (inputs) => compute(one(inputs, index), one(inputs, 1 - index));
  fusedSums.add(sum);
}

/** Sums that convolutions compute. */
const fusedSums = new WeakSet<Layer>();

/** The sum of two that alone reads what the layer gives. */
function sumOf(layer: Layer): Layer | undefined {
  const sum = soleOutput(layer);
  if (sum?.getClassName() !== 'Add' || fusedSums.has(sum)) return undefined;
  const [node, ...others] = sum.inboundNodes;
  return others.length === 0 && new Set(node!.inboundLayers).size === 2 ? sum : undefined;
}

function paddingOf(layer: Layer): [number, number][] {
  return [[0, 0], ...(layer.getConfig()['padding'] as [[number, number], [number, number]]), [0, 0]];
}

/** Zeros around what a ReLU gave are never the only maximum, and no gradient reaches what it made zero. */
function fusePooling(layer: Layer): void {
  const { dataFormat, padding, poolSize, strides } = layer.getConfig() as unknown as PoolingConfig;
  const zeros = before(layer);
  const isPlain = dataFormat === 'channelsLast' && padding === 'valid';
  if (!isPlain || zeros?.getClassName() !== 'ZeroPadding2D' || !isRelu(soleInput(zeros))) return;
  const pad = paddingOf(zeros) as [[number, number], [number, number], [number, number], [number, number]];
  skip(zeros);
  layer.call = (inputs) => maxPool(one(inputs) as Tensor4D, poolSize, strides, pad);
}

function fuseRelu(layer: Layer): void {
  const sum = soleInput(layer);
  const isSum =
    sum?.getClassName() === 'Add' && soleOutput(sum) === layer && sum.inboundNodes[0]!.inboundLayers.length === 2;
  if (!isSum) {
    layer.call = (inputs) => rectify(one(inputs));
    return;
  }
  sum.call = (inputs) => rectify(one(inputs, 0), one(inputs, 1));
  skip(layer);
}

/** gamma * (conv(x) + bias - mean) / deviation + beta, as a convolution and a bias. */
function normalized(norm: NormalizationLayer, kernel: Tensor, bias: Tensor | undefined) {
  const factor = mul(norm.gamma.read(), rsqrt(add(norm.movingVariance.read(), norm.epsilon)));
  const mean = neg(norm.movingMean.read());
  const shift = add(norm.beta.read(), mul(bias ? add(bias, mean) : mean, factor));
  return { filter: mul(kernel, factor), shift };
}
