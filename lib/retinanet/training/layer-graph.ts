// How the layers of a model follow on each other, and layers that do something else than their class says.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What is used of a layer here; its declaration hides some of it. */
export interface Layer {
  name: string;
  inboundNodes: { inboundLayers: Layer[] }[];
  outboundNodes: { outboundLayer: Layer }[];
  trainableWeights: LayersModel['weights'];
  /** What it accepts. */
  inputSpec: unknown[];
  getClassName(): string;
  getConfig(): Record<string, unknown>;
  call: (inputs: Tensor | Tensor[], kwargs: object) => Tensor | Tensor[];
}

export function layersOf(model: LayersModel): Layer[] {
  return model.layers;
}

export function isRelu(layer: Layer | undefined): layer is Layer {
  return layer?.getClassName() === 'Activation' && layer.getConfig()['activation'] === 'relu';
}

/** The only layer that reads what this one gives, in the only place where it stands. */
export function soleOutput(layer: Layer): Layer | undefined {
  const [node] = layer.outboundNodes;
  return layer.inboundNodes.length === 1 && layer.outboundNodes.length === 1 ? node?.outboundLayer : undefined;
}

/** The only layer that this one reads, in the only place where it stands. */
export function soleInput(layer: Layer): Layer | undefined {
  const [node] = layer.inboundNodes;
  return layer.inboundNodes.length === 1 && node?.inboundLayers.length === 1 ? node.inboundLayers[0] : undefined;
}

/** The layer whose output `layer` alone reads, and which it alone reads. */
export function before(layer: Layer): Layer | undefined {
  const input = soleInput(layer);
  return input && soleOutput(input) === layer ? input : undefined;
}

/** The layer that alone reads what `layer` gives, and nothing else. */
export function after(layer: Layer): Layer | undefined {
  const output = soleOutput(layer);
  return output && soleInput(output) === layer ? output : undefined;
}

/** Has the layer give what it takes; of its inputs, that of the given index. */
export function passOn(layer: Layer, index = 0): void {
  layer.inputSpec = [];
  layer.call = (inputs) => one(inputs, index);
}

export function one(inputs: Tensor | Tensor[], index = 0): Tensor {
  return Array.isArray(inputs) ? inputs[index]! : inputs;
}
