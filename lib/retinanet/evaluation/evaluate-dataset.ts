// A detector measured on the files of a data set.
import { Check } from '../../arguments/check.js';
import { callback, number, signal, type OptionsOf } from '../../arguments/options.js';
import type { AnnotatedDataset, SplitName } from '../data/annotations.js';
import { openImagesOf, type OpenedImages } from '../data/open-images.js';
import { chooseObjects } from '../detection/choose-objects.js';
import { detectInPictures, type FramedImage, hasOwnFrames, type ShownImage } from '../detection/in-pictures.js';
import { checkNet, type RetinaNet } from '../model/net.js';
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
/** As for `detect`; as many detections as COCO counts, and weak ones as well, which cost average precision nothing. */
const OPTIONS = {
  ...DETECTION,
  scoreThreshold: number({ min: 0, max: 1, default: 0.01 }),
  ...OWN,
};

/** Options of `evaluateDataset`: those of `detect`, with a `scoreThreshold` of 0.01 by default. */
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
 * Detects objects in the pictures of a split and compares them with its boxes as the COCO tool does. Pictures are read as
 * training reads them (openImages), a batch ahead; boxes are compared in pixels of the pictures, as `detectFiles` finds them. Difficult boxes and
 * ignored regions count neither as found nor as missed.
 *
 * @param net with the classes of the data set, in its order
 * @param split `train`, `val` or `test`
 * @throws RetinanetOpsError `ERR_LABEL` where the classes are not those of the net; otherwise as openImages, its `read` and `detect`
 */
export async function evaluateDataset(
  net: RetinaNet,
  dataset: AnnotatedDataset,
  split: SplitName,
  options: EvaluateDatasetOptions = {},
): Promise<DatasetEvaluation> {
  const check = new Check('evaluateDataset');
  const { config } = checkNet(check, net);
  check.options('options', options, OPTIONS);
  const images = openImagesOf(check, dataset, split, config, { cacheBytes: 0 });
  checkClasses(check, images.classNames, config);
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
  const { onImage, signal: abort, ...detection } = check.options('options', options, OPTIONS);
  const size = hasOwnFrames(net.config) ? 1 : detection.batchSize;
  const detections: CocoResult[] = [];
  let next = readBatch(net, images, 0, size);
  for (let first = 0; first < images.length; first += size) {
    abort?.throwIfAborted();
    const batch = await next;
    next = readBatch(net, images, first + size, size);
    // What fails there is told when that batch's turn comes, also where this one fails before.
    next.catch(() => undefined);
    for (const [i, found] of (await detectInPictures(net, batch, detection)).entries()) {
      const objects = chooseObjects(found, found.scores.length);
      const offsets = Int32Array.of(0, objects.scores.length);
      detections.push(...cocoResults({ ...objects, offsets }, { imageIds: [truth.images[first + i]!.id] }));
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

function checkClasses(
  check: Check,
  found: readonly string[],
  { classNames, numClasses }: { classNames: readonly string[]; numClasses: number },
): void {
  const isSame =
    classNames.length === 0
      ? found.length === numClasses
      : found.length === classNames.length && found.every((name, k) => name === classNames[k]);
  if (isSame) return;
  const known = classNames.length === 0 ? `${String(numClasses)} classes` : classNames.join(', ');
  check.fail('ERR_LABEL', 'dataset.classes', `those of the net, ${known}`, found.join(', ') || 'none');
}
