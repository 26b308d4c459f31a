// A small convolutional detector in TensorFlow.js, trained through retinanetLoss by one of its optimizers.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers the gradients of tfjs's own operations
import '@tensorflow/tfjs-backend-cpu';
import { AnchorGrid, priorBias, retinanetLoss } from 'retinanet-ops/tfjs';

const numClasses = 2;
const anchors = new AnchorGrid({ imageHeight: 32, imageWidth: 32, strides: [8], baseSizes: [12], scales: [1] });
const perCell = anchors.levels[0].anchorsPerCell;
const images = tf.randomUniform([1, 32, 32, 3], 0, 1, 'float32', 1);
const groundTruth = {
  boxes: tf.tensor2d([[2, 4, 14, 16]]),
  labels: tf.tensor1d([1], 'int32'),
  offsets: tf.tensor1d([0, 1], 'int32'),
};

const filters = tf.variable(tf.randomNormal([8, 8, 3, 16], 0, 0.05, 'float32', 2));
const classHead = tf.variable(tf.randomNormal([1, 1, 16, perCell * numClasses], 0, 0.01, 'float32', 3));
const classBias = tf.variable(tf.fill([perCell * numClasses], priorBias(0.01)));
const boxHead = tf.variable(tf.randomNormal([1, 1, 16, perCell * 4], 0, 0.01, 'float32', 4));

const optimizer = tf.train.adam(0.02);
for (let step = 0; step <= 60; step++) {
  const loss = optimizer.minimize(() => {
    const features = tf.relu(tf.conv2d(images, filters, 8, 'same')); // [1, 4, 4, 16]
    const logits = tf.add(tf.conv2d(features, classHead, 1, 'same'), classBias); // [1, 4, 4, perCell * K]
    const classLogits = tf.reshape(logits, [1, anchors.count, numClasses]);
    const boxDeltas = tf.reshape(tf.conv2d(features, boxHead, 1, 'same'), [1, anchors.count, 4]);
    return retinanetLoss({ classLogits, boxDeltas, anchors, groundTruth }).loss;
  }, true);
  if (step % 20 === 0) console.log(`step ${step}: loss ${loss.dataSync()[0].toFixed(3)}`);
  loss.dispose();
}
