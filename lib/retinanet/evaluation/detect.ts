import * as tf from '@tensorflow/tfjs-core';

import { decodeDetections, type Detections } from '../../index.js';
import { number, oneOf, type OptionsOf } from '../../arguments/options.js';
import { SELECTION, type SelectionOptions } from '../../operations/decode-detections.js';
import { read } from '../../tfjs/memory.js';
import { Check } from '../../arguments/check.js';
import { BACKEND_CHOICES, on, readyBackend } from '../backend.js';
import { requireTfBackend } from '../wasm-backend.js';
import { anchorGrid } from '../model/config.js';
import { checkNet, type NetParts, requireWeights, type RetinaNet } from '../model/net.js';
import { framePicture } from '../data/load-image.js';
import { boxesInPicture } from '../data/letterbox.js';
import { boxesOfPicture, fillFrame, ownFrame, type OwnFrame, type Picture } from '../data/resize-picture.js';

const OWN = {
  /** Images that go through the network at once. Default 8. */
  batchSize: number({ min: 1, max: 4096, integer: true, default: 8 }),
  /**
   * What the network runs on; the weights move there. Default `native`; `current` where the current backend is neither `native`,
   * `wasm` nor `cpu`.
   */
  backend: oneOf(BACKEND_CHOICES),
};
/** How a network is run and its detections are selected. */
export const DETECTION = { ...OWN, ...SELECTION };

/** Options of `detect`; the defaults are torchvision's. */
export interface DetectOptions extends OptionsOf<typeof OWN>, SelectionOptions {}

/**
 * Finds objects.
 *
 * @param images [n, H, W, 3] RGB 0..255, of the size the net was made for; n may be 0.
 * @returns boxes in pixels of these images, ragged over images, by falling score.
 * @throws RetinanetOpsError `ERR_SHAPE` when the images are not n whole ones; `ERR_DTYPE`, `ERR_RANGE` or `ERR_OPTION` for other
 *   arguments that don't fit, a net that has been disposed of included.
 */
export async function detect(net: RetinaNet, images: Uint8Array, options: DetectOptions = {}): Promise<Detections> {
  const check = new Check('detect');
  const { model, anchors, config } = checkNet(check, net);
  check.array('Uint8Array', 'images', images);
  const { batchSize, backend: choice, ...selection } = check.options('options', options, DETECTION);
  requireTfBackend(check);
  const { imageHeight, imageWidth } = config;
  const pixels = imageHeight * imageWidth * 3;
  const count = images.length / pixels;
  if (!Number.isInteger(count)) {
    const expected = `whole images of ${imageHeight} x ${imageWidth} x 3 values`;
    check.fail('ERR_SHAPE', 'images', expected, `${images.length} values`);
  }
  const { length } = images;
  const backend = await readyBackend(choice);
  const parts: Detections[] = [];
  const pixelsOfBatch = new Float32Array(Math.min(batchSize, count) * pixels);
  for (let first = 0; first < count; first += batchSize) {
    const size = Math.min(batchSize, count - first);
    if (images.length !== length) {
      check.fail('ERR_SHAPE', 'images', 'pixels that stay until the end', 'a buffer that was transferred or resized');
    }
    const batch = pixelsOfBatch.subarray(0, size * pixels);
    batch.set(images.subarray(first * pixels, (first + size) * pixels));
    const frame = { imageHeight, imageWidth, width: imageWidth, height: imageHeight };
    parts.push(await detectBatch(check, { model, anchors, config }, batch, frame, { ...selection, backend }));
  }
  return joinDetections(parts);
}

interface BatchOptions extends SelectionOptions {
  backend: Awaited<ReturnType<typeof readyBackend>>;
}

/**
 * Runs a batch of frames, and selects; boxes are in pixels of the frame, cut at the `width` and `height` of the picture in it.
 *
 * @param pixels [n, imageHeight, imageWidth, 3]
 */
async function detectBatch(
  check: Check,
  { model, anchors, config }: NetParts,
  pixels: Float32Array,
  { imageHeight, imageWidth, width, height }: OwnFrame,
  { backend, ...selection }: BatchOptions,
): Promise<Detections> {
  requireWeights(check, model);
  const { numClasses, coderWeights } = config;
  const decode = ([classLogits, boxDeltas]: Float32Array[]): Detections =>
    decodeDetections({
      ...{ classLogits: classLogits!, boxDeltas: boxDeltas!, anchors },
      ...{ imageHeight: height, imageWidth: width, numClasses, coderWeights },
      ...selection,
    });
  const { outputs, found } = on(backend, () => {
    const tensors = tf.tidy(() => {
      const input = tf.tensor4d(pixels, [pixels.length / (imageHeight * imageWidth * 3), imageHeight, imageWidth, 3]);
      return model.apply(input) as [tf.Tensor, tf.Tensor];
    });
    return { outputs: tensors, found: read(tensors, decode) };
  });
  try {
    return await found;
  } finally {
    tf.dispose(outputs);
  }
}

/**
 * Finds objects in one picture of any size. A network with a `shorterSide` sees it in a frame of its own, as torchvision's
 * detectors do; others see it in theirs, as `detectFiles` shows it to them.
 *
 * @param picture as `decodeImage` gives it
 * @returns boxes in pixels of the picture, by falling score
 * @throws RetinanetOpsError `ERR_SHAPE` where the pixels are not those of such a picture; otherwise as detect
 */
export async function detectPicture(
  net: RetinaNet,
  picture: Picture,
  options: DetectOptions = {},
): Promise<Detections> {
  const check = new Check('detectPicture');
  const { model, config } = checkNet(check, net);
  const given = check.fields<Picture>('picture', picture, ['data', 'width', 'height']);
  for (const side of ['width', 'height'] as const) {
    check.number(`picture.${side}`, given[side], { min: 1, max: 65_536, integer: true });
  }
  check.array('Uint8Array', 'picture.data', given.data, given.width * given.height * 3, '(of width x height x 3)');
  const { batchSize: _, backend: choice, ...selection } = check.options('options', options, DETECTION);
  requireTfBackend(check);
  const { shorterSide, longerSide } = config;
  if (shorterSide === undefined || longerSide === undefined) {
    const { pixels, place } = await framePicture(given, config);
    const found = await detect(net, pixels, options);
    return { ...found, boxes: boxesInPicture(found.boxes, place, given) };
  }
  const frame = ownFrame(given, shorterSide, longerSide);
  const anchors = anchorGrid(check, config, '', frame);
  const backend = await readyBackend(choice);
  const pixels = fillFrame(given, frame, config.pixelMean);
  const found = await detectBatch(check, { model, anchors, config }, pixels, frame, { ...selection, backend });
  return { ...found, boxes: boxesOfPicture(found.boxes, frame, given) };
}

/** Detections of several batches as those of one. */
function joinDetections(parts: readonly Detections[]): Detections {
  const rows = parts.reduce((sum, part) => sum + part.scores.length, 0);
  const joined = { boxes: new Float32Array(rows * 4), scores: new Float32Array(rows), labels: new Int32Array(rows) };
  const offsets = [0];
  let row = 0;
  for (const part of parts) {
    joined.boxes.set(part.boxes, row * 4);
    joined.scores.set(part.scores, row);
    joined.labels.set(part.labels, row);
    for (const offset of part.offsets.subarray(1)) offsets.push(row + offset);
    row += part.scores.length;
  }
  return { ...joined, offsets: Int32Array.from(offsets) };
}
