// The one place that says which of torchvision's weights each of ours is.
import type { AnchorGrid } from '../../index.js';
import { anchorsPerCell, type ResolvedConfig } from '../model/config.js';
import type { NetParts } from '../model/net.js';

/** Parts that files have as a whole or not at all. */
export type WeightPart = 'backbone' | 'pyramid' | 'class-head' | 'box-head';

/** One weight of a net. */
export interface NamedWeight {
  /** The variable. */
  weight: NetParts['model']['weights'][number];
  part: WeightPart;
  /** In torchvision's state_dict: as today's versions write it, then as older ones did; without `backbone.body.` in front. */
  names: readonly string[];
  /** The shape there. */
  shape: readonly number[];
  /** Belongs to the last class layer, which other classes have otherwise. */
  isOfClasses: boolean;
  /** Groups of output channels, one an anchor, that have another order there; undefined: as here. */
  anchors?: AnchorChannels;
}

/** What the output channels of a last layer stand for. */
interface AnchorChannels {
  /** Channels of an anchor. */
  values: number;
  /** At the place of each anchor of a cell in torchvision's order: its place in the net's. */
  order: readonly number[];
}

/** What stands before the names of a backbone's weights: in detectors, and in files of ImageNet's classes. */
export const BACKBONE_PREFIXES = ['backbone.body.', 'backbone.', 'body.', ''] as const;

/** The layer that normalises pixels: torchvision keeps its numbers outside of the state_dict. */
const NORMALIZATION = 'normalize_input';

const KINDS: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

interface LayerNames {
  part: WeightPart;
  layers: readonly string[];
}

type Rule = readonly [RegExp, (parts: string[], first: number) => LayerNames];
const backbone = (layer: string): LayerNames => ({ part: 'backbone', layers: [layer] });
const CONVOLUTIONS: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 };

/** Ours on the left. `first`: the finest level, where torchvision's lists of the pyramid begin. */
const RULES: readonly Rule[] = [
  [/^conv1_conv$/, () => backbone('conv1')],
  [/^conv1_bn$/, () => backbone('bn1')],
  [
    /^res(\d)_(\d+)_([abc])_(conv|bn)$/,
    ([s, b, c, kind]) => backbone(`${block(s!, b!)}.${kind!}${String(CONVOLUTIONS[c!])}`),
  ],
  [
    /^res(\d)_(\d+)_shortcut_(conv|bn)$/,
    ([s, b, kind]) => backbone(`${block(s!, b!)}.downsample.${kind === 'conv' ? '0' : '1'}`),
  ],
  [/^lateral([345])$/, ([level], first) => pyramid('inner_blocks', Number(level) - first)],
  [/^p([345])$/, ([level], first) => pyramid('layer_blocks', Number(level) - first)],
  [/^p([67])$/, ([level]) => ({ part: 'pyramid', layers: [`backbone.fpn.extra_blocks.p${level!}`] })],
  [/^class_logits_conv(\d+)$/, ([i]) => subnet('class-head', 'classification_head', Number(i) - 1)],
  [/^box_deltas_conv(\d+)$/, ([i]) => subnet('box-head', 'regression_head', Number(i) - 1)],
  [/^class_logits_output$/, () => ({ part: 'class-head', layers: ['head.classification_head.cls_logits'] })],
  [/^box_deltas_output$/, () => ({ part: 'box-head', layers: ['head.regression_head.bbox_reg'] })],
];

function block(stage: string, index: string): string {
  return `layer${String(Number(stage) - 1)}.${String(Number(index) - 1)}`;
}

/** Since 0.14 a sequence of one layer, before the layer itself. */
function pyramid(list: string, index: number): LayerNames {
  const layer = `backbone.fpn.${list}.${String(index)}`;
  return { part: 'pyramid', layers: [`${layer}.0`, layer] };
}

/** Since 0.14 sequences of a convolution and a ReLU, before both in turn in one sequence. */
function subnet(part: WeightPart, head: string, index: number): LayerNames {
  return { part, layers: [`head.${head}.conv.${String(index)}.0`, `head.${head}.conv.${String(2 * index)}`] };
}

/** All weights of a net but those that normalise pixels. */
export function namedWeights({ model, anchors, config }: NetParts): NamedWeight[] {
  const first = Math.min(config.pyramidLevels[0] as number, 5);
  const order = torchvisionOrder(config, anchors);
  return model.weights.flatMap((weight) => {
    const at = weight.originalName.lastIndexOf('/');
    const [layer, kind] = [weight.originalName.slice(0, at), KINDS[weight.originalName.slice(at + 1)]!];
    if (layer === NORMALIZATION) return [];
    const { part, layers } = namesOf(layer, first);
    const isOutput = layer.endsWith('_output');
    const values = layer.startsWith('class') ? config.numClasses : 4;
    return {
      weight,
      part,
      names: layers.map((name) => `${name}.${kind}`),
      shape: torchShape(weight.shape as number[]),
      isOfClasses: isOutput && part === 'class-head',
      ...(isOutput && order && { anchors: { values, order } }),
    };
  });
}

/** Layers that torchvision has not, such as those of the compact backbone, keep their names. */
function namesOf(layer: string, first: number): LayerNames {
  for (const [pattern, names] of RULES) {
    const match = pattern.exec(layer);
    if (match) return names(match.slice(1), first);
  }
  return backbone(layer);
}

/** Filters here are [height, width, in, out], there [out, in, height, width]. */
function torchShape(shape: readonly number[]): readonly number[] {
  if (shape.length !== 4) return shape;
  const [height, width, inputs, outputs] = shape as [number, number, number, number];
  return [outputs, inputs, height, width];
}

/** Anchors of a cell there: all scales of the first ratio come first. Undefined where the net has them so as well. */
function torchvisionOrder(config: ResolvedConfig, anchors: AnchorGrid): number[] | undefined {
  const [scales, ratios] = [config.anchorScales.length, config.aspectRatios.length];
  if (anchors.order === 'ratio-major' || scales === 1 || ratios === 1) return undefined;
  return Array.from({ length: anchorsPerCell(config) }, (_, i) => (i % scales) * ratios + Math.floor(i / scales));
}

/** Values in torchvision's layout as ours. */
export function fromTorch(named: NamedWeight, values: Float32Array): Float32Array {
  return relayout(named, values, (here, there, from, to) => (to[here] = from[there]!));
}

/** Ours as torchvision lays them out. */
export function toTorch(named: NamedWeight, values: Float32Array): Float32Array {
  return relayout(named, values, (here, there, from, to) => (to[there] = from[here]!));
}

type Move = (here: number, there: number, from: Float32Array, to: Float32Array) => void;

function relayout({ shape, anchors }: NamedWeight, from: Float32Array, move: Move): Float32Array {
  if (shape.length !== 4 && anchors === undefined) return from;
  const [outputs, inputs = 1, height = 1, width = 1] = shape as [number, number?, number?, number?];
  const area = height * width;
  const to = new Float32Array(from.length);
  for (let o = 0; o < outputs; o++) {
    const own = channelHere(o, anchors);
    for (let i = 0; i < inputs; i++) {
      for (let p = 0; p < area; p++) move((p * inputs + i) * outputs + own, (o * inputs + i) * area + p, from, to);
    }
  }
  return to;
}

function channelHere(channel: number, anchors: AnchorChannels | undefined): number {
  if (anchors === undefined) return channel;
  const { values, order } = anchors;
  return order[Math.floor(channel / values)]! * values + (channel % values);
}
