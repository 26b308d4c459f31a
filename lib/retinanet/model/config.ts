import { AnchorGrid } from '../../index.js';
import type { Check } from '../../arguments/check.js';
import { number, oneOf, value, type OptionsOf } from '../../arguments/options.js';
import type { NumberRange, ScalarCheck } from '../../arguments/scalar-check.js';
import { type ResNetName, RESNETS } from './resnet.js';

/** Networks to start from: a small one that trains on two CPU cores, and the paper's. */
export type Preset = 'compact' | 'resnet50-fpn';
const PRESETS: Record<
  Preset,
  Pick<
    Required<RetinaNetConfig>,
    'backbone' | 'pyramidLevels' | 'pyramidChannels' | 'subnetDepth' | 'anchorSizeInStrides'
  >
> = {
  compact: {
    ...{ backbone: 'compact', pyramidLevels: [3, 5], pyramidChannels: 48, subnetDepth: 2, anchorSizeInStrides: 2 },
  },
  'resnet50-fpn': {
    ...{ backbone: 'resnet50', pyramidLevels: [3, 7], pyramidChannels: 256, subnetDepth: 4, anchorSizeInStrides: 4 },
  },
};

/** What finds features: a small network without normalisation, or a residual network as torchvision has it. */
export type BackboneName = 'compact' | ResNetName;
export const BACKBONES: readonly BackboneName[] = ['compact', ...(Object.keys(RESNETS) as ResNetName[])];

/** Whether scale and offset of batch normalisations stay as they are, or learn. */
export type BatchNormMode = 'frozen' | 'trainable';
const BATCH_NORM_MODES: readonly BatchNormMode[] = ['frozen', 'trainable'];

export const IMAGENET_MEAN = [0.485, 0.456, 0.406].map((v) => v * 255);
const IMAGENET_STD = [0.229, 0.224, 0.225].map((v) => v * 255);

const POSITIVE = { min: 0, exclusiveMin: true } as const;
const PIXELS = { min: 1, max: 16_384, integer: true, needed: true } as const;
const numbers = (range: NumberRange, byDefault: readonly number[]) =>
  value<readonly number[], readonly number[]>(
    (check, argument, given) => check.numbers(argument, given, range),
    byDefault,
  );
const channels = (range: NumberRange, byDefault: readonly number[]) =>
  value<readonly number[], readonly number[]>((check, argument, given) => {
    const values = check.numbers(argument, given, range);
    check.length(argument, values, 3, '(one per channel)');
    return values;
  }, byDefault);

/** What a network is built from. */
export const CONFIG = {
  /** `compact` (default; about a million parameters, trains on two CPU cores) or the paper's `resnet50-fpn`. */
  preset: oneOf(Object.keys(PRESETS) as Preset[], 'compact'),
  /** What finds features: `compact`, `resnet18`, `resnet34`, `resnet50` or `resnet101`. Default: the preset's. */
  backbone: oneOf(BACKBONES),
  /** K >= 1 foreground classes; there is no background column. */
  numClasses: number({ min: 1, max: 100_000, integer: true, needed: true }),
  /** Height of the images in pixels; any, also one that no stride divides. */
  imageHeight: number(PIXELS),
  /** Width of the images in pixels. */
  imageWidth: number(PIXELS),
  /** Names of the K classes; only carried along. Default: none. */
  classNames: value<readonly string[], readonly string[]>(
    (check, argument, given) => check.strings(argument, given),
    [],
  ),
  /** First and last level of the feature pyramid; level l has stride 2^l. Both in 3..7. Default: the preset's. */
  pyramidLevels: value<readonly number[], readonly number[] | undefined>(levels),
  /** Channels of every pyramid level and of the subnets. Default: the preset's. */
  pyramidChannels: number({ min: 1, max: 4096, integer: true }),
  /** 3x3 convolutions in each subnet before its last one. Default: the preset's. */
  subnetDepth: number({ min: 0, max: 16, integer: true }),
  /** Side of the smallest anchor of a level, in strides of that level. Default: the preset's. */
  anchorSizeInStrides: number(POSITIVE),
  /** Sizes of the anchors of one level, relative to the smallest. Default 1, 2^(1/3), 2^(2/3). */
  anchorScales: numbers(POSITIVE, [1, 2 ** (1 / 3), 2 ** (2 / 3)]),
  /** Height / width of the anchors. Default 0.5, 1, 2. */
  aspectRatios: numbers(POSITIVE, [0.5, 1, 2]),
  /** Foreground probability that the untrained network gives every anchor, in (0, 1). Default 0.01. */
  priorProbability: number({ min: 1e-6, max: 1 - 1e-6, default: 0.01 }),
  /** Mean of the pixels of each channel, 0..255, which the network subtracts. Default: ImageNet's; see pixelStatistics. */
  pixelMean: channels({ min: 0, max: 255 }, IMAGENET_MEAN),
  /** Standard deviation of the pixels of each channel, by which the network divides. Default: ImageNet's. */
  pixelStd: channels({ ...POSITIVE, max: 65_536 }, IMAGENET_STD),
  /** Whether scale and offset of the batch normalisations of a residual network learn. Default `frozen`, as in the paper. */
  batchNorm: oneOf(BATCH_NORM_MODES, 'frozen'),
  /**
   * Added to the variances of batch normalisations, >= 0. Default 1e-5, as classification weights want it; detectors that
   * torchvision publishes want 0.
   */
  batchNormEpsilon: number({ min: 0, max: 1, default: 1e-5 }),
  /**
   * Stages of the backbone that training leaves as they are, 0 to 5: 1 is the stem, 2 the stem and the stage of stride 4, 5 all of it;
   * 5 - `trainable_backbone_layers` in torchvision. Default 0.
   */
  freeze: number({ min: 0, max: 5, integer: true, default: 0 }),
  /** Seed of the initial weights, an integer >= 0. Default 0. */
  seed: number({ min: 0, max: 2 ** 31 - 1, integer: true, default: 0 }),
};

