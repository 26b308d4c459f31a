// The networks to start from: all that tells the conventions of one from those of another, in one table.
import type { AnchorGridOptions } from '../../operations/anchor-grid-options.js';
import type { BoxLossName } from '../../operations/retinanet-loss.js';
import { COCO_NAMES } from './coco-names.js';

/** What a residual network is built of. */
export interface ResNetShape {
  /** Two 3x3 convolutions, or a 3x3 one between two of 1x1. */
  block: 'basic' | 'bottleneck';
  /** Blocks of res2, res3, res4 and res5. */
  blocks: readonly [number, number, number, number];
}

/** He et al. (2016), table 1. */
export const RESNETS = {
  resnet18: { block: 'basic', blocks: [2, 2, 2, 2] },
  resnet34: { block: 'basic', blocks: [3, 4, 6, 3] },
  resnet50: { block: 'bottleneck', blocks: [3, 4, 6, 3] },
  resnet101: { block: 'bottleneck', blocks: [3, 4, 23, 3] },
} as const satisfies Record<ResNetName, ResNetShape>;

/** Residual networks with batch normalisation, as torchvision has them. */
export type ResNetName = 'resnet18' | 'resnet34' | 'resnet50' | 'resnet101';

/**
 * Networks to start from: a small one that trains on two CPU cores, the paper's, and torchvision's `retinanet_resnet50_fpn`, which
 * takes pictures of any size.
 */
export type Preset = 'compact' | 'resnet50-fpn' | 'torchvision-retinanet';

/** What finds features: a small network without normalisation, or a residual network as torchvision has it. */
export type BackboneName = 'compact' | ResNetName;
export const BACKBONES: readonly BackboneName[] = ['compact', ...(Object.keys(RESNETS) as ResNetName[])];

/** What the losses of a step are divided by, see `retinanetLoss`. */
export type StepNormalizer = 'positives' | 'positives-per-image';

/** The map from which the coarser levels begin: P5, or C5, the last one of the backbone. */
export type P6Source = 'p5' | 'c5';
export const P6_SOURCES: readonly P6Source[] = ['p5', 'c5'];

interface AnchorConventions extends Pick<AnchorGridOptions, 'centerOffset' | 'rounding' | 'order'> {
  /** Sides are cut to whole pixels. */
  integerSizes: boolean;
  /** Pixels between cells: 2^level, or the whole pixels that an image has for each cell. */
  strides: 'of-level' | 'of-image';
}

export interface PresetTable {
  backbone: BackboneName;
  pyramidLevels: readonly [number, number];
  pyramidChannels: number;
  subnetDepth: number;
  anchorSizeInStrides: number;
  anchors: AnchorConventions;
  /** What P6 is made from. */
  p6From: P6Source;
  /** Of dx, dy, dw and dh, see BoxCoderOptions. */
  coderWeights: readonly [number, number, number, number];
  /** Names of the classes where there are so many and they have no others. */
  classNames: readonly string[];
  /** The frame that images are trained in, pixels, where it need not be given. */
  frame: { imageHeight: number; imageWidth: number } | undefined;
  /** Pixels that a picture's sides are brought to where each picture has a frame of its own. */
  resize: { shorterSide: number; longerSide: number } | undefined;
  boxLoss: BoxLossName;
  normalizer: StepNormalizer;
  /** Only greater scores are measured: weak detections cost average precision nothing, but torchvision's detectors give none. */
  evaluationScore: number;
}

const OWN_ANCHORS: AnchorConventions = {
  ...({ centerOffset: 0.5, rounding: 'none', order: 'scale-major' } as const),
  ...({ integerSizes: false, strides: 'of-level' } as const),
};
const PAPER = { backbone: 'resnet50', pyramidLevels: [3, 7], pyramidChannels: 256, subnetDepth: 4 } as const;
const CODER = { coderWeights: [1, 1, 1, 1] } as const;
const OWN = {
  ...CODER,
  p6From: 'p5',
  classNames: [],
  anchors: OWN_ANCHORS,
  frame: undefined,
  resize: undefined,
  evaluationScore: 0.01,
} as const;

export const PRESETS: Record<Preset, PresetTable> = {
  compact: {
    ...OWN,
    ...{ backbone: 'compact', pyramidLevels: [3, 5], pyramidChannels: 48, subnetDepth: 2, anchorSizeInStrides: 2 },
    ...{ boxLoss: 'smooth-l1', normalizer: 'positives' },
  },
  'resnet50-fpn': { ...OWN, ...PAPER, anchorSizeInStrides: 4, boxLoss: 'smooth-l1', normalizer: 'positives' },
  'torchvision-retinanet': {
    ...{ ...PAPER, anchorSizeInStrides: 4, boxLoss: 'l1', normalizer: 'positives-per-image' },
    anchors: {
      ...({ centerOffset: 0, rounding: 'half-to-even', order: 'ratio-major' } as const),
      ...({ integerSizes: true, strides: 'of-image' } as const),
    },
    frame: { imageHeight: 800, imageWidth: 1344 },
    resize: { shorterSide: 800, longerSide: 1333 },
    evaluationScore: 0.05,
    ...{ ...CODER, p6From: 'p5', classNames: COCO_NAMES },
  },
};
