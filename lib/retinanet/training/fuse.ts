// Layers of a model that are computed together while it trains.
import { add, mul, neg, rsqrt, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

import { convolution, type ConvolutionAttributes } from './convolution.js';

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

/** What is used of a layer here; its declaration hides some of it. */
interface Layer {
  inboundNodes: { inboundLayers: Layer[] }[];
  outboundNodes: { outboundLayer: Layer }[];
  getClassName(): string;
  getConfig(): Record<string, unknown>;
  call: (inputs: Tensor | Tensor[]) => Tensor;
}

/**
 * Has every convolution of the model do what surrounds it as well, as far as nothing else looks at what lies between: zero padding
 * before it; a batch normalisation with stored statistics, which is a factor on the filters and a bias; a ReLU. Each of them would read
 * and write the whole feature map, and its gradient would keep it in memory.
 *
 * The layers stay, with their weights; those that have nothing left to do return what comes in. The model is for training only
 * from then on: its other parts don't show what they say.
 */
export function fuseConvolutions(model: LayersModel): void {
  for (const layer of model.layers as unknown as Layer[]) {
    const { dataFormat, dilationRate, activation } = layer.getConfig();
    const isPlain = dataFormat === 'channelsLast' && [dilationRate].flat().every((rate) => rate === 1);
    if (layer.getClassName() !== 'Conv2D' || !isPlain) continue;
    if (activation === 'linear' || activation === 'relu') fuse(layer as ConvolutionLayer, activation === 'relu');
  }
}

function fuse(layer: ConvolutionLayer, hasRelu: boolean): void {
  const { strides } = layer;
  let pad: ConvolutionAttributes['pad'] = layer.padding;
  const before = soleInput(layer);
  if (before?.getClassName() === 'ZeroPadding2D' && pad === 'valid' && soleOutput(before) === layer) {
    pad = [[0, 0], ...(before.getConfig()['padding'] as [[number, number], [number, number]]), [0, 0]];
    passOn(before);
  }
  let last: Layer = layer;
  let norm: NormalizationLayer | undefined;
  const isNorm = (next: Layer | undefined): next is NormalizationLayer => next?.getClassName() === 'BatchNormalization';
  let next = soleOutput(last);
  if (!hasRelu && isNorm(next) && soleInput(next) === last) {
    norm = next;
    passOn(next);
    last = next;
    next = soleOutput(last);
  }
  const isRelu = next?.getClassName() === 'Activation' && next.getConfig()['activation'] === 'relu';
  const withRelu = hasRelu || (isRelu && soleInput(next!) === last);
  if (!hasRelu && withRelu) passOn(next!);

  layer.call = (inputs) => {
    const bias = layer.bias?.read();
    const { filter, shift } = norm
      ? normalized(norm, layer.kernel.read(), bias)
      : { filter: layer.kernel.read(), shift: bias };
    return convolution({ x: one(inputs), filter, ...(shift && { bias: shift }) }, { strides, pad }, withRelu);
  };
}

/** gamma * (conv(x) + bias - mean) / deviation + beta, as a convolution and a bias. */
function normalized(norm: NormalizationLayer, kernel: Tensor, bias: Tensor | undefined) {
  const factor = mul(norm.gamma.read(), rsqrt(add(norm.movingVariance.read(), norm.epsilon)));
  const mean = neg(norm.movingMean.read());
  const shift = add(norm.beta.read(), mul(bias ? add(bias, mean) : mean, factor));
  return { filter: mul(kernel, factor), shift };
}

/** The only layer that reads what this one gives, in the only place where it stands. */
function soleOutput(layer: Layer): Layer | undefined {
  const [node] = layer.outboundNodes;
  return layer.inboundNodes.length === 1 && layer.outboundNodes.length === 1 ? node?.outboundLayer : undefined;
}

/** The only layer that this one reads, in the only place where it stands. */
function soleInput(layer: Layer): Layer | undefined {
  const [node] = layer.inboundNodes;
  return layer.inboundNodes.length === 1 && node?.inboundLayers.length === 1 ? node.inboundLayers[0] : undefined;
}

function passOn(layer: Layer): void {
  layer.call = one;
}

function one(inputs: Tensor | Tensor[]): Tensor {
  return Array.isArray(inputs) ? inputs[0]! : inputs;
}
