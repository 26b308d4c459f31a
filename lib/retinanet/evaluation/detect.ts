import * as tf from '@tensorflow/tfjs-core';

import { decodeDetections, type Detections } from '../../index.js';
import { number, oneOf, type OptionsOf } from '../../arguments/options.js';
import { SELECTION, type SelectionOptions } from '../../operations/decode-detections.js';
import { read } from '../../tfjs/memory.js';
import { Check } from '../../arguments/check.js';
import { BACKEND_CHOICES, on, readyBackend } from '../backend.js';
import { requireTfBackend } from '../wasm-backend.js';
import { checkNet, requireWeights, type RetinaNet } from '../model/net.js';

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
  const { imageHeight, imageWidth, numClasses } = config;
  const pixels = imageHeight * imageWidth * 3;
  const count = images.length / pixels;
  if (!Number.isInteger(count)) {
    const expected = `whole images of ${imageHeight} x ${imageWidth} x 3 values`;
    check.fail('ERR_SHAPE', 'images', expected, `${images.length} values`);
  }
  const backend = await readyBackend(choice);
  const parts: Detections[] = [];
  const pixelsOfBatch = new Float32Array(Math.min(batchSize, count) * pixels);
  for (let first = 0; first < count; first += batchSize) {
    const size = Math.min(batchSize, count - first);
    const batch = pixelsOfBatch.subarray(0, size * pixels);
    batch.set(images.subarray(first * pixels, (first + size) * pixels));
    requireWeights(check, model);
    const decode = ([classLogits, boxDeltas]: Float32Array[]): Detections =>
      decodeDetections({
        ...{ classLogits: classLogits!, boxDeltas: boxDeltas!, anchors },
        ...{ imageHeight, imageWidth, numClasses },
        ...selection,
      });
    const { outputs, found } = on(backend, () => {
      const tensors = tf.tidy(() => {
        const input = tf.tensor4d(batch, [size, imageHeight, imageWidth, 3]);
        return model.apply(input) as [tf.Tensor, tf.Tensor];
      });
      return { outputs: tensors, found: read(tensors, decode) };
    });
    try {
      parts.push(await found);
    } finally {
      tf.dispose(outputs);
    }
  }
  return joinDetections(parts);
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
