import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import test from 'ava';
import { createRetinaNet, detect, loadRetinaNet, saveRetinaNet, useWasmBackend } from 'retinanet-ops/retinanet';

let directory = '';

test.before(async () => {
  await useWasmBackend();
  directory = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
});

test.after.always(async () => {
  await rm(directory, { recursive: true, force: true });
});

const config = { numClasses: 2, classNames: ['cat', 'dog'], imageHeight: 50, imageWidth: 70, seed: 5 };

function outputs(model: ReturnType<typeof createRetinaNet>['model']): number[][] {
  return tf.tidy(() => {
    const image = tf.randomUniform([2, 50, 70, 3], 0, 255, 'float32', 11);
    return (model.predict(image) as tf.Tensor[]).map((output) => [...output.dataSync()]);
  });
}

test('a saved net comes back with identical outputs', async (t) => {
  const net = createRetinaNet(config);
  const path = join(directory, 'new', 'net');
  await saveRetinaNet(net, path);
  t.deepEqual((await readdir(path)).sort(), ['model.json', 'weights.bin']);
  const loaded = await loadRetinaNet(path);
  t.deepEqual(loaded.config, net.config);
  t.deepEqual(loaded.anchors.boxes(), net.anchors.boxes());
  t.deepEqual(outputs(loaded.model), outputs(net.model));
  await saveRetinaNet(loaded, path);
  t.deepEqual(outputs((await loadRetinaNet(path)).model), outputs(net.model));
});

test('a saved net loads with nothing but tfjs', async (t) => {
  const net = createRetinaNet(config);
  const path = join(directory, 'plain');
  await saveRetinaNet(net, path);
  // What a browser does: model.json, then the weights it names. No class of this package is registered anywhere.
  const json = JSON.parse(await readFile(join(path, 'model.json'), 'utf8')) as tf.io.ModelJSON;
  const bytes = new Uint8Array(await readFile(join(path, json.weightsManifest[0]!.paths[0]!)));
  const model = await loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0]!.weights,
      weightData: bytes.buffer,
    }),
  );
  t.deepEqual(outputs(model), outputs(net.model));
  const metadata = json.userDefinedMetadata as Record<string, unknown>;
  t.deepEqual(metadata['classNames'], ['cat', 'dog']);
  t.deepEqual((metadata['anchors'] as { strides: number[] }).strides, [8, 16, 32]);
});

test('a directory without a net says so', async (t) => {
  await t.throwsAsync(loadRetinaNet(join(directory, 'nothing')), { code: 'ERR_DATA', message: /model\.json/ });
});

test('detection gives each image its own rows, also for no image', async (t) => {
  const net = createRetinaNet({ ...config, priorProbability: 0.3 });
  const images = Uint8Array.from({ length: 3 * 50 * 70 * 3 }, (_, i) => (i * 37) % 256);
  const options = { scoreThreshold: 0.2, maxDetections: 4 };
  const all = await detect(net, images, { ...options, batchSize: 2 });
  t.is(all.offsets.length, 4);
  t.is(all.boxes.length, all.scores.length * 4);
  for (let i = 0; i < 3; i++) {
    const one = await detect(net, images.subarray(i * 50 * 70 * 3, (i + 1) * 50 * 70 * 3), options);
    t.deepEqual(one.boxes, all.boxes.slice(all.offsets[i]! * 4, all.offsets[i + 1]! * 4));
  }
  t.deepEqual([...(await detect(net, new Uint8Array(0))).offsets], [0]);
  const [many, fewer] = await Promise.all(
    [false, true].map((classAgnostic) => detect(net, images, { scoreThreshold: 0.2, classAgnostic })),
  );
  t.true(fewer!.scores.length > 0 && fewer!.scores.length < many!.scores.length);
  await t.throwsAsync(detect(net, images, { classAgnostic: 'yes' as never }), { code: 'ERR_DTYPE' });
  await t.throwsAsync(detect(net, images.subarray(1)), { code: 'ERR_SHAPE' });
});
