// What can be said about a training session: the options of its parts in one table, from which names, checks and types follow.
import type { Check } from '../../arguments/check.js';
import { boolean, type Checked, number, type OptionsOf, value } from '../../arguments/options.js';
import { READING, type ReadDatasetOptions } from '../data/read-dataset.js';
import { CONFIG, type RetinaNetConfig } from '../model/config.js';
import { TRAINING, type TrainingOptions } from '../training/train-options.js';

const { format, val, checkImages } = READING;
const { numClasses: _, classNames: __, seed: ___, ...MODEL } = CONFIG;
const { resumeFrom: ____, signal: _____, onStep: ______, ...RECIPE } = TRAINING;

const COUNT = { min: 1, max: 1e9, integer: true } as const;

const OWN = {
  /** Trains on the images of the validation split too: nothing is measured on the way, and `best` is what the run ends with. Default false. */
  trainOnVal: boolean(false),
  /**
   * What to start from: the folder of a saved detector, of which weights of the same name and shape are taken over, or a file that
   * loadWeights reads; the last class layer's only where the classes are the same, in the same order. Network, anchors, pixel statistics
   * and frame are then those of the weights, as far as the folder or file says them, where they are not given; the layers of a file can't
   * be others.
   */
  weights: value<string, string>((check, argument, given) => check.string(argument, given)),
  /** Longer side of the frame in pixels, whose shape is the median picture's; instead of `imageHeight` and `imageWidth`. */
  longestSide: number({ min: 32, max: 16_384, integer: true }),
  /** Steps between validations. Default: a tenth of the run. */
  validateEvery: number(COUNT),
  /** Images of the validation split that are used on the way; the final evaluation uses all. */
  validationImages: number(COUNT),
  /** Steps between checkpoints, besides those after validations. Default: by time, see `checkpointSeconds`. */
  checkpointEvery: number(COUNT),
  /** Wall-clock seconds between checkpoints, where `checkpointEvery` does not say how many steps. */
  checkpointSeconds: number({ min: 0, max: 1e9 }),
  /** Validations without a better AP after which the run ends. Default: it does not end early. */
  patience: number(COUNT),
  /** Bytes of decoded pixels that are kept in memory; the result is the same for any. */
  cacheBytes: number({ min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
};

/** All settings, in the order in which they are shown. */
export const SETTINGS = { format, val, checkImages, ...OWN, ...MODEL, ...RECIPE };

/** What can be decided about a training session. What is left out follows from the data. */
export interface TrainSettings
  extends
    Pick<ReadDatasetOptions, 'format' | 'val' | 'checkImages'>,
    OptionsOf<typeof OWN>,
    Partial<Omit<RetinaNetConfig, 'numClasses' | 'classNames' | 'seed'>>,
    Omit<TrainingOptions, 'resumeFrom' | 'signal' | 'onStep'> {}

export const MODEL_NAMES = Object.keys(MODEL) as (keyof typeof MODEL)[];
export const RECIPE_NAMES = Object.keys(RECIPE) as (keyof typeof RECIPE)[];

export type SettingName = keyof typeof SETTINGS;

/** The settings that were given, each checked; no defaults. */
export type GivenSettings = Partial<{
  [Name in SettingName]: NonNullable<Checked<typeof SETTINGS>[Name]>;
}>;

/** Checks the settings that are there. `nameOf` says what messages call one. */
export function checkSettings(
  check: Check,
  value: object,
  nameOf: (name: SettingName) => string = (name) => name,
): GivenSettings {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const one = (value as TrainSettings)[name];
    if (one !== undefined) given[name] = SETTINGS[name].check(check, nameOf(name), one);
  }
  return given;
}
