// The flags of `train`, and the settings that they stand for.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DATA_FORMATS } from '../retinanet/data/annotations.js';
import type { TrainSettings } from '../retinanet/session/settings.js';
import { BACKBONES } from '../retinanet/model/presets.js';
import { LOSS_NAMES } from '../retinanet/training/class-losses.js';
import { addNetworkFlags, type ImageSize } from './network-flags.js';
import { toNumber, VAL } from './values.js';

type Every = Pick<TrainSettings, 'checkpointEvery' | 'checkpointSeconds'>;

/** What commander makes of the flags: settings under their own names, and what is called otherwise. */
export interface TrainFlags extends Omit<TrainSettings, 'checkpointEvery' | 'augment'> {
  out?: string;
  config?: string;
  resume?: string;
  json?: true;
  time?: number;
  imageSize?: ImageSize;
  anchorSize?: number;
  checkpointEvery?: Every;
  cache?: number;
  flip: boolean;
  verticalFlip?: true;
  zoom?: number;
  shift?: number;
  aspect?: number;
  brightness?: number;
  contrast?: number;
  colour?: number;
  mosaic?: number;
  alpha?: number;
  gamma?: number;
  augmentation: boolean;
}

export function addTrainFlags(command: Command): Command {
  command
    .option('--out <folder>', 'of the run, new or empty (default: runs/NAME, as the data are called)')
    .option('--resume <run>', 'goes on with a run that was interrupted or killed')
    .option('--config <file>', "YAML or JSON with settings by name, such as a run's config.json; flags come first")
    .option('--json', 'prints the result for machines')
    .optionsGroup('Data:')
    .addOption(new Option('--format <name>', 'where it is not found by looking').choices(DATA_FORMATS))
    .option('--val <share>', VAL, toNumber)
    .option('--train-on-val', 'trains on the validation split too; nothing is measured on the way')
    .option('--cache <bytes>', 'decoded pixels that are kept, such as 500m or 2g (default: 1g)', toBytes)
    .optionsGroup('Length:')
    .option('--steps <n>', 'updates of the weights', toNumber)
    .option('--epochs <n>', 'passes over the images, instead', toNumber)
    .option('--time <duration>', 'such as 90s, 10m or 2h, instead', toSeconds)
    .option('--validate-every <steps>', 'steps between validations (default: a tenth of the run)', toNumber)
    .option('--validation-images <n>', 'how many are used on the way (default: at most 500)', toNumber)
    .option('--patience <n>', 'ends after so many validations without a better AP', toNumber)
    .option('--checkpoint-every <steps or time>', 'such as 100 or 30s (default: 60s)', toEvery)
    .optionsGroup('Network:')
    .option('--weights <path>', 'to start from: folder of a saved detector, .safetensors or .pth')
    .addOption(new Option('--backbone <name>', "what finds features (default: the preset's)").choices(BACKBONES))
    .option(
      '--freeze <n>',
      'stages of the backbone that stay as they are: 1 is the stem, 5 all (default: 0)',
      toNumber,
    );
  return addNetworkFlags(command, 'from the data')
    .optionsGroup('Training:')
    .option('--batch-size <n>', 'images of a step (default: 8)', toNumber)
    .option('--learning-rate <number>', 'peak of the schedule', toNumber)
    .option('--warmup-steps <n>', 'rise to the peak', toNumber)
    .option('--clip-norm <number>', 'longest gradient', toNumber)
    .option('--weight-averaging <decay>', 'of the moving average that the detector is', toNumber)
    .option('--loss <name>', LOSS_NAMES.join(', '))
    .option('--alpha <number>', 'weight of positive anchors in the class loss (default: 0.25)', toNumber)
    .option('--gamma <number>', 'focusing parameter of the focal loss (default: 2)', toNumber)
    .option('--box-loss <name>', 'smooth-l1, l1, giou, diou or ciou')
    .option('--normalizer <name>', 'of losses: positives, or positives-per-image', String)
    .option('--box-weight <number>', 'factor on the box loss', toNumber)
    .option('--seed <n>', 'decides split, initial weights, order and changes (default: 0)', toNumber)
    .option('--threads <n>', 'that compute (default: the cores there are, at most 8)', toNumber)
    .addOption(
      new Option('--backend <name>', 'what they compute on (default: native)').choices(['native', 'wasm', 'cpu']),
    )
    .optionsGroup('Augmentation:')
    .option('--no-augmentation', 'shows the images as they are')
    .option('--no-flip', 'does not mirror images left-right')
    .option('--vertical-flip', 'mirrors images top-bottom too')
    .option('--zoom <factor>', 'changes sizes by up to this factor', toNumber)
    .option('--shift <share>', 'moves images by up to this share of their size', toNumber)
    .option('--aspect <factor>', 'changes width over height by up to this factor', toNumber)
    .option('--brightness <share>', 'changes it by up to this share of the full range', toNumber)
    .option('--contrast <share>', 'changes it by up to this share', toNumber)
    .option('--colour <share>', 'changes each colour channel by up to this share', toNumber)
    .option('--mosaic <probability>', 'of a picture made of four images', toNumber);
}

