// ONNX files, run by ONNX Runtime and held against TensorFlow.js.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import test, { type ExecutionContext } from 'ava';
import {
  detect,
  exportOnnx,
  useNativeBackend,
  type ExportOnnxOptions,
  type RetinaNet,
  type SelectionOptions,
} from 'retinanet-ops/retinanet';
import { changeWeights, outputsOf, randomImages, randomNet } from './nets.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
const file = join(folder, 'models', 'net.onnx');
test.before(() => useNativeBackend());
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

const config = { imageHeight: 100, imageWidth: 132, numClasses: 3, classNames: ['cat', 'dog', 'bird'] };

async function run(net: RetinaNet, images: Uint8Array, options: ExportOnnxOptions) {
  await exportOnnx(net, file, options);
  const { imageHeight, imageWidth } = net.config;
  const dims = [images.length / imageHeight / imageWidth / 3, imageHeight, imageWidth, 3];
  const session = await ort.InferenceSession.create(file);
  return session.run({ image: new ort.Tensor('float32', Float32Array.from(images), dims) });
}

function close(t: ExecutionContext, received: ort.Tensor, expected: Float32Array, tolerance: number, what: string) {
  const values = received.data as Float32Array;
  t.is(values.length, expected.length, what);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
  t.true(worst <= tolerance, `${what} differ by ${String(worst)}`);
}

test.serial('raw outputs are those of TensorFlow.js, for any number of images', async (t) => {
  for (const given of [
    { ...config, preset: 'compact' },
    { ...config, preset: 'compact', imageHeight: 33, imageWidth: 65, pyramidLevels: [4, 4], subnetDepth: 0 },
    { ...config, preset: 'compact', imageHeight: 47, imageWidth: 63, pyramidLevels: [3, 7], pyramidChannels: 8 },
    { ...config, preset: 'resnet50-fpn', imageHeight: 70, imageWidth: 97, pyramidChannels: 8, subnetDepth: 1 },
  ] as const) {
    const net = randomNet(given);
    const images = randomImages(net, given.preset === 'compact' ? 3 : 1);
    const outputs = await run(net, images, {});
    t.deepEqual(Object.keys(outputs).sort(), ['box_deltas', 'class_logits']);
    const [logits, deltas] = outputsOf(net, images);
    close(t, outputs['class_logits']!, logits!, 1e-4, `${given.preset}: logits`);
    close(t, outputs['box_deltas']!, deltas!, 1e-4, `${given.preset}: deltas`);
    const { count } = net.anchors;
    t.deepEqual(outputs['class_logits']!.dims, [images.length / given.imageHeight / given.imageWidth / 3, count, 3]);
    net.dispose();
  }
});

test.serial('detections are those of detect, box by box', async (t) => {
  const net = randomNet(config);
  const images = randomImages(net, 1);
  let most = 0;
  for (const selection of [
    {},
    { scoreThreshold: 0.3, classAgnostic: true, maxDetections: 7 },
    { topK: 50, iouThreshold: 0.3 },
    { scoreThreshold: 0.9999 },
  ] as SelectionOptions[]) {
    const expected = await detect(net, images, selection);
    const { boxes, scores, labels } = await run(net, images, { outputs: 'detections', ...selection });
    const what = JSON.stringify(selection);
    t.deepEqual(Array.from(labels!.data as BigInt64Array, Number), [...expected.labels], what);
    close(t, scores!, expected.scores, 1e-5, `scores of ${what}`);
    close(t, boxes!, expected.boxes, 2e-3, `boxes of ${what}`);
    t.deepEqual(boxes!.dims, [expected.scores.length, 4]);
    most = Math.max(most, expected.scores.length);
  }
  t.true(most > 100);
  net.dispose();
});

test.serial('what is no number is no detection', async (t) => {
  const net = randomNet(config);
  const images = randomImages(net, 1);
  changeWeights(net, (values, name) => {
    // Of each cell the first anchor's first logit, and the second one's first delta.
    if (name.startsWith('class_logits_output/bias')) values[0] = NaN;
    if (name.startsWith('box_deltas_output/bias')) values[4] = Infinity;
    return values;
  });
  const expected = await detect(net, images, { topK: 40 });
  const { labels, boxes } = await run(net, images, { outputs: 'detections', topK: 40 });
  t.true(expected.labels.length > 10);
  t.deepEqual(Array.from(labels!.data as BigInt64Array, Number), [...expected.labels]);
  close(t, boxes!, expected.boxes, 2e-3, 'boxes');
  net.dispose();
});

/** Every float16 that is no NaN, rising: m / 1024 * 2^-14, and (1 + m / 1024) * 2^e. */
function float16Values(): Float64Array {
  const positive: number[] = [];
  for (let m = 0; m < 1024; m++) positive.push((m / 1024) * 2 ** -14);
  for (let e = -14; e <= 15; e++) for (let m = 0; m < 1024; m++) positive.push((1 + m / 1024) * 2 ** e);
  return Float64Array.from([...positive.slice(1).map((value) => -value), ...positive]).sort();
}

test.serial('float16 weights are the nearest ones, and all else is computed as before', async (t) => {
  const values = float16Values();
  const nearest = (value: number): number => {
    let [low, high] = [0, values.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (values[middle]! <= value) low = middle;
      else high = middle;
    }
    const [down, up] = [value - values[low]!, values[high]! - value];
    // Neighbours are even and odd in turn, and 0 is even.
    const zero = (values.length - 1) / 2;
    if (down === up) return values[(low - zero) % 2 === 0 ? low : high]!;
    return down < up ? values[low]! : values[high]!;
  };
  const net = randomNet({ ...config, pyramidChannels: 8, subnetDepth: 1 });
  changeWeights(net, (weights, name) => {
    // Exactly between two neighbours, among the smallest, and beyond the largest: then all of a layer stay what they are.
    if (name.startsWith('box_deltas_output/bias'))
      weights.set([1 + 2 ** -11, 1 + 3 * 2 ** -11, -3e-8, 2 ** -14 - 2 ** -25]);
    // A channel that its ReLU makes 0.
    if (name.startsWith('box_deltas_conv1/bias')) weights[0] = -70000;
    return weights;
  });
  const images = randomImages(net, 1);
  await exportOnnx(net, file);
  const { size } = statSync(file);
  const outputs = await run(net, images, { precision: 'float16' });
  t.true(statSync(file).size < 0.55 * size);
  changeWeights(net, (weights, name) => {
    const isKept = name.startsWith('normalize_input') || weights.some((value) => Math.abs(value) > 65504);
    return isKept ? weights : weights.map(nearest);
  });
  const [logits, deltas] = outputsOf(net, images);
  close(t, outputs['class_logits']!, logits!, 1e-4, 'logits');
  close(t, outputs['box_deltas']!, deltas!, 1e-4, 'deltas');
  net.dispose();
});

test.serial('the file says what the detector is, and leaves nothing else behind', async (t) => {
  const net = randomNet({ ...config, pyramidChannels: 8, subnetDepth: 0 });
  await exportOnnx(net, file, { scoreThreshold: 0.25 });
  const text = readFileSync(file).toString('latin1');
  for (const part of [
    '["cat","dog","bird"]',
    `"strides":[8,16,32]`,
    '{"scoreThreshold":0.25,"topK":1000,"iouThreshold":0.5,"classAgnostic":false,"maxDetections":300}',
    '"imageWidth":132',
  ]) {
    t.true(text.includes(part), part);
  }
  t.deepEqual(readdirSync(join(folder, 'models')), ['net.onnx']);
  net.dispose();
});
