import { AnchorGrid } from '../../index.js';
import type { AnchorGridOptions } from '../../operations/anchor-grid-options.js';
import type { Check } from '../../arguments/check.js';
import { type Checked, number, oneOf, value, type OptionsOf } from '../../arguments/options.js';
import type { NumberRange, ScalarCheck } from '../../arguments/scalar-check.js';
import { BOX_CODER } from '../../operations/box-coder.js';
import { BACKBONES, P6_SOURCES, type Preset, PRESETS } from './presets.js';

/** Whether scale and offset of batch normalisations stay as they are, or learn. */
export type BatchNormMode = 'frozen' | 'trainable';
const BATCH_NORM_MODES: readonly BatchNormMode[] = ['frozen', 'trainable'];

export const IMAGENET_MEAN = [0.485, 0.456, 0.406].map((v) => v * 255);
const IMAGENET_STD = [0.229, 0.224, 0.225].map((v) => v * 255);

const POSITIVE = { min: 0, exclusiveMin: true } as const;
const PIXELS = { min: 1, max: 16_384, integer: true } as const;
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

/** Sides of a frame where each picture has one of its own: multiples of the coarsest stride of the backbone. */
export const FRAME_MULTIPLE = 32;

/** Whether each picture has a frame of its own; of what is no preset, no. */
export function isResizing({ preset = 'compact', shorterSide }: Pick<RetinaNetConfig, 'preset' | 'shorterSide'>) {
  return shorterSide !== undefined || (Object.hasOwn(PRESETS, preset) && PRESETS[preset].resize !== undefined);
}

