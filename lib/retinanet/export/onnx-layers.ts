// The layers of a detector as nodes of an ONNX graph. Feature maps are [B, H, W, C] in TensorFlow.js, [B, C, H, W] in ONNX.
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

import type { Check } from '../../arguments/check.js';
import { readWeights } from '../model/weights.js';
import type { Attribute } from './onnx-format.js';
import type { OnnxGraph } from './onnx-graph.js';

type Pair = [number, number];

/** What is used of a layer here; its declaration hides some of it. */
interface Layer {
  name: string;
  inboundNodes: { inputTensors: SymbolicTensor[] }[];
  weights: LayersModel['weights'];
  getClassName(): string;
  getConfig(): Record<string, unknown>;
}

interface Use {
  layer: Layer;
  inputs: SymbolicTensor[];
  output: SymbolicTensor;
}

/** Adds the nodes that give a model's outputs from `image`, [B, H, W, 3]. Gives the outputs' names. */
export function addLayers(check: Check, graph: OnnxGraph, model: LayersModel, image: string): string[] {
  return new LayerExport(check, graph, image).outputs(model);
}

class LayerExport {
  private readonly made = new Map<number, string>();
  /** Weights that several uses of a layer share. */
  private readonly weights = new Map<Layer, string[]>();

  constructor(
    private readonly check: Check,
    private readonly graph: OnnxGraph,
    private readonly image: string,
  ) {}

  outputs(model: LayersModel): string[] {
    return model.outputs.map((tensor) => this.value(tensor));
  }

  private value(tensor: SymbolicTensor): string {
    const name = this.made.get(tensor.id) ?? this.make(useOf(tensor));
    this.made.set(tensor.id, name);
    return name;
  }

  private make(use: Use): string {
    const { layer, inputs } = use;
    const config = layer.getConfig();
    const input = () => this.value(inputs[0]!);
    const kind = layer.getClassName();
    switch (kind) {
      case 'InputLayer':
        return this.graph.node('Transpose', [this.image], { perm: [0, 3, 1, 2] }, 'image_by_channel');
      case 'Conv2D':
        return this.convolution(use);
      case 'BatchNormalization': {
        const epsilon = { float: config['epsilon'] as number };
        return this.graph.node('BatchNormalization', [input(), ...this.normalization(layer)], { epsilon }, layer.name);
      }
      case 'Activation':
        if (config['activation'] !== 'relu') break;
        return this.graph.node('Relu', [input()], {}, layer.name);
      case 'Add':
        return inputs
          .map((tensor) => this.value(tensor))
          .reduce((sum, term) => this.graph.node('Add', [sum, term], {}, layer.name));
      case 'ZeroPadding2D': {
        const [[top, bottom], [left, right]] = config['padding'] as [Pair, Pair];
        return this.graph.node(
          'Pad',
          [input(), this.graph.ints([0, 0, top, left, 0, 0, bottom, right])],
          {},
          layer.name,
        );
      }
      case 'MaxPooling2D': {
        const [kernel, strides] = [config['poolSize'] as Pair, config['strides'] as Pair];
        const pads = padsOf(use, config['padding'], kernel, strides);
        return this.graph.node('MaxPool', [input()], { kernel_shape: kernel, strides, pads }, layer.name);
      }
      case 'UpSampling2D':
        if (config['interpolation'] !== 'nearest') break;
        return this.enlarged(layer.name, input(), config['size'] as Pair);
      case 'Cropping2D': {
        const [[top, bottom], [left, right]] = config['cropping'] as [Pair, Pair];
        const [, height, width] = inputs[0]!.shape as number[];
        const { graph } = this;
        const [from, to] = [graph.ints([top, left]), graph.ints([height! - bottom, width! - right])];
        return graph.node('Slice', [input(), from, to, graph.ints([2, 3])], {}, layer.name);
      }
      case 'Reshape': {
        const byCell = this.graph.node('Transpose', [input()], { perm: [0, 2, 3, 1] }, `${layer.name}_by_cell`);
        const shape = this.graph.ints([0, ...(config['targetShape'] as (number | null)[]).map((size) => size ?? -1)]);
        return this.graph.node('Reshape', [byCell, shape], {}, layer.name);
      }
      case 'Concatenate':
        return this.graph.node('Concat', inputs.map((tensor) => this.value(tensor)), { axis: 1 }, layer.name); // prettier-ignore
    }
    return this.check.fail('ERR_DATA', 'net.model', 'layers of createRetinaNet', `${layer.name}, a ${kind}`);
  }