/** The settings of the flags, over those of a file. */
export function settingsOf(flags: TrainFlags, config: TrainSettings): TrainSettings {
  const {
    out: _,
    config: __,
    resume: ___,
    json: ____,
    time,
    imageSize,
    anchorSize,
    checkpointEvery,
    cache,
    ...rest
  } = flags;
  const { flip, verticalFlip, augmentation, ...others } = rest;
  const { zoom, shift, aspect, brightness, contrast, colour, mosaic, alpha, gamma, ...same } = others;
  const flips = { horizontalFlip: flip ? undefined : false, verticalFlip };
  const changes = { ...flips, zoom, shift, aspect, brightness, contrast, colour, mosaic };
  const changed = given({
    ...same,
    ...imageSize,
    ...checkpointEvery,
    anchorSizeInStrides: anchorSize,
    seconds: time,
    cacheBytes: cache,
  });
  // Of names of which only one can be given, the flag's is the one.
  const either: readonly (readonly (keyof TrainSettings)[])[] = [
    ['steps', 'epochs', 'seconds'],
    ['longestSide', 'imageHeight', 'imageWidth'],
    ['checkpointEvery', 'checkpointSeconds'],
  ];
  const replaced = either.filter((names) => names.some((name) => name in changed)).flat();
  const kept = Object.entries(config).filter(([name]) => !replaced.includes(name as keyof TrainSettings));
  const settings: TrainSettings = { ...Object.fromEntries(kept), ...changed };
  const ofLoss = given({ alpha, gamma });
  if (Object.keys(ofLoss).length > 0) settings.lossOptions = { ...config.lossOptions, ...ofLoss };
  const augment = given(changes);
  if (!augmentation) settings.augment = false;
  else if (Object.keys(augment).length > 0) {
    settings.augment = { ...(typeof config.augment === 'object' ? config.augment : {}), ...augment };
  }
  return settings;
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const SECONDS = { s: 1, m: 60, h: 3600 } as const;

function toSeconds(text: string): number {
  const [, value, unit = 's'] = /^(\d+(?:\.\d+)?)([smh])?$/i.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('Expected a duration such as 90s, 10m or 2h.');
  return Number(value) * SECONDS[unit.toLowerCase() as keyof typeof SECONDS];
}

const BYTES = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 } as const;

function toBytes(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)([kmg])?b?$/i.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('Expected bytes, such as 500m or 2g.');
  return Math.floor(Number(value) * (unit ? BYTES[unit.toLowerCase() as keyof typeof BYTES] : 1));
}

function toEvery(text: string): Every {
  if (/^\d+$/.test(text)) return { checkpointEvery: Number(text) };
  if (!/[smh]$/i.test(text)) throw new InvalidArgumentError('Expected steps, or time such as 30s.');
  return { checkpointSeconds: toSeconds(text) };
}
