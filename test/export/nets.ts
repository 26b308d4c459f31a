import * as tf from '@tensorflow/tfjs-core';
import { createRetinaNet, type RetinaNet, type RetinaNetConfig } from 'retinanet-ops/retinanet';
import { random } from '../support/random.js';

/** A net with random weights that finds many things, none of them surely. */
export function randomNet(config: RetinaNetConfig): RetinaNet {
  const net = createRetinaNet(config);
  const next = random(20);
  changeWeights(net, (values, name, shape) => {
    const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    if (name.startsWith('normalize_input')) return values;
    if (name.includes('variance')) return values.map(() => 0.5 + next());
    if (name.startsWith('class_logits_output/bias')) return values.map(() => next() - 2);
    return name.includes('kernel')
      ? values.map(() => ((next() - 0.5) * 3) / Math.sqrt(inputs))
      : values.map((value) => value + 0.2 * (next() - 0.5));
  });
  return net;
}

/** Gives each weight new values. */
export function changeWeights(
  { model }: RetinaNet,
  change: (values: Float32Array, name: string, shape: number[]) => Float32Array,
): void {
  for (const weight of model.weights) {
    const before = weight.read();
    const { shape } = before;
    const after = tf.tensor(change(Float32Array.from(before.dataSync()), weight.originalName, shape), shape);
    weight.write(after);
    after.dispose();
  }
}

/** Pixels of n images. */
export function randomImages({ config: { imageHeight, imageWidth } }: RetinaNet, count: number): Uint8Array {
  const next = random(7);
  return Uint8Array.from({ length: count * imageHeight * imageWidth * 3 }, () => Math.floor(256 * next()));
}

/** What TensorFlow.js computes: class logits and box deltas. */
export function outputsOf({ model, config }: RetinaNet, images: Uint8Array): Float32Array[] {
  const { imageHeight, imageWidth } = config;
  return tf.tidy(() => {
    const count = images.length / (imageHeight * imageWidth * 3);
    const input = tf.tensor4d(Float32Array.from(images), [count, imageHeight, imageWidth, 3]);
    return (model.predict(input) as tf.Tensor[]).map((output) => output.dataSync() as Float32Array);
  });
}