/** What a network is built from. */
export const CONFIG = {
  /**
   * `compact` (default; about a million parameters, trains on two CPU cores), the paper's `resnet50-fpn`, or `torchvision-retinanet`
   * with the conventions, and for the weights, of torchvision's `retinanet_resnet50_fpn`.
   */
  preset: oneOf(Object.keys(PRESETS) as Preset[], 'compact'),
  /** What finds features: `compact`, `resnet18`, `resnet34`, `resnet50` or `resnet101`. Default: the preset's. */
  backbone: oneOf(BACKBONES),
  /** K >= 1 foreground classes; there is no background column. */
  numClasses: number({ min: 1, max: 100_000, integer: true, needed: true }),
  /**
   * Height in pixels of the images that the network is trained on; any, also one that no stride divides; with `shorterSide` a multiple of
   * 32. Default: 800 in `torchvision-retinanet`; needed in the others.
   */
  imageHeight: number(PIXELS),
  /** Width in pixels of the images that the network is trained on. Default: 1344 in `torchvision-retinanet`; needed in the others. */
  imageWidth: number(PIXELS),
  /**
   * Where it is there, the network takes pictures of any size: `detectPicture` and `detectFiles` bring a picture's shorter side to so many
   * pixels, unless its longer one would get more than `longerSide`, and fill its frame up to multiples of 32. Default: 800 in
   * `torchvision-retinanet`, none in the others, whose pictures come into a frame of one size.
   */
  shorterSide: number(PIXELS),
  /** Pixels that a picture's longer side gets at most. Default 1333 where there is a `shorterSide`. */
  longerSide: number(PIXELS),
  /**
   * Names of the K classes. Default: none; in `torchvision-retinanet` with 91 classes COCO's, by their ids, 'N/A' where an id has no
   * class.
   */
  classNames: value<readonly string[], readonly string[]>(
    (check, argument, given) => check.strings(argument, given),
    [],
  ),
  /** First and last level of the feature pyramid; level l has stride 2^l. Both in 3..7. Default: the preset's. */
  pyramidLevels: value<readonly number[], readonly number[] | undefined>(levels),
  /** What level 6 is made from: `p5` or `c5`, the last map of the backbone. Default: the preset's, which is `p5` in all. */
  p6From: oneOf(P6_SOURCES),
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
  /** [4] of the box deltas dx, dy, dw and dh, see BoxCoderOptions. Default: the preset's, which is 1, 1, 1, 1 in all. */
  coderWeights: value<readonly number[], readonly number[] | undefined>((check, argument, given) =>
    BOX_CODER.coderWeights.check(check, argument, given),
  ),
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
export type ResolvedConfig = Required<Omit<RetinaNetConfig, 'shorterSide' | 'longerSide'>> &
  Pick<RetinaNetConfig, 'shorterSide' | 'longerSide'>;
type Sides = 'shorterSide' | 'longerSide';

/**
 * Fills in the defaults.
 *
 * @param prefix opens the names of options in messages
 * @throws RetinanetOpsError naming the option that does not fit.
 */
export function resolveConfig(check: Check, config: unknown, prefix = ''): ResolvedConfig {
  const { shorterSide, longerSide, ...given } = check.options(prefix.slice(0, -1) || 'config', config, CONFIG, prefix);
  const preset = PRESETS[given.preset];
  const { classNames, numClasses } = given;
  if (classNames.length > 0) check.length(`${prefix}classNames`, classNames, numClasses, '(one per class)');
  const isOfPreset = classNames.length === 0 && numClasses === preset.classNames.length;
  return {
    ...given,
    ...sizesOf(check, { ...given, shorterSide, longerSide }, prefix),
    classNames: isOfPreset ? preset.classNames : classNames,
    backbone: given.backbone ?? preset.backbone,
    pyramidLevels: given.pyramidLevels ?? preset.pyramidLevels,
    p6From: given.p6From ?? preset.p6From,
    coderWeights: given.coderWeights ?? preset.coderWeights,
    pyramidChannels: given.pyramidChannels ?? preset.pyramidChannels,
    subnetDepth: given.subnetDepth ?? preset.subnetDepth,
    anchorSizeInStrides: given.anchorSizeInStrides ?? preset.anchorSizeInStrides,
  };
}

function sizesOf(
  check: Check,
  given: Checked<typeof CONFIG>,
  prefix: string,
): Pick<ResolvedConfig, 'imageHeight' | 'imageWidth' | Sides> {
  const { frame, resize } = PRESETS[given.preset];
  const sizeOf = (name: 'imageHeight' | 'imageWidth') =>
    check.number(`${prefix}${name}`, given[name] ?? frame?.[name], PIXELS);
  const [imageHeight, imageWidth] = [sizeOf('imageHeight'), sizeOf('imageWidth')];
  const shorterSide = given.shorterSide ?? resize?.shorterSide;
  if (shorterSide === undefined) return { imageHeight, imageWidth };
  for (const [name, size] of Object.entries({ imageHeight, imageWidth })) {
    if (size % FRAME_MULTIPLE === 0) continue;
    const expected = `a multiple of ${String(FRAME_MULTIPLE)}, since there is a shorterSide`;
    check.fail('ERR_RANGE', `${prefix}${name}`, expected, String(size));
  }
  const longerSide = given.longerSide ?? resize?.longerSide ?? 1333;
  check.number(`${prefix}longerSide`, longerSide, { ...PIXELS, min: shorterSide });
  return { imageHeight, imageWidth, shorterSide, longerSide };
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

/** Whether both name their classes, and not the same ones in the same order. */
export function areOtherClasses(some: readonly string[], others: readonly string[]): boolean {
  const areNamed = some.length > 0 && others.length > 0;
  return areNamed && (some.length !== others.length || some.some((name, k) => name !== others[k]));
}

/** Levels of the feature pyramid: the exponents of their strides. */
export function pyramidLevels(config: ResolvedConfig): number[] {
  const [first, last] = config.pyramidLevels as [number, number];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** [height, width] of the images that go into the network, null where any multiple of 32 may. */
export function inputSize({ shorterSide, imageHeight, imageWidth }: ResolvedConfig): [number | null, number | null] {
  return shorterSide === undefined ? [imageHeight, imageWidth] : [null, null];
}

/** Anchors of one cell. */
export function anchorsPerCell(config: ResolvedConfig): number {
  return config.anchorScales.length * config.aspectRatios.length;
}

/**
 * The anchors that the rows of the outputs of `createRetinaNet(config)` stand for, in the same order.
 *
 * @param size of the images that go in; default: those of the configuration
 * @throws RetinanetOpsError `ERR_RANGE` where sizes that are sound by themselves multiply to anchors that are not.
 */
export function anchorGrid(check: Check, config: ResolvedConfig, prefix = '', size: ImageSize = config): AnchorGrid {
  try {
    return new AnchorGrid(anchorOptions(config, size));
  } catch (cause) {
    const argument = `${prefix}anchorSizeInStrides, anchorScales and aspectRatios`;
    check.fail('ERR_RANGE', argument, 'possible anchors', `others (${(cause as Error).message})`, { cause });
  }
}

type ImageSize = Pick<ResolvedConfig, 'imageHeight' | 'imageWidth'>;

function anchorOptions(config: ResolvedConfig, { imageHeight, imageWidth }: ImageSize): AnchorGridOptions {
  const { integerSizes, strides: kind, ...conventions } = PRESETS[config.preset].anchors;
  const strides = pyramidLevels(config).map((level) => 2 ** level);
  const baseSizes = strides.map((stride) => stride * config.anchorSizeInStrides);
  const scales = [...config.anchorScales];
  const shared = { imageHeight, imageWidth, aspectRatios: [...config.aspectRatios], ...conventions };
  const sides = integerSizes
    ? { sizes: baseSizes.map((base) => scales.map((scale) => Math.trunc(base * scale))) }
    : { baseSizes, scales };
  if (kind === 'of-level') return { ...shared, ...sides, strides };
  const cells = strides.map((stride) => [Math.ceil(imageHeight / stride), Math.ceil(imageWidth / stride)] as const);
  const pixels = cells.map(([rows, columns]) => {
    return [Math.floor(imageHeight / rows), Math.floor(imageWidth / columns)] as const;
  });
  return { ...shared, ...sides, strides: pixels, featureSizes: cells };
}
