// What a session will do: every setting, given or from the data, before anything is written.
import type { Check } from '../../arguments/check.js';
import type { Checked } from '../../arguments/options.js';
import type { AnnotatedDataset, AnnotatedImage } from '../data/annotations.js';
import { type AugmentOptions, resolveAugment, type ResolvedAugment } from '../data/augment.js';
import { type Frame, frameOfSide } from '../data/frame.js';
import { FRAME_MULTIPLE, isResizing, type ResolvedConfig, resolveConfig } from '../model/config.js';
import { classLossOf } from '../training/class-losses.js';
import { limitsOf } from '../training/train-options.js';
import { anchorsFor } from './anchors.js';
import * as rules from './defaults.js';
import { type DatasetFacts, factsOf } from './facts.js';
import { samplePixels } from './pixels.js';
import { type GivenSettings, MODEL_NAMES, type SettingName, SETTINGS } from './settings.js';

/** Where a setting comes from: the caller, the data, the detector in `weights`, what suits most, or the run that is gone on with. */
export type SettingSource = 'given' | 'data' | 'weights' | 'default' | 'run';

/** A setting as a session uses it. */
export interface PlannedSetting {
  /** As in TrainSettings. */
  name: string;
  /** As in TrainSettings. */
  value: unknown;
  /** Who decided. */
  from: SettingSource;
}

/** Every setting of a session. */
export type Settings = Omit<Checked<typeof SETTINGS>, 'augment'> & { augment: ResolvedAugment | false };

/** What is trained on, and by what it is measured on the way. */
export interface Roles {
  train: AnnotatedImage[];
  /** Empty where nothing is measured on the way. */
  validation: AnnotatedImage[];
}

export function rolesOf({ splits }: AnnotatedDataset, trainOnVal = false): Roles {
  if (!trainOnVal) return { train: splits.train.images, validation: splits.val.images };
  return { train: [...splits.train.images, ...splits.val.images], validation: [] };
}

/**
 * Fills in what is not given.
 *
 * @param model the configuration of the detector to start from
 * @throws RetinanetOpsError `ERR_DATA` where there is nothing to train on; `ERR_OPTION`, `ERR_RANGE` or `ERR_DTYPE` for settings that
 *   don't fit each other
 */
export async function planSettings(
  check: Check,
  dataset: AnnotatedDataset,
  given: GivenSettings,
  model?: Partial<ResolvedConfig>,
): Promise<{ settings: Settings; list: PlannedSetting[] }> {
  const roles = rolesOf(dataset, given.trainOnVal);
  const facts = factsOf(dataset, roles.train, roles.validation);
  if (facts.sides.length === 0) {
    check.fail('ERR_DATA', 'data', 'boxes to train on', `${String(facts.images)} images without any`);
  }
  const kept = model ? keptFrom(model, given) : {};
  const fixed: GivenSettings = { ...kept, ...given };
  const resize = isResizing(fixed);
  const frame = frameOf(check, facts, fixed, resize ? FRAME_MULTIPLE : undefined);
  const network = await networkFor(dataset, roles.train, fixed, frame);
  const fromData: GivenSettings = {
    ...frame,
    ...(resize && sidesOf({ ...frame, ...fixed })),
    ...network,
    ...recipeFor(check, facts, fixed),
  };
  const { checkpointSeconds: _, ...others } = rules.SUITED;
  const suited: GivenSettings = {
    ...(fixed.checkpointEvery === undefined ? rules.SUITED : others),
    ...rules.lossesFor(fixed.preset ?? 'compact', fixed.loss),
  };
  const settings = {} as Record<string, unknown>;
  const list: PlannedSetting[] = [];
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value = fixed[name] ?? fromData[name] ?? suited[name] ?? SETTINGS[name].check(check, name, undefined);
    settings[name] = value;
    const source =
      name in given ? 'given' : name in kept ? 'weights' : fromData[name] !== undefined ? 'data' : 'default';
    if (value !== undefined) list.push({ name, value, from: source });
  }
  delete settings['longestSide'];
  const planned = settings as unknown as Settings;
  const augment = augmentOf(check, rules.augmentFor(facts, passesOf(planned, facts)), given);
  const show = list.find(({ name }) => name === 'augment')!;
  Object.assign(show, { value: augment, from: given.augment === undefined ? 'data' : 'given' });
  resolveConfig(check, networkConfig(planned, dataset.classes));
  classLossOf(check, planned.loss, planned.lossOptions);
  return { settings: { ...planned, augment }, list: list.filter(({ name }) => name !== 'longestSide') };
}

/** What the network is built from. */
export function networkConfig(settings: Settings, classes: readonly string[]) {
  const model = Object.fromEntries(MODEL_NAMES.map((name) => [name, settings[name]])) as Pick<
    Settings,
    (typeof MODEL_NAMES)[number]
  >;
  return { ...model, numClasses: classes.length, classNames: classes, seed: settings.seed };
}

