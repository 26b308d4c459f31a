// The losses of a network's anchors on some of its images.
import * as tf from '@tensorflow/tfjs-core';
import { assignAnchorsBatch } from '../../index.js';
import { read } from '../../tfjs/memory.js';
import { on, readyBackend, type BackendChoice } from '../backend.js';
import { evenly } from '../data/evenly.js';
import type { OpenedImages } from '../data/open-images.js';
import type { NetParts } from '../model/net.js';
import { SampleLosses, type CumulativeLoss } from './cumulative-loss.js';

export interface SampleOptions {
  /** Images at most, evenly over all. */
  count: number;
  backend: BackendChoice | undefined;
  signal: AbortSignal | undefined;
}

/** Figure 4 of images as they are, with anchors assigned as in training. */
export async function sampleLosses(
  { model, anchors, config }: NetParts,
  images: OpenedImages,
  { count, backend, signal }: SampleOptions,
): Promise<CumulativeLoss> {
  const { imageHeight, imageWidth, numClasses } = config;
  const losses = new SampleLosses(numClasses);
  const name = await readyBackend(backend);
  const pixels = new Uint8Array(imageHeight * imageWidth * 3);
  for (const index of evenly(images.length, count)) {
    signal?.throwIfAborted();
    await images.read(index, pixels);
    const { labels } = assignAnchorsBatch(anchors, truthOf(images, index));
    // One image at a time: the logits of an image may take hundreds of megabytes.
    const { logits, done } = on(name, () => {
      const tensor = tf.tidy(() => {
        const input = tf.tensor4d(Float32Array.from(pixels), [1, imageHeight, imageWidth, 3]);
        return (model.apply(input) as [tf.Tensor, tf.Tensor])[0];
      });
      return {
        logits: tensor,
        done: read([tensor], ([values]) => {
          losses.add(values!, labels);
        }),
      };
    });
    try {
      await done;
    } finally {
      logits.dispose();
    }
  }
  return losses.curves();
}

function truthOf({ boxes, labels, offsets, ignoreBoxes, ignoreOffsets }: OpenedImages, index: number) {
  const [from, to] = [offsets[index]!, offsets[index + 1]!];
  const [ignoreFrom, ignoreTo] = ignoreOffsets ? [ignoreOffsets[index]!, ignoreOffsets[index + 1]!] : [0, 0];
  return {
    boxes: boxes.slice(4 * from, 4 * to),
    labels: labels.slice(from, to),
    offsets: Int32Array.of(0, to - from),
    ignoreBoxes: ignoreBoxes?.slice(4 * ignoreFrom, 4 * ignoreTo) ?? new Float32Array(0),
    ignoreOffsets: Int32Array.of(0, ignoreTo - ignoreFrom),
  };
}