  private convolution(use: Use): string {
    const { layer } = use;
    const { kernelSize, strides, padding, activation } = layer.getConfig();
    const kernel = kernelSize as Pair;
    let [source] = use.inputs as [SymbolicTensor];
    let pads = padsOf(use, padding, kernel, strides as Pair);
    const before = useOf(source);
    if (padding === 'valid' && before.layer.getClassName() === 'ZeroPadding2D') {
      const [[top, bottom], [left, right]] = before.layer.getConfig()['padding'] as [Pair, Pair];
      pads = [top, left, bottom, right];
      source = before.inputs[0]!;
    }
    const inputs = [this.value(source), ...this.filters(layer)];
    const attributes: Record<string, Attribute> = { kernel_shape: kernel, strides: strides as Pair, pads };
    if (activation !== 'relu') return this.graph.node('Conv', inputs, attributes, layer.name);
    const linear = this.graph.node('Conv', inputs, attributes, `${layer.name}_linear`);
    return this.graph.node('Relu', [linear], {}, layer.name);
  }

  /** The filters [out, in, h, w] of a convolution, and its bias where it has one. */
  private filters(layer: Layer): string[] {
    return this.shared(layer, () => {
      const [filters, bias] = readWeights(layer.weights);
      const [height, width, channels, out] = layer.weights[0]!.shape as [number, number, number, number];
      const turned = new Float32Array(filters!.length);
      const cells = height * width;
      for (let i = 0, cell = 0; cell < cells; cell++) {
        for (let c = 0; c < channels; c++)
          for (let o = 0; o < out; o++) turned[(o * channels + c) * cells + cell] = filters![i++]!;
      }
      const names = [this.graph.weights(`${layer.name}_filters`, [out, channels, height, width], turned)];
      return bias ? [...names, this.graph.weights(`${layer.name}_bias`, [out], bias)] : names;
    });
  }

  /** Scale, offset, mean and variance by channel: float32, since they range widely and are few. */
  private normalization(layer: Layer): string[] {
    return this.shared(layer, () =>
      readWeights(layer.weights).map((values, i) => {
        const name = ['scale', 'offset', 'mean', 'variance'][i]!;
        return this.graph.floats(`${layer.name}_${name}`, [values.length], values);
      }),
    );
  }

  private shared(layer: Layer, make: () => string[]): string[] {
    const names = this.weights.get(layer) ?? make();
    this.weights.set(layer, names);
    return names;
  }

  private enlarged(name: string, input: string, [rows, columns]: Pair): string {
    const scales = this.graph.floats(`${name}_scales`, [4], Float32Array.of(1, 1, rows, columns));
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    return this.graph.node('Resize', [input, '', scales], attributes, name);
  }
}

function useOf(tensor: SymbolicTensor): Use {
  const layer = tensor.sourceLayer as unknown as Layer;
  return { layer, inputs: layer.inboundNodes[tensor.nodeIndex]?.inputTensors ?? [], output: tensor };
}

/** Upper, left, lower, right: as TensorFlow pads, the odd one below and to the right. */
function padsOf({ inputs, output }: Use, padding: unknown, kernel: Pair, strides: Pair): number[] {
  if (padding !== 'same') return [0, 0, 0, 0];
  const along = [0, 1].map((axis) => {
    const [from, to] = [inputs[0]!.shape[axis + 1]!, output.shape[axis + 1]!];
    return Math.max(0, (to - 1) * strides[axis]! + kernel[axis]! - from);
  });
  return [...along.map((pad) => Math.floor(pad / 2)), ...along.map((pad) => Math.ceil(pad / 2))];
}