/** What a detector that learns on keeps, so that its weights go on meaning the same; its frame unless there is another. */
function keptFrom(model: Partial<ResolvedConfig>, given: GivenSettings): GivenSettings {
  const { preset, backbone, pyramidLevels, p6From, pyramidChannels, subnetDepth, coderWeights } = model;
  const { batchNorm, batchNormEpsilon, pixelMean, pixelStd } = model;
  const { anchorSizeInStrides, anchorScales, aspectRatios } = model;
  const layers = { preset, backbone, pyramidLevels, p6From, pyramidChannels, subnetDepth, coderWeights };
  const network = { ...layers, batchNorm, batchNormEpsilon, pixelMean, pixelStd };
  const { imageWidth, imageHeight, shorterSide, longerSide } = model;
  const isSized = (given.longestSide ?? given.imageWidth ?? given.imageHeight) !== undefined;
  const frame = isSized ? {} : { imageWidth, imageHeight, shorterSide, longerSide };
  const all = { ...network, ...frame, anchorSizeInStrides, anchorScales, aspectRatios };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined));
}

/** As large as pictures are trained. */
function sidesOf({ imageWidth, imageHeight }: Frame): GivenSettings {
  return { shorterSide: Math.min(imageWidth, imageHeight), longerSide: Math.max(imageWidth, imageHeight) };
}

/** @param multiple of which sides are that the data decide */
function frameOf(check: Check, facts: DatasetFacts, given: GivenSettings, multiple?: number): Frame {
  const { longestSide, imageHeight, imageWidth } = given;
  if (longestSide !== undefined) {
    if (imageHeight !== undefined || imageWidth !== undefined) {
      const expected = 'either this or imageHeight and imageWidth';
      check.fail('ERR_OPTION', 'longestSide', expected, 'both');
    }
    return frameOfSide(facts, longestSide, multiple);
  }
  const shape = facts.height / Math.max(1, facts.width);
  const unit = multiple ?? 1;
  const near = (size: number) => Math.max(unit, unit * Math.round(size / unit));
  if (imageWidth !== undefined) return { imageWidth, imageHeight: near(imageWidth * shape) };
  if (imageHeight !== undefined) return { imageHeight, imageWidth: near(imageHeight / shape) };
  return rules.frameFor(facts, multiple);
}

async function networkFor(
  { root }: AnnotatedDataset,
  images: readonly AnnotatedImage[],
  fixed: GivenSettings,
  frame: Frame,
): Promise<GivenSettings> {
  const isSearched = [fixed.pyramidLevels, fixed.anchorSizeInStrides, fixed.anchorScales, fixed.aspectRatios].includes(
    undefined,
  );
  const pyramids = fixed.pyramidLevels
    ? [fixed.pyramidLevels as [number, number]]
    : rules.pyramidsFor(fixed.preset ?? 'compact');
  const input = {
    imageWidth: fixed.imageWidth ?? frame.imageWidth,
    imageHeight: fixed.imageHeight ?? frame.imageHeight,
  };
  const anchors = isSearched ? anchorsFor(images, input, pyramids) : {};
  const pixels = fixed.pixelMean && fixed.pixelStd ? {} : await samplePixels(root, images);
  return { ...anchors, ...pixels };
}

function recipeFor(check: Check, facts: DatasetFacts, fixed: GivenSettings): GivenSettings {
  const batchSize = fixed.batchSize ?? rules.batchSizeFor(facts);
  const { steps, epochs, seconds } = fixed;
  const isLimited = (steps ?? epochs ?? seconds) !== undefined;
  const limit = isLimited ? {} : { steps: rules.stepsFor(facts, batchSize) };
  const limits = limitsOf(check, { steps, epochs, seconds, ...limit }, facts.images / batchSize);
  const isMeasured = facts.validationImages > 0;
  const measuring: GivenSettings = isMeasured
    ? { validationImages: Math.min(facts.validationImages, rules.VALIDATION_IMAGES) }
    : {};
  // Where time limits the run, its steps are not known: the session looks at the pace.
  if (isMeasured && Number.isFinite(limits.steps)) {
    measuring.validateEvery = rules.validateEveryFor(limits.steps);
  }
  return { batchSize, ...limit, ...measuring, clipNorm: rules.clipNormFor(facts) };
}

/** How often the run shows every image, as far as can be said before it. */
function passesOf({ steps, epochs, seconds, batchSize }: Settings, { images }: DatasetFacts): number {
  return epochs ?? ((steps ?? (seconds ?? 0) * rules.STEPS_A_SECOND) * batchSize) / images;
}

/** What the data allow, with what is given changed. */
function augmentOf(check: Check, byData: AugmentOptions, { augment }: GivenSettings): ResolvedAugment | false {
  if (augment === false) return false;
  if (augment === undefined || augment === true) return resolveAugment(check, byData)!;
  // As it was given: refused, if at all, with its own words.
  resolveAugment(check, augment);
  return resolveAugment(check, { ...byData, ...augment })!;
}
