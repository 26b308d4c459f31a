// Bad calls of every function, and what is good in spite of its looks.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import * as retinanet from 'retinanet-ops/retinanet';
import { runScript } from '../support/child.js';
import { badRetinanetCalls } from '../support/bad-retinanet-calls.js';
import { config, goodArguments, goodDataset, writeFiles } from '../support/retinanet-calls.js';

const { createRetinaNet, detect, evaluateDetections, pixelStatistics, saveRetinaNet, trainRetinaNet, validateDataset } =
  retinanet;

let net: retinanet.RetinaNet;
let directory = '';

test.before(async () => {
  await tf.setBackend('cpu');
  net = createRetinaNet(config);
  directory = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
  await saveRetinaNet(net, directory);
  await writeFiles(directory);
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

type Name = keyof ReturnType<typeof goodArguments>;
const call = (name: Name, args: unknown[]): unknown => (retinanet[name] as (...args: unknown[]) => unknown)(...args);
const functions = Object.keys(retinanet).filter((name) => !/LOSS_NAMES$|^use\w+Backend$/.test(name));

test.serial('the calls that the table spoils are valid, and are those of every function', async (t) => {
  const good = goodArguments(net, directory);
  t.deepEqual(Object.keys(good).sort(), functions.sort());
  for (const [name, args] of Object.entries(good)) {
    await t.notThrowsAsync(async () => call(name as Name, args), name);
  }
});

test('every bad call gives its code and names what is wrong, in one shape of message', async (t) => {
  const calls = badRetinanetCalls(net, directory);
  t.deepEqual([...new Set(calls.map(({ name }) => name))].sort(), functions.sort());
  for (const { name, args, code, message } of calls) {
    const error = await t.throwsAsync(async () => call(name, args), { instanceOf: RetinanetOpsError, code, message });
    t.regex(error?.message ?? '', new RegExp(`^${name}: expected .* for .*, received `));
  }
  t.log(`${String(calls.length)} calls`);
});

test('arrays, data sets, nets and signals of another realm or copy are as good as any', async (t) => {
  const foreign = runInNewContext(`({
    signal: { aborted: true },
    images: new Uint8Array(${String(goodDataset().images.length)}),
    boxes: Float32Array.of(0, 0, 4, 4),
    labels: Int32Array.of(1),
    offsets: Int32Array.of(0, 1, 1, 1),
    scores: Float32Array.of(1),
    classNames: ['cat', 'dog'],
    imageHeight: 16,
    imageWidth: 24,
    length: 3,
  })`) as retinanet.DetectionDataset & retinanet.Detections & { signal: AbortSignal };
  t.false(foreign.images instanceof Uint8Array);
  // What a worker, a test runner or a second copy of this package hands over.
  const { model, anchors, config: resolved } = net;
  const plainNet = { model, ...(JSON.parse(JSON.stringify({ anchors, config: resolved })) as object) } as typeof net;
  for (const data of [foreign, structuredClone(goodDataset()), { ...goodDataset(), images: Buffer.alloc(3456) }]) {
    t.notThrows(() => {
      validateDataset(data);
    });
    t.deepEqual(pixelStatistics(data).pixelMean, [0, 0, 0]);
    t.is((await detect(plainNet, data.images)).offsets.length, 4);
  }
  t.is(evaluateDetections(foreign, foreign).classes[1]?.ap, 1);
  const options = { steps: 2, batchSize: 1, signal: foreign.signal };
  t.is((await trainRetinaNet(plainNet, foreign, options)).steps, 0);
  t.is((await trainRetinaNet(plainNet, foreign, { ...options, signal: undefined })).steps, 2);
  await t.notThrowsAsync(saveRetinaNet(plainNet, directory));
});

test('getters are asked once, so that what was checked is what is used', (t) => {
  let asked = 0;
  const truth = {
    ...goodDataset(),
    get labels() {
      return asked++ === 0 ? Int32Array.of(0, 1, 1) : Int32Array.of(9, 9, 9);
    },
  };
  t.notThrows(() => {
    validateDataset(truth);
  });
  t.is(asked, 1);
});

test('without a backend, each function says what to do', (t) => {
  const lines = runScript('without-backend.js', []).stdout.split('\n');
  const expected = [
    /ERR_BACKEND useWasmBackend: expected .*@tensorflow\/tfjs-backend-wasm, received no such package \(Error\)/,
    /ERR_BACKEND createRetinaNet: expected a backend .*, received none: call `await useNativeBackend\(\)` .*\(Error\)/,
    /ERR_BACKEND loadRetinaNet: expected a backend .*, received none: call `await useNativeBackend\(\)` .*\(Error\)/,
  ];
  const errors = lines.filter((line) => line.startsWith('RetinanetOpsError'));
  t.is(errors.length, expected.length, lines.join('\n'));
  for (const [i, pattern] of expected.entries()) t.regex(errors[i] ?? '', pattern);
});

test('a loss that is no number is told in the same shape', async (t) => {
  const broken = createRetinaNet(config);
  tf.tidy(() => {
    broken.model.setWeights(broken.model.getWeights().map((weight) => tf.fill(weight.shape, NaN)));
  });
  const message =
    /^trainRetinaNet: expected a finite loss .*learningRate.* for step 1, received NaN \(images [abc]\.jpg, .*\)$/;
  await t.throwsAsync(trainRetinaNet(broken, goodDataset(), { steps: 2 }), { code: 'ERR_DATA', message });
  broken.dispose();
});

test('pixels that go while they are looked at are no black pictures', async (t) => {
  type Resizable = new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(to: number): void };
  const { images } = goodDataset();
  const buffer = new (ArrayBuffer as unknown as Resizable)(images.length, { maxByteLength: images.length });
  const found = [images, new Uint8Array(buffer)].map((pixels) => detect(net, pixels, { batchSize: 1 }));
  structuredClone(images.buffer, { transfer: [images.buffer as ArrayBuffer] });
  buffer.resize(0);
  for (const one of found) {
    await t.throwsAsync(one, { code: 'ERR_SHAPE', message: /for images, received a buffer that was transferred/ });
  }
});
