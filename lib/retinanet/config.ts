import { AnchorGrid } from '../index.js';
import { Check } from '../validate.js';

export type Preset = 'compact' | 'resnet50-fpn';
export type BatchNormMode = 'frozen' | 'trainable';

/** What to build. Everything but the classes and the image size has a default from the preset. */
export interface RetinaNetConfig {
  /** `compact` (default; about a million parameters, trains on two CPU cores) or the paper's `resnet50-fpn`. */
  preset?: Preset;
  /** K >= 1 foreground classes; there is no background column. */
  numClasses: number;
  /** Image size in pixels; any size, also one that no stride divides. */
  imageHeight: number;
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

interface PresetDefaults {
  pyramidLevels: readonly [number, number];
  pyramidChannels: number;
  subnetDepth: number;
  anchorSizeInStrides: number;
}

const PRESETS: Record<Preset, PresetDefaults> = {
  compact: { pyramidLevels: [3, 5], pyramidChannels: 48, subnetDepth: 2, anchorSizeInStrides: 2 },
  'resnet50-fpn': { pyramidLevels: [3, 7], pyramidChannels: 256, subnetDepth: 4, anchorSizeInStrides: 4 },
};

const IMAGENET_MEAN = [0.485, 0.456, 0.406].map((v) => v * 255);
const IMAGENET_STD = [0.229, 0.224, 0.225].map((v) => v * 255);

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

/** Fills in the preset's defaults. @throws RetinanetOpsError naming the option that does not fit. */
export function resolveConfig(config: RetinaNetConfig): ResolvedConfig {
  const check = new Check('createRetinaNet');
  const given = check.options<RetinaNetConfig>('config', config, OPTION_NAMES);
  const preset = check.oneOf('preset', given.preset ?? 'compact', ['compact', 'resnet50-fpn']);
  const defaults = PRESETS[preset];
  const integer = (name: keyof RetinaNetConfig, value: unknown, min: number, max: number) =>
    check.number(name, value, { min, max, integer: true });
  const positives = (name: keyof RetinaNetConfig, values: readonly number[]) => {
    if (!Array.isArray(values) || values.length === 0) {
      check.fail('ERR_SHAPE', name, 'an array of at least one number', Array.isArray(values) ? 'none' : String(values));
    }
    return values.map((value, i) => check.number(`${name}[${i}]`, value, { min: 0, exclusiveMin: true }));
  };
  const channels = (name: keyof RetinaNetConfig, values: unknown, range: object) => {
    const numbers = check.numbers(name, values, range);
    if (numbers.length !== 3) check.fail('ERR_SHAPE', name, 'three numbers, one a channel', String(numbers.length));
    return numbers;
  };
  const resolved: ResolvedConfig = {
    preset,
    numClasses: integer('numClasses', given.numClasses, 1, 100_000),
    imageHeight: integer('imageHeight', given.imageHeight, 1, 16_384),
    imageWidth: integer('imageWidth', given.imageWidth, 1, 16_384),
    classNames: [...(given.classNames ?? [])],
    pyramidLevels: levels(check, given.pyramidLevels ?? defaults.pyramidLevels),
    pyramidChannels: integer('pyramidChannels', given.pyramidChannels ?? defaults.pyramidChannels, 1, 4096),
    subnetDepth: integer('subnetDepth', given.subnetDepth ?? defaults.subnetDepth, 0, 16),
    anchorSizeInStrides: check.number(
      'anchorSizeInStrides',
      given.anchorSizeInStrides ?? defaults.anchorSizeInStrides,
      {
        min: 0,
        exclusiveMin: true,
      },
    ),
    anchorScales: positives('anchorScales', given.anchorScales ?? [1, 2 ** (1 / 3), 2 ** (2 / 3)]),
    aspectRatios: positives('aspectRatios', given.aspectRatios ?? [0.5, 1, 2]),
    priorProbability: check.number('priorProbability', given.priorProbability ?? 0.01, { min: 1e-6, max: 1 - 1e-6 }),
    pixelMean: channels('pixelMean', given.pixelMean ?? IMAGENET_MEAN, { min: 0, max: 255 }),
    pixelStd: channels('pixelStd', given.pixelStd ?? IMAGENET_STD, { min: 0, exclusiveMin: true }),
    batchNorm: check.oneOf('batchNorm', given.batchNorm ?? 'frozen', ['frozen', 'trainable']),
    seed: integer('seed', given.seed ?? 0, 0, 2 ** 31 - 1),
  };
  const { numClasses, classNames } = resolved;
  if (classNames.length > 0 && classNames.length !== numClasses) {
    check.fail('ERR_SHAPE', 'classNames', `${numClasses} names, one a class`, String(classNames.length));
  }
  return resolved;
}

function levels(check: Check, value: unknown): [number, number] {
  const [first, last, ...more] = check.numbers('pyramidLevels', value, { min: 3, max: 7, integer: true });
  if (first === undefined || last === undefined || more.length > 0 || first > last) {
    check.fail('ERR_RANGE', 'pyramidLevels', 'the first and the last level, in this order', JSON.stringify(value));
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

/** The anchors that the rows of the outputs of `createRetinaNet(config)` stand for, in the same order. */
export function anchorsOf(config: ResolvedConfig): AnchorGrid {
  const strides = pyramidLevels(config).map((level) => 2 ** level);
  return new AnchorGrid({
    imageHeight: config.imageHeight,
    imageWidth: config.imageWidth,
    strides,
    baseSizes: strides.map((stride) => stride * config.anchorSizeInStrides),
    scales: [...config.anchorScales],
    aspectRatios: [...config.aspectRatios],
  });
}
