// The rules by which a session's defaults follow from its data: all of them, and nothing else.
import type { AugmentOptions } from '../data/augment.js';
import { type Frame, FRAME_UNIT, frameOf } from '../data/frame.js';
import { type Preset, PRESETS } from '../model/presets.js';
import { isByImage, type LossName } from '../training/class-losses.js';
import { type DatasetFacts, quantile } from './facts.js';
import type { TrainSettings } from './settings.js';

/** The least and the most pixels of a frame: two cores train on 8 images a step in .3 and .6 seconds. */
const [LEAST_PIXELS, MOST_PIXELS] = [320 * 240, 448 * 336];
/** Side in the frame, pixels, below which the finest level finds little. */
const SMALL_SIDE = 16;
/** Boxes that may be smaller. */
const SMALL_SHARE = 0.05;

/**
 * A frame of the median picture's shape in which all but few boxes have 16 pixels: of 77,000 to 150,000 pixels, and of no more than the
 * pictures have.
 */
export function frameFor({ width, height, sides }: DatasetFacts, unit = FRAME_UNIT): Frame {
  const area = Math.max(1, width * height);
  const small = quantile(sides, SMALL_SHARE) * Math.max(width, height);
  const wanted = SMALL_SIDE / Math.max(small, 1e-9);
  const [least, most] = [Math.sqrt(LEAST_PIXELS / area), Math.sqrt(MOST_PIXELS / area)];
  const scale = Math.min(1, most, Math.max(least, wanted));
  return frameOf(width * scale, height * scale, unit);
}

/** First and last levels of the pyramid that are tried, the fewest first. */
export function pyramidsFor(preset: string): [number, number][] {
  return preset === 'compact' ? [[3, 4], [3, 5], [3, 6]] : [[3, 7]]; // prettier-ignore
}

/** Reach that a further level must add to be worth its time. */
export const LEVEL_WORTH = 0.005;

/** Classes that a mirror turns into others: sides ('left hand', 'turnRight'), and digits and letters. */
const SIDED = /(^|[^a-z])(left|right|l|r)([^a-z]|$)/i;
const isSidedName = (name: string) => SIDED.test(name.replace(/([a-z])([A-Z])/g, '$1 $2'));
const isGlyph = (name: string) => /^([a-z0-9]|(digit|letter|char)[ _-]?[a-z0-9])$/i.test(name.trim());

/** On 292 pictures of blood cells these bring .02 to .04 of AP in 1,000 steps, and more in more. */
const CHANGES = { zoom: 1.25, shift: 0.1, aspect: 1.15, colour: 0.1 } as const;
/** Passes from which on they are made: what is seen once or twice is new as it is (.04 of AP on scenes of digits, the other way). */
const CHANGING_PASSES = 8;
/** About what two cores do of the compact network, by which a time is so many passes. */
export const STEPS_A_SECOND = 5;

/** Mirrors pictures left-right unless a class would become another, never top-bottom; changes more what is seen often. */
export function augmentFor({ classes }: DatasetFacts, passes: number): AugmentOptions {
  const isSided = classes.some(isSidedName);
  const glyphs = classes.filter(isGlyph).length;
  const isWriting = classes.length > 1 && glyphs >= classes.length / 2;
  const changes = passes >= CHANGING_PASSES ? CHANGES : {};
  return { horizontalFlip: !isSided && !isWriting, verticalFlip: false, ...changes };
}

/** Images of a step; no more than there are. */
export function batchSizeFor({ images }: DatasetFacts): number {
  return Math.max(1, Math.min(8, images));
}

/** Forty epochs, 600 to 20,000 steps. */
export function stepsFor({ images }: DatasetFacts, batchSize: number): number {
  return Math.max(600, Math.min(20_000, Math.ceil((40 * images) / batchSize)));
}

/** Many classes make the loss steep in places: a step over the edge costs fifty to come back from. */
export function clipNormFor({ classes }: DatasetFacts): number {
  return classes.length >= 8 ? 0.5 : 5;
}

/** A validation each tenth of the run. `steps`: of the run, as far as is known. */
export function validateEveryFor(steps: number): number {
  return Math.ceil(steps / 10);
}

/** What validations on the way look at. */
export const VALIDATION_IMAGES = 500;

/** Settings that suit most data and differ from those of trainRetinaNet. */
export const SUITED = {
  /** Wall-clock seconds between checkpoints. */
  checkpointSeconds: 60,
  /** Decoded pixels that are kept. */
  cacheBytes: 2 ** 30,
  /** Boxes fit more closely than with smooth L1: .01 to .02 of AP on the same pictures. */
  boxLoss: 'giou',
  boxWeight: 2,
} as const;

/** What torchvision's detectors learn by where they learn on; the others by what is suited. */
export function lossesFor(
  preset: Preset,
  loss: LossName = 'focal',
): Pick<TrainSettings, 'boxLoss' | 'boxWeight' | 'normalizer'> {
  if (preset !== 'torchvision-retinanet') return {};
  const { boxLoss, normalizer } = PRESETS[preset];
  const losses = { boxLoss, boxWeight: 1 };
  return isByImage(loss) ? { ...losses, normalizer } : losses;
}
