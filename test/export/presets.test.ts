// Networks with a frame for each picture, residual ones among them: elsewhere they compute what they compute here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import test, { type ExecutionContext } from 'ava';
import {
  detect,
  exportOnnx,
  type ExportOnnxOptions,
  type RetinaNet,
  type RetinaNetConfig,
  useNativeBackend,
  useWasmBackend,
} from 'retinanet-ops/retinanet';
import { outputsOf, randomImages, randomNet } from './nets.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});
test.beforeEach(() => useNativeBackend());

const config: RetinaNetConfig = {
  ...{ preset: 'torchvision-retinanet', backbone: 'resnet18', numClasses: 3, imageHeight: 64, imageWidth: 96 },
  ...{ pyramidChannels: 8, subnetDepth: 1, shorterSide: 48, longerSide: 90 },
};
const NETS: Record<string, RetinaNetConfig> = {
  'basic blocks': config,
  'P6 from C5 and weighted deltas': { ...config, p6From: 'c5', coderWeights: [10, 10, 5, 2.5], batchNormEpsilon: 0 },
  bottlenecks: { ...config, backbone: 'resnet50', imageHeight: 32, imageWidth: 64 },
  'a frame of one size': { ...config, preset: 'resnet50-fpn', backbone: 'resnet34', shorterSide: undefined },
};

function close(
  t: ExecutionContext,
  received: ArrayLike<number>,
  expected: Float32Array,
  tolerance: number,
  what: string,
) {
  t.is(received.length, expected.length, what);
  const size = Math.sqrt(expected.reduce((sum, value) => sum + value ** 2, 0) / expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - received[i]!)), 0);
  t.true(worst <= tolerance * Math.max(1, size), `${what} differ by ${String(worst)}, their size is ${String(size)}`);
}

async function run(net: RetinaNet, images: Uint8Array, options: ExportOnnxOptions) {
  const file = join(folder, 'net.onnx');
  await exportOnnx(net, file, options);
  const { imageHeight, imageWidth } = net.config;
  const dims = [images.length / imageHeight / imageWidth / 3, imageHeight, imageWidth, 3];
  const session = await ort.InferenceSession.create(file);
  return session.run({ image: new ort.Tensor('float32', Float32Array.from(images), dims) });
}

for (const [name, given] of Object.entries(NETS)) {
  test.serial(`ONNX: outputs and detections of ${name}`, async (t) => {
    using net = randomNet(given);
    const images = randomImages(net, 1);
    const [logits, deltas] = outputsOf(net, images);
    const raw = await run(net, images, {});
    close(t, raw['class_logits']!.data as Float32Array, logits!, 1e-4, 'logits');
    close(t, raw['box_deltas']!.data as Float32Array, deltas!, 1e-4, 'deltas');
    const selection = { scoreThreshold: 0.1, topK: 100 };
    const expected = await detect(net, images, selection);
    t.true(expected.scores.length > 10, String(expected.scores.length));
    const found = await run(net, images, { outputs: 'detections', ...selection });
    t.deepEqual(Array.from(found['labels']!.data as BigInt64Array, Number), [...expected.labels]);
    close(t, found['scores']!.data as Float32Array, expected.scores, 1e-5, 'scores');
    close(t, found['boxes']!.data as Float32Array, expected.boxes, 1e-4, 'boxes');
  });
}

test.serial("TensorFlow.js' own backends give the outputs of the native one", async (t) => {
  using net = randomNet({ ...config, imageHeight: 32, imageWidth: 64, p6From: 'c5' });
  const images = randomImages(net, 1);
  const expected = outputsOf(net, images);
  await useWasmBackend();
  const backends = [tf.getBackend()];
  const wasm = outputsOf(net, images);
  await tf.setBackend('cpu');
  backends.push(tf.getBackend());
  const cpu = outputsOf(net, images);
  await useNativeBackend();
  t.deepEqual(backends, ['wasm', 'cpu']);
  for (const [i, what] of ['logits', 'deltas'].entries()) {
    close(t, wasm[i]!, expected[i]!, 1e-4, `wasm: ${what}`);
    close(t, cpu[i]!, expected[i]!, 1e-4, `cpu: ${what}`);
  }
});
