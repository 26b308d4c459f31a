import { createHash } from 'node:crypto';

import * as tf from '@tensorflow/tfjs-core';
import type { DetectionDataset, RetinaNet } from 'retinanet-ops/retinanet';

import { random, uniform } from '../support/random.js';

/** Images of coloured squares on grey, one class a colour: the smallest data set that a detector can learn. */
export function squares(length: number, imageHeight: number, imageWidth: number, seed = 1): DetectionDataset {
  let state = seed;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const images = new Uint8Array(new SharedArrayBuffer(length * imageHeight * imageWidth * 3)).fill(110);
  const boxes: number[] = [];
  const labels: number[] = [];
  const offsets = [0];
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < 2; j++) {
      const label = Math.floor(random() * 3);
      const size = 12 + Math.floor(random() * 16);
      const left = Math.floor(random() * (imageWidth - size));
      const top = Math.floor(random() * (imageHeight - size));
      for (let y = top; y < top + size; y++) {
        for (let x = left; x < left + size; x++) images[((i * imageHeight + y) * imageWidth + x) * 3 + label] = 250;
      }
      boxes.push(left, top, left + size, top + size);
      labels.push(label);
    }
    offsets.push(labels.length);
  }
  return {
    classNames: ['red', 'green', 'blue'],
    imageHeight,
    imageWidth,
    length,
    images,
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(labels),
    offsets: Int32Array.from(offsets),
  };
}

/** Leaves no weight at nought or one, so that every part of the net matters. */
export function makeLively(net: RetinaNet): void {
  const next = random(9);
  tf.tidy(() => {
    for (const weight of net.model.weights) {
      const { shape } = weight as unknown as { shape: number[] };
      const size = tf.util.sizeFromShape(shape);
      const range = shape.length === 4 ? Math.sqrt(3 / (size / shape[3]!)) : 0.2;
      const middle = /gamma|variance/.test(weight.name) ? 1 : 0;
      if (!weight.name.startsWith('normalize_input')) {
        weight.write(tf.tensor(uniform(next, size, middle - range, middle + range), shape));
      }
    }
  });
}

/** A fingerprint of all weights, to compare nets to the bit. */
export function fingerprint({ model }: RetinaNet): string {
  const hash = createHash('sha256');
  for (const tensor of model.getWeights()) hash.update(Float32Array.from(tensor.dataSync()));
  return hash.digest('hex');
}
