// What is trained and what detects: networks, images and truth that follow from a seed.
import * as tf from '@tensorflow/tfjs-core';
import { createRetinaNet, type DetectionDataset, type Preset, type RetinaNet } from 'retinanet-ops/retinanet';
import { random, uniform } from '../../test/support/random.js';

export interface Setting {
  name: string;
  preset: Preset;
  height: number;
  width: number;
  batch: number;
  numClasses: number;
  /** Objects of an image. */
  objects: number;
}

const compact = { preset: 'compact', batch: 8, objects: 3 } as const;
const resnet = { preset: 'resnet50-fpn', batch: 1, numClasses: 80, objects: 7 } as const;

/** What a bench of that size times; the small one is what a test rehearses. */
export function settings({ quick, full }: { quick: boolean; full: boolean }): Setting[] {
  if (quick) return [named({ ...compact, batch: 2, height: 64, width: 64, numClasses: 3 })];
  return [
    named({ ...compact, height: 96, width: 96, numClasses: 10 }),
    named({ ...compact, height: 256, width: 192, numClasses: 3 }),
    ...(full ? [named({ ...resnet, height: 512, width: 512 }), named({ ...resnet, height: 800, width: 1088 })] : []),
  ];
}

function named(setting: Omit<Setting, 'name'>): Setting {
  const { preset, height, width, batch } = setting;
  return { name: `training ${preset}, ${height}x${width}, batch ${batch}`, ...setting };
}

/**
 * An untrained network in which nothing is nought or one: as createRetinaNet makes them, whole branches begin as nothing, and
 * their gradients would be equal whatever one computes.
 */
export function networkOf({ preset, height, width, numClasses }: Setting): RetinaNet {
  const net = createRetinaNet({ preset, numClasses, imageHeight: height, imageWidth: width, seed: 1 });
  const next = random(2);
  const around = (size: number, middle: number, range: number) => uniform(next, size, middle - range, middle + range);
  tf.tidy(() => {
    for (const weight of net.model.weights) {
      const { name, shape } = weight as unknown as { name: string; shape: number[] };
      const size = shape.reduce((product, side) => product * side, 1);
      const value = (values: Float32Array) => {
        weight.write(tf.tensor(values, shape));
      };
      if (name.startsWith('normalize_input')) continue;
      if (name.includes('_c_conv/kernel')) value(around(size, 0, 0.5 / Math.sqrt(size / shape[3]!)));
      if (name.includes('_bn/')) value(around(size, /gamma|variance/.test(name) ? 1 : 0, 0.1));
      if (/conv\d\/bias|stem\/bias|lateral.*bias/.test(name)) value(around(size, 0, 0.1));
    }
  });
  return net;
}

/** As many images as a batch has, so that every step sees all of them. */
export function dataOf({ height, width, batch, numClasses, objects }: Setting): DetectionDataset {
  const next = random(3);
  const images = new Uint8Array(new SharedArrayBuffer(batch * height * width * 3));
  for (let i = 0; i < images.length; i++) images[i] = 256 * next();
  const boxes: number[] = [];
  const labels: number[] = [];
  for (let i = 0; i < batch * objects; i++) {
    const [w, h] = [width * (0.15 + 0.35 * next()), height * (0.15 + 0.35 * next())];
    const [left, top] = [(width - w) * next(), (height - h) * next()];
    boxes.push(left, top, left + w, top + h);
    labels.push(Math.floor(numClasses * next()));
  }
  return {
    classNames: Array.from({ length: numClasses }, (_, k) => String(k)),
    ...{ imageHeight: height, imageWidth: width, length: batch, images },
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(labels),
    offsets: Int32Array.from({ length: batch + 1 }, (_, i) => i * objects),
  };
}

/** Low enough for the paper's network to survive it from random weights. */
export const LEARNING_RATE = 1e-4;
