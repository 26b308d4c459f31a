import { AnchorGrid } from '../../index.js';
import type { Check, NumberRange } from '../../arguments/validate.js';

/** Networks to start from: a small one that trains on two CPU cores, and the paper's. */
export type Preset = 'compact' | 'resnet50-fpn';
/** Whether scale and offset of batch normalisations stay as they are, or learn. */
export type BatchNormMode = 'frozen' | 'trainable';

/** What to build. Everything but the classes and the image size has a default from the preset. */
export interface RetinaNetConfig {
  /** `compact` (default; about a million parameters, trains on two CPU cores) or the paper's `resnet50-fpn`. */
  preset?: Preset;
  /** K >= 1 foreground classes; there is no background column. */
  numClasses: number;
  /** Height of the images in pixels; any, also one that no stride divides. */
  imageHeight: number;
  /** Width of the images in pixels; any, also one that no stride divides. */
  imageWidth: number;
  /** Names of the K classes; only carried along. Default: none. */
  classNames?: readonly string[];
  /** First and last level of the feature pyramid; level l has stride 2^l. Both in 3..7. */
  pyramidLevels?: readonly number[];
  /** Channels of every pyramid level and of the subnets. */
  pyramidChannels?: number;
  /** 3x3 convolutions in each subnet before its last one. */
  subnetDepth?: number;
  /** Side of the smallest anchor of a level, in strides of that level. */
  anchorSizeInStrides?: number;
  /** Sizes of the anchors of one level, relative to the smallest. */
  anchorScales?: readonly number[];
  /** Height / width of the anchors. */
  aspectRatios?: readonly number[];
  /** Foreground probability that the untrained network gives every anchor, in (0, 1). Default 0.01. */
  priorProbability?: number;
  /** Mean of the pixels of each channel, 0..255, which the network subtracts. Default: ImageNet's; see pixelStatistics. */
  pixelMean?: readonly number[];
  /** Standard deviation of the pixels of each channel, by which the network divides. Default: ImageNet's. */
  pixelStd?: readonly number[];
  /** Whether scale and offset of the batch normalisations learn (`resnet50-fpn` only). Default `frozen`, as in the paper. */
  batchNorm?: BatchNormMode;
  /** Seed of the initial weights, an integer >= 0. Default 0. */
  seed?: number;
}

/** A configuration with every default filled in. */
export type ResolvedConfig = Required<RetinaNetConfig>;

type RetinaNetDefaults = Partial<RetinaNetConfig>;

const PRESETS = {
  compact: { pyramidLevels: [3, 5], pyramidChannels: 48, subnetDepth: 2, anchorSizeInStrides: 2 },
  'resnet50-fpn': { pyramidLevels: [3, 7], pyramidChannels: 256, subnetDepth: 4, anchorSizeInStrides: 4 },
} satisfies Record<Preset, RetinaNetDefaults>;

const IMAGENET_MEAN = [0.485, 0.456, 0.406].map((v) => v * 255);
const IMAGENET_STD = [0.229, 0.224, 0.225].map((v) => v * 255);

const DEFAULTS = {
  classNames: [],
  anchorScales: [1, 2 ** (1 / 3), 2 ** (2 / 3)],
  aspectRatios: [0.5, 1, 2],
  priorProbability: 0.01,
  pixelMean: IMAGENET_MEAN,
  pixelStd: IMAGENET_STD,
  batchNorm: 'frozen',
  seed: 0,
} satisfies RetinaNetDefaults;

const OPTION_NAMES = [
  'preset',
  'numClasses',
  'imageHeight',
  'imageWidth',
  'classNames',
  'pyramidLevels',
  'pyramidChannels',
  'subnetDepth',
  'anchorSizeInStrides',
  'anchorScales',
  'aspectRatios',
  'priorProbability',
  'pixelMean',
  'pixelStd',
  'batchNorm',
  'seed',
] as const;

/**
 * Fills in the preset's defaults.
 *
 * @param prefix opens the names of options in messages
 * @throws RetinanetOpsError naming the option that does not fit.
 */
export function resolveConfig(check: Check, config: unknown, prefix = ''): ResolvedConfig {
  const options = check.required<RetinaNetConfig>(prefix.slice(0, -1) || 'config', config, OPTION_NAMES);
  const at = (name: keyof RetinaNetConfig) => `${prefix}${name}`;
  const preset =
    options.preset === undefined ? 'compact' : check.oneOf(at('preset'), options.preset, ['compact', 'resnet50-fpn']);
  const given: RetinaNetConfig = { ...DEFAULTS, ...PRESETS[preset], ...options };
  const number = (name: keyof RetinaNetConfig, range: NumberRange) => check.number(at(name), given[name], range);
  const integer = (name: keyof RetinaNetConfig, min: number, max: number) => number(name, { min, max, integer: true });
  const numbers = (name: keyof RetinaNetConfig, range: NumberRange) => check.numbers(at(name), given[name], range);
  const channels = (name: keyof RetinaNetConfig, range: NumberRange) => {
    const values = numbers(name, range);
    check.length(at(name), values, 3, 'one per channel');
    return values;
  };
  const positive = { min: 0, exclusiveMin: true };
  const resolved: ResolvedConfig = {
    preset,
    numClasses: integer('numClasses', 1, 100_000),
    imageHeight: integer('imageHeight', 1, 16_384),
    imageWidth: integer('imageWidth', 1, 16_384),
    classNames: check.strings(at('classNames'), given.classNames),
    pyramidLevels: levels(check, at('pyramidLevels'), given.pyramidLevels),
    pyramidChannels: integer('pyramidChannels', 1, 4096),
    subnetDepth: integer('subnetDepth', 0, 16),
    anchorSizeInStrides: number('anchorSizeInStrides', positive),
    anchorScales: numbers('anchorScales', positive),
    aspectRatios: numbers('aspectRatios', positive),
    priorProbability: number('priorProbability', { min: 1e-6, max: 1 - 1e-6 }),
    pixelMean: channels('pixelMean', { min: 0, max: 255 }),
    pixelStd: channels('pixelStd', { ...positive, max: 65_536 }),
    batchNorm: check.oneOf(at('batchNorm'), given.batchNorm, ['frozen', 'trainable']),
    seed: integer('seed', 0, 2 ** 31 - 1),
  };
  const { numClasses, classNames } = resolved;
  if (classNames.length > 0) check.length(at('classNames'), classNames, numClasses, 'one per class');
  return resolved;
}

function levels(check: Check, argument: string, value: unknown): [number, number] {
  const given = check.numbers(argument, value, { min: 3, max: 7, integer: true });
  const [first, last, ...more] = given;
  if (first === undefined || last === undefined || more.length > 0 || first > last) {
    check.fail('ERR_RANGE', argument, 'the first and the last level, in this order', JSON.stringify(given));
  }
  return [first, last];
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
export function anchorsOf(check: Check, config: ResolvedConfig, prefix = ''): AnchorGrid {
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
