import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  BOX_LOSS_NAMES,
  createRetinaNet,
  detect,
  evaluateDetections,
  LOSS_NAMES,
  trainRetinaNet,
  type TrainingOptions,
  useWasmBackend,
} from 'retinanet-ops/retinanet';

import { fingerprint, squares } from './scenes.js';

test.before(async () => {
  await useWasmBackend();
});

const size = { imageHeight: 64, imageWidth: 64 };
const data = squares(8, 64, 64);
const net = (seed = 0) => createRetinaNet({ ...size, numClasses: 3, seed, pyramidChannels: 16, subnetDepth: 1 });

async function train(options: TrainingOptions) {
  const detector = net();
  const result = await trainRetinaNet(detector, data, { batchSize: 4, threads: 2, ...options });
  return { result, weights: fingerprint(detector) };
}

const LOSSES = [
  ...LOSS_NAMES.map((loss) => ({ loss })),
  ...BOX_LOSS_NAMES.map((boxLoss) => ({ boxLoss })),
  ...BOX_LOSS_NAMES.map((boxLoss) => ({ loss: 'hard-negatives', boxLoss }) as const),
];
for (const names of LOSSES) {
  test.serial(`trains with ${JSON.stringify(names)}`, async (t) => {
    const { result } = await train({ steps: 24, ...names, augment: false });
    const mean = (from: number) => result.history.slice(from, from + 4).reduce((sum, { loss }) => sum + loss, 0) / 4;
    t.true(mean(20) < 0.8 * mean(0), `from ${mean(0)} to ${mean(20)}`);
  });
}

test.serial('a net learns its training images', async (t) => {
  const detector = createRetinaNet({ ...size, numClasses: 3 });
  const result = await trainRetinaNet(detector, data, { steps: 150, batchSize: 4, threads: 2, augment: false });
  t.is(result.steps, 150);
  const found = await detect(detector, data.images);
  const { meanAp } = evaluateDetections(found, data);
  t.true(meanAp > 0.8, `AP ${meanAp}`);
});

test.serial('the same seed gives the same weights to the bit, another seed others', async (t) => {
  const options = { steps: 3, seed: 7 };
  const [first, second, other] = [await train(options), await train(options), await train({ ...options, seed: 8 })];
  t.is(first.weights, second.weights);
  t.deepEqual(
    first.result.history.map(({ loss }) => loss),
    second.result.history.map(({ loss }) => loss),
  );
  t.not(first.weights, other.weights);
});

test.serial('one share of the images and two do the same work', async (t) => {
  // 1e-4: the order of float32 sums differs, and Adam's first steps turn small gradients into full ones.
  const options = { steps: 2, backend: 'wasm' } as const;
  const [one, two] = [await train({ ...options, threads: 1 }), await train({ ...options, threads: 2 })];
  for (const [i, report] of one.result.history.entries()) {
    t.true(Math.abs(report.loss / two.result.history[i]!.loss - 1) < 1e-4);
  }
});

test.serial('reports count up and name their times', async (t) => {
  const seen: number[] = [];
  const { result } = await train({
    steps: 4,
    onStep: (report) => {
      seen.push(report.step);
      t.is(report.steps, 4);
      t.true(report.opsMs > 0 && report.opsMs < report.stepMs);
      t.true(report.step === 4 ? report.etaMs === 0 : report.etaMs > 0);
    },
  });
  t.deepEqual(seen, [1, 2, 3, 4]);
  t.true(result.opsShare > 0 && result.opsShare < 1);
});

test.serial('an abort ends after the current step with what there is', async (t) => {
  const controller = new AbortController();
  const { result } = await train({
    steps: 1000,
    signal: controller.signal,
    onStep: ({ step }) => {
      if (step === 3) controller.abort();
    },
  });
  t.is(result.steps, 3);
  t.is(result.history.length, 3);
  const before = await train({ steps: 1000, signal: AbortSignal.abort() });
  t.is(before.result.steps, 0);
  t.is(before.weights, fingerprint(net()));
});

test.serial('images without objects and images in plain memory train too', async (t) => {
  const empty = {
    ...data,
    length: 2,
    images: Uint8Array.from(data.images.subarray(0, 2 * 64 * 64 * 3)),
    boxes: new Float32Array(0),
    labels: new Int32Array(0),
    offsets: new Int32Array(3),
  };
  const result = await trainRetinaNet(net(), empty, { steps: 2, batchSize: 2, threads: 1 });
  t.true(result.history.every(({ loss, boxLoss }) => Number.isFinite(loss) && boxLoss === 0));
});

test.serial('what the caller throws, and a loss that is no number, end the run with the cause', async (t) => {
  const stop = new Error('enough');
  const thrown = await t.throwsAsync(
    train({
      steps: 5,
      onStep: () => {
        throw stop;
      },
    }),
  );
  t.is(thrown, stop);
  const broken = net();
  const weights = broken.model.getWeights();
  tf.tidy(() => {
    broken.model.setWeights(weights.map((weight) => tf.fill(weight.shape, NaN)));
  });
  await t.throwsAsync(trainRetinaNet(broken, data, { steps: 3, batchSize: 2 }), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_DATA',
    message: /learningRate/,
  });
});

test.serial('what the last step makes of the weights is looked at as well', async (t) => {
  await t.throwsAsync(train({ steps: 1, learningRate: 1e300 }), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_DATA',
    message: /^trainRetinaNet: expected finite weights \(lower learningRate .* for step 1, received (NaN|-?Infinity)$/,
  });
});

test.serial('a net is in one training at a time, and in the next after it', async (t) => {
  const trained = net();
  const first = trainRetinaNet(trained, data, { steps: 1, batchSize: 2 });
  await t.throwsAsync(trainRetinaNet(trained, data, { steps: 1, batchSize: 2 }), {
    code: 'ERR_OPTION',
    message: /a net that no other training changes for net, received one in training$/,
  });
  t.is((await first).steps, 1);
  t.is((await trainRetinaNet(trained, data, { steps: 1, batchSize: 2 })).steps, 1);
  trained.dispose();
});

test.serial('a thread that fails rejects with its cause', async (t) => {
  // Shared memory reaches the threads as it is: spoil it after it has been checked.
  const boxes = new Float32Array(new SharedArrayBuffer(data.boxes.byteLength));
  boxes.set(data.boxes);
  const spoilt = trainRetinaNet(
    net(),
    { ...data, boxes },
    {
      steps: 100,
      batchSize: 4,
      augment: false,
      onStep: () => boxes.fill(NaN),
    },
  );
  await t.throwsAsync(spoilt, { instanceOf: RetinanetOpsError, code: 'ERR_BOX' });
});
