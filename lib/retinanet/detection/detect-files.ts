// Objects in the pictures of files, however many there are.
import { Check } from '../../arguments/check.js';
import { callback, signal, value, type OptionsOf } from '../../arguments/options.js';
import { loadImage } from '../data/load-image.js';
import { decodeImage } from '../data/images.js';
import { DETECTION, type DetectOptions } from '../evaluation/detect.js';
import { labelNames } from '../model/config.js';
import { checkNet, type RetinaNet } from '../model/net.js';
import { chooseObjects } from './choose-objects.js';
import type { FoundObjects } from './draw-detections.js';
import { detectInPictures, hasOwnFrames, type ShownImage } from './in-pictures.js';

const OWN = {
  /** Names of the classes that are looked for. Default: all. */
  classes: value<readonly string[], string[] | undefined>((check, argument, given) => check.strings(argument, given)),
  /** Called with a picture that is damaged or none, and why; the others go on. Without it the iteration rejects with the error. */
  onError: callback<(file: string, error: Error) => unknown>(),
  /** Ends the iteration, which then rejects with the signal's reason. */
  signal: signal(),
};
const OPTIONS = { ...DETECTION, ...OWN };

/** Options of `detectFiles`: those of `detect`, and its own. */
export interface DetectFilesOptions extends DetectOptions, OptionsOf<typeof OWN> {}

/** What was found in the picture of a file, by falling score. */
export interface FileDetections extends FoundObjects {
  /** As it was given. */
  file: string;
  /** Pixels of the upright picture. */
  width: number;
  /** Pixels of the upright picture. */
  height: number;
}

interface Loaded {
  file: string;
  image: ShownImage & { width: number; height: number };
}

/** A picture on its way: decoded, or why not. */
type Loading = Promise<Loaded | { file: string; error: Error }>;

/**
 * Finds objects in pictures, one after the other in the order of `files`. They are decoded off the calling thread as training decodes
 * them (upright, aspect ratio kept), two batches ahead at most: memory does not grow with the number of files. Boxes are in pixels of
 * the upright pictures; what is found beside a picture, in the rest of the network's frame, is left out.
 *
 * @param files paths, such as `findPictures` gives; a file may come more than once
 * @returns what was found in each picture, as soon as its batch is done
 * @throws RetinanetOpsError at once: `ERR_OPTION` for an unknown class, `ERR_DTYPE`, `ERR_RANGE` or `ERR_SHAPE` for other arguments
 *   that don't fit. The iteration rejects with `ERR_DATA` for a file that is no picture or damaged, unless there is `onError`, and
 *   with `ERR_BACKEND` where a package is not installed.
 */
export function detectFiles(
  net: RetinaNet,
  files: readonly string[],
  options: DetectFilesOptions = {},
): AsyncGenerator<FileDetections, void, undefined> {
  const check = new Check('detectFiles');
  const { config } = checkNet(check, net);
  const paths = check.strings('files', files);
  const checked = check.options('options', options, OPTIONS);
  const { classes, ...others } = checked;
  const names = labelNames(config);
  const labels = classes && new Set(classes.map((name) => names.indexOf(check.oneOf('classes', name, names))));
  return detections(net, paths, { ...others, labels });
}

type Checked = Required<Pick<DetectOptions, 'batchSize' | 'maxDetections'>> &
  Omit<DetectFilesOptions, 'classes'> & { labels?: ReadonlySet<number> };

async function* detections(net: RetinaNet, files: readonly string[], options: Checked) {
  const { labels, onError, signal: abort, ...detection } = options;
  const { batchSize, maxDetections } = detection;
  // Those of the classes that count, not those of all, are limited.
  const selection = labels ? { ...detection, maxDetections: 2 ** 31 - 1 } : detection;
  const size = hasOwnFrames(net.config) ? 1 : batchSize;
  for await (const batch of batches(net, files, size, onError)) {
    abort?.throwIfAborted();
    const images = batch.map(({ image }) => image);
    for (const [i, found] of (await detectInPictures(net, images, selection)).entries()) {
      const { file, image } = batch[i]!;
      abort?.throwIfAborted();
      yield { file, width: image.width, height: image.height, ...chooseObjects(found, maxDetections, labels) };
    }
  }
  abort?.throwIfAborted();
}

/** Tells of a picture that is damaged; throws what else failed. */
async function refuse(file: string, error: Error, onError: DetectFilesOptions['onError']): Promise<void> {
  const isDamaged = (error as { code?: unknown }).code === 'ERR_DATA';
  if (!onError || !isDamaged) throw error;
  await onError(file, error);
}

/** Pictures that decode, so many at a time; twice as many are on their way. */
async function* batches(
  net: RetinaNet,
  files: readonly string[],
  size: number,
  onError: DetectFilesOptions['onError'],
): AsyncGenerator<Loaded[], void, undefined> {
  const ahead = files.slice(0, 2 * size).map((file) => load(file, net));
  let next = ahead.length;
  let batch: Loaded[] = [];
  for (let loading = ahead.shift(); loading; loading = ahead.shift()) {
    if (next < files.length) ahead.push(load(files[next++]!, net));
    const loaded = await loading;
    if ('image' in loaded) {
      batch.push(loaded);
    } else {
      await refuse(loaded.file, loaded.error, onError);
    }
    if (batch.length < size && ahead.length > 0) continue;
    if (batch.length > 0) yield batch;
    batch = [];
  }
}

async function load(file: string, { config }: RetinaNet): Loading {
  try {
    return { file, image: await (hasOwnFrames(config) ? decodeImage(file) : loadImage(file, config)) };
  } catch (error) {
    return { file, error: error as Error };
  }
}
