import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import test from 'ava';
import {
  directoryLoader,
  exportTfjs,
  loadRetinaNet,
  saveRetinaNet,
  useNativeBackend,
  type RetinaNetMetadata,
} from 'retinanet-ops/retinanet';
import { outputsOf, randomImages, randomNet } from './nets.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
test.before(() => useNativeBackend());
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.serial('stock TensorFlow.js loads it, with classes, anchors and thresholds', async (t) => {
  const config = { imageHeight: 48, imageWidth: 64, numClasses: 2, classNames: ['cat', 'dog'], subnetDepth: 0 };
  const net = randomNet(config);
  const images = randomImages(net, 1);
  const metadata = () =>
    (JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as { userDefinedMetadata: RetinaNetMetadata })
      .userDefinedMetadata;
  await exportTfjs(net, folder, { scoreThreshold: 0.3, maxDetections: 20 });
  const { classNames, anchors, selection } = metadata();
  t.deepEqual(classNames, ['cat', 'dog']);
  t.deepEqual(anchors.strides, [8, 16, 32]);
  t.deepEqual(anchors.baseSizes, [16, 32, 64]);
  t.deepEqual(selection, {
    ...{ scoreThreshold: 0.3, topK: 1000, iouThreshold: 0.5 },
    ...{ classAgnostic: false, maxDetections: 20 },
  });

  const expected = outputsOf(net, images);
  const model = await loadLayersModel(directoryLoader(folder));
  const outputs = tf.tidy(() => {
    const input = tf.tensor4d(Float32Array.from(images), [1, 48, 64, 3]);
    return (model.predict(input) as tf.Tensor[]).map((output) => output.dataSync());
  });
  t.deepEqual(outputs, expected);
  model.dispose();

  const loaded = await loadRetinaNet(folder);
  t.deepEqual(outputsOf(loaded, images), expected);
  await saveRetinaNet(loaded, folder);
  t.false('selection' in metadata(), 'what saves a net to train on gives no thresholds');
  loaded.dispose();
  net.dispose();
});
