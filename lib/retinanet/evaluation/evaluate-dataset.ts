// A detector measured on the files of a data set.
import { Check } from '../../arguments/check.js';
import { callback, number, signal, type OptionsOf } from '../../arguments/options.js';
import type { AnnotatedDataset, SplitName } from '../data/annotations.js';
import { openImagesOf, type OpenedImages } from '../data/open-images.js';
import { chooseClasses, chooseObjects } from '../detection/choose-objects.js';
import { detectInPictures, type FramedImage, hasOwnFrames, type ShownImage } from '../detection/in-pictures.js';
import type { ResolvedConfig } from '../model/config.js';
import { checkNet, type RetinaNet } from '../model/net.js';
import { PRESETS } from '../model/presets.js';
import { type CocoEvaluation, evaluateCoco } from './coco.js';
import { cocoResults, cocoTruth } from './coco-convert.js';
import type { CocoResult, CocoTruth } from './coco-format.js';
import { DETECTION, type DetectOptions } from './detect.js';

const OWN = {
  /** Called with the number of images that are done, and of all. */
  onImage: callback<(done: number, total: number) => unknown>(),
  /** Ends the evaluation, which then rejects with the signal's reason. */
  signal: signal(),
};
/** As for `detect`, but for what the preset says of weak detections, see evaluationScore. */
const OPTIONS = { ...DETECTION, scoreThreshold: number({ min: 0, max: 1 }), ...OWN };

/** Options of `evaluateDataset`: those of `detect`, with a `scoreThreshold` of 0.01 by default, 0.05 in `torchvision-retinanet`. */
export interface EvaluateDatasetOptions extends DetectOptions, OptionsOf<typeof OWN> {}

/** What `evaluateDataset` finds. */
export interface DatasetEvaluation {
  /** The COCO tool's numbers. */
  coco: CocoEvaluation;
  /** The split as the evaluation takes it: image i has the id i + 1, class k the id k + 1. */
  truth: CocoTruth;
  /** What the network found, in pixels of the upright pictures. */
  detections: CocoResult[];
}

/**
 * Detects objects in the pictures of a split and compares them with its boxes as the COCO tool does. Pictures are shown to the network
 * as `detectFiles` shows them, a batch ahead; boxes are compared in pixels of the pictures. Difficult boxes and ignored regions count
 * neither as found nor as missed. What a network with a `shorterSide` finds beside a picture counts, as at torchvision, as a box on its border.
 *
 * @param net that knows the classes of the data set by their names, in any order; what it finds of others is left out. One without names has
 *   those of the data set, in its order
 * @param split `train`, `val` or `test`
 * @throws RetinanetOpsError `ERR_LABEL` for a class that the net has not; otherwise as openImages, its `read` and `detect`
 */
export async function evaluateDataset(
  net: RetinaNet,
  dataset: AnnotatedDataset,
  split: SplitName,
  options: EvaluateDatasetOptions = {},
): Promise<DatasetEvaluation> {
  const check = new Check('evaluateDataset');
  checkNet(check, net);
  check.options('options', options, OPTIONS);
  const images = openImagesOf(check, dataset, split, net.config, { cacheBytes: 0 });
  return evaluateOpened(check, net, images, cocoTruth(dataset.classes, dataset.splits[split].images), options);
}

/** As evaluateDataset, on images that stay open, as validation during a training has them. */
export async function evaluateOpened(
  check: Check,
  net: RetinaNet,
  images: OpenedImages,
  truth: CocoTruth,
  options: EvaluateDatasetOptions = {},
): Promise<DatasetEvaluation> {
  const { onImage, signal: abort, ...given } = check.options('options', options, OPTIONS);
  const detection = { ...given, scoreThreshold: given.scoreThreshold ?? PRESETS[net.config.preset].evaluationScore };
  const categoryOf = categoriesOf(check, images.classNames, net.config);
  const known = new Set(categoryOf.keys());
  const isOwn = hasOwnFrames(net.config);
  const size = isOwn ? 1 : detection.batchSize;
  const detections: CocoResult[] = [];
  let next = readBatch(net, images, 0, size);
  for (let first = 0; first < images.length; first += size) {
    abort?.throwIfAborted();
    const batch = await next;
    next = readBatch(net, images, first + size, size);
    // What fails there is told when that batch's turn comes, also where this one fails before.
    next.catch(() => undefined);
    for (const [i, found] of (await detectInPictures(net, batch, detection)).entries()) {
      const objects = isOwn ? chooseClasses(found, known) : chooseObjects(found, found.scores.length, known);
      const labels = objects.labels.map((label) => categoryOf.get(label)!);
      const offsets = Int32Array.of(0, labels.length);
      detections.push(...cocoResults({ ...objects, labels, offsets }, { imageIds: [truth.images[first + i]!.id] }));
    }
    await onImage?.(first + batch.length, images.length);
  }
  return { coco: evaluateCoco(detections, truth), truth, detections };
}

/** What the network is shown of a batch; nothing after the last. */
function readBatch(net: RetinaNet, images: OpenedImages, first: number, size: number): Promise<ShownImage[]> {
  const count = Math.max(0, Math.min(size, images.length - first));
  const read = (i: number) => (hasOwnFrames(net.config) ? images.picture(i) : readFrame(images, i));
  return Promise.all(Array.from({ length: count }, (_, i) => read(first + i)));
}

async function readFrame(images: OpenedImages, index: number): Promise<FramedImage> {
  const pixels = new Uint8Array(images.imageHeight * images.imageWidth * 3);
  await images.read(index, pixels);
  return { pixels, toPicture: (boxes) => images.toPicture(index, boxes) };
}

/** At the net's label of each class of the data set: its place there. */
function categoriesOf(
  check: Check,
  classes: readonly string[],
  { classNames, numClasses }: ResolvedConfig,
): Map<number, number> {
  const labels = classNames.length === 0 ? classes.map((_, k) => k) : classes.map((name) => classNames.indexOf(name));
  const isKnown = classNames.length === 0 ? classes.length === numClasses : !labels.includes(-1);
  if (isKnown) return new Map(labels.map((label, k) => [label, k]));
  const known = classNames.length === 0 ? `${String(numClasses)} classes` : classNames.join(', ');
  return check.fail('ERR_LABEL', 'dataset.classes', `those of the net, ${known}`, classes.join(', ') || 'none');
}