/** What to build. Everything but the classes and the image size has a default. */
export interface RetinaNetConfig extends OptionsOf<typeof CONFIG> {}

/** A configuration with every default filled in. */
export type ResolvedConfig = Required<RetinaNetConfig>;

/**
 * Fills in the defaults.
 *
 * @param prefix opens the names of options in messages
 * @throws RetinanetOpsError naming the option that does not fit.
 */
export function resolveConfig(check: Check, config: unknown, prefix = ''): ResolvedConfig {
  const given = check.options(prefix.slice(0, -1) || 'config', config, CONFIG, prefix);
  const preset = PRESETS[given.preset];
  const { classNames, numClasses } = given;
  if (classNames.length > 0) check.length(`${prefix}classNames`, classNames, numClasses, '(one per class)');
  return {
    ...given,
    backbone: given.backbone ?? preset.backbone,
    pyramidLevels: given.pyramidLevels ?? preset.pyramidLevels,
    pyramidChannels: given.pyramidChannels ?? preset.pyramidChannels,
    subnetDepth: given.subnetDepth ?? preset.subnetDepth,
    anchorSizeInStrides: given.anchorSizeInStrides ?? preset.anchorSizeInStrides,
  };
}

function levels(check: ScalarCheck, argument: string, value: unknown): [number, number] {
  const given = check.numbers(argument, value, { min: 3, max: 7, integer: true });
  const [first, last, ...more] = given;
  if (first === undefined || last === undefined || more.length > 0 || first > last) {
    check.fail('ERR_RANGE', argument, 'the first and the last level, in this order', JSON.stringify(given));
  }
  return [first, last];
}

/** [K] names of the classes: their numbers where they have none. */
export function labelNames({ classNames, numClasses }: ResolvedConfig): readonly string[] {
  return classNames.length > 0 ? classNames : Array.from({ length: numClasses }, (_, k) => String(k));
}

/** Levels of the feature pyramid: the exponents of their strides. */
export function pyramidLevels(config: ResolvedConfig): number[] {
  const [first, last] = config.pyramidLevels as [number, number];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Anchors of one cell. */
export function anchorsPerCell(config: ResolvedConfig): number {
  return config.anchorScales.length * config.aspectRatios.length;
}

/**
 * The anchors that the rows of the outputs of `createRetinaNet(config)` stand for, in the same order.
 *
 * @throws RetinanetOpsError `ERR_RANGE` where sizes that are sound by themselves multiply to anchors that are not.
 */
export function anchorGrid(check: Check, config: ResolvedConfig, prefix = ''): AnchorGrid {
  const strides = pyramidLevels(config).map((level) => 2 ** level);
  try {
    return new AnchorGrid({
      imageHeight: config.imageHeight,
      imageWidth: config.imageWidth,
      strides,
      baseSizes: strides.map((stride) => stride * config.anchorSizeInStrides),
      scales: [...config.anchorScales],
      aspectRatios: [...config.aspectRatios],
    });
  } catch (cause) {
    const argument = `${prefix}anchorSizeInStrides, anchorScales and aspectRatios`;
    check.fail('ERR_RANGE', argument, 'possible anchors', `others (${(cause as Error).message})`, { cause });
  }
}
