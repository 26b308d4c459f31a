// Training and detection on every backend of TensorFlow.js that they know.
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import { backendInfo, RetinanetOpsError, setNumThreads } from 'retinanet-ops';
import {
  createRetinaNet,
  detect,
  trainRetinaNet,
  type TrainingOptions,
  useNativeBackend,
  useWasmBackend,
} from 'retinanet-ops/retinanet';

import { runScript } from '../support/child.js';
import { mismatch } from '../support/compare.js';
import { fingerprint, squares } from './scenes.js';

// Sizes that no stride divides, so that paddings and the upsampling's cut are on both sides.
const size = { imageHeight: 44, imageWidth: 52 };
const data = squares(4, size.imageHeight, size.imageWidth);
const net = () =>
  createRetinaNet({ ...size, numClasses: 3, seed: 3, pyramidLevels: [4, 6], pyramidChannels: 8, subnetDepth: 1 });

test.before(async () => {
  await useNativeBackend();
});

test.afterEach.always(async () => {
  await tf.setBackend('native');
});

async function train(options: TrainingOptions) {
  const detector = net();
  const { history } = await trainRetinaNet(detector, data, { steps: 4, batchSize: 4, augment: false, ...options });
  const result = { losses: history.map(({ loss }) => loss), weights: fingerprint(detector) };
  detector.dispose();
  return result;
}

test.serial('all backends train to the same curve', async (t) => {
  // Few images: plain JavaScript takes seconds for each.
  const few = { threads: 2, batchSize: 2, steps: 3 };
  const expected = await train({ ...few, backend: 'native' });
  t.true(expected.losses.at(-1)! < 0.9 * expected.losses[0]!, expected.losses.join());
  // Before the first update only the rounding of sums differs; Adam then turns gradients of any size into whole steps.
  const tolerance = [2e-6, 1e-4, 1e-3];
  for (const backend of ['wasm', 'cpu'] as const) {
    const { losses } = await train({ ...few, backend });
    t.is(losses.length, tolerance.length);
    for (const [i, loss] of losses.entries()) {
      const difference = Math.abs(loss / expected.losses[i]! - 1);
      t.true(difference <= tolerance[i]!, `${backend}, step ${i}: ${difference}`);
    }
  }
});

test.serial('without a choice it is native, wherever the net is; current is the one in use', async (t) => {
  const native = await train({ backend: 'native', threads: 2, steps: 2 });
  await useWasmBackend();
  t.is((await train({ threads: 2, steps: 2 })).weights, native.weights);
  t.is(tf.getBackend(), 'wasm');
  const wasm = await train({ backend: 'wasm', threads: 2, steps: 2 });
  t.is((await train({ backend: 'current', threads: 2, steps: 2 })).weights, wasm.weights);
  t.not(wasm.weights, native.weights);
});

test.serial('any number of threads computes the same bits', async (t) => {
  for (const batchSize of [1, 3]) {
    const one = await train({ threads: 1, batchSize, steps: 3 });
    for (const threads of [2, 3, 5]) {
      t.is((await train({ threads, batchSize, steps: 3 })).weights, one.weights, `${threads}, ${batchSize}`);
    }
  }
});

test.serial("training leaves this thread's own threads what they are", async (t) => {
  setNumThreads(3);
  try {
    await train({ threads: 2, steps: 1, onStep: () => t.is(backendInfo().numThreads, 3) });
    t.is(backendInfo().numThreads, 3);
  } finally {
    setNumThreads(0);
  }
});

test.serial('a current backend that threads cannot start is refused', async (t) => {
  tf.registerBackend('foreign', () => new MathBackendCPU());
  tf.copyRegisteredKernels('cpu', 'foreign');
  const detector = net();
  await tf.setBackend('foreign');
  const error = await t.throwsAsync(trainRetinaNet(detector, data, { steps: 1, backend: 'current' }), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_BACKEND',
  });
  t.is(
    error.message,
    "trainRetinaNet: expected one that worker threads can start ('native', 'wasm', 'cpu') for backend 'current', received 'foreign'",
  );
  // A net on it detects there, where its tensors are.
  await detect(detector, data.images);
  t.is(tf.engine().backendName, 'foreign');
  detector.dispose();
});

test.serial('detection finds the same on every backend and leaves the current one', async (t) => {
  const detector = net();
  await trainRetinaNet(detector, data, { steps: 60, batchSize: 4, threads: 2, augment: false });
  const expected = await detect(detector, data.images, { backend: 'native' });
  t.true(expected.scores.length > 0);
  for (const current of ['wasm', 'native', 'cpu']) {
    if (current === 'wasm') await useWasmBackend();
    else await tf.setBackend(current);
    for (const backend of ['wasm', 'cpu', 'current', 'native', undefined] as const) {
      const found = await detect(detector, data.images, { ...(backend && { backend }), batchSize: 3 });
      t.is(tf.getBackend(), current);
      t.deepEqual(found.labels, expected.labels);
      t.deepEqual(found.offsets, expected.offsets);
      // Sums in another order, through all layers.
      t.is(mismatch(found.scores, expected.scores, { relative: 1e-4 }), null, `${current}, ${String(backend)}`);
    }
  }
  detector.dispose();
});

test('calls at once that need the native backend register it once', (t) => {
  const { stdout, stderr } = runScript('native-backend-at-once.js', []);
  t.is(stdout.trim(), '0,0 0,0 wasm', stderr);
  t.is(stderr, '');
});

test('a backend whose package is missing is named', (t) => {
  const { stdout, stderr } = runScript('without-cpu-backend.js', []);
  const expected = 'expected the package @tensorflow/tfjs-backend-cpu, received no such package';
  t.deepEqual(
    stdout.trim().split('\n'),
    [
      `useNativeBackend: ERR_BACKEND useNativeBackend: ${expected}`,
      `on native: ERR_BACKEND useNativeBackend: ${expected}`,
      `on cpu: ERR_BACKEND backend 'cpu': ${expected}`,
      '0,0',
    ],
    stderr,
  );
});
