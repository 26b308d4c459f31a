// A training step whose tensors together are larger than a WebAssembly heap can be.
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import test from 'ava';
import { useNativeBackend } from 'retinanet-ops/tfjs';

import { mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';

const GIB = 2 ** 30;
const NEEDED = 7 * GIB;
const enough = process.availableMemory() >= NEEDED;
const withMemory = enough ? test : test.skip;

const SIDE = 2048;
const CHANNELS = 8;
const LAYERS = 8;
/** Parts of the image, each trained on alone: what is pixel by pixel has the sum of their gradients. */
const PARTS = 16;

/** Bytes of the tensors that there are, and the most there were. */
function countBytes() {
  const backend = tf.backend() as tf.KernelBackend & Pick<MathBackendCPU, 'write' | 'disposeData'>;
  const write = backend.write.bind(backend);
  const disposeData = backend.disposeData.bind(backend);
  const bytes = new Map<object, number>();
  const seen = { now: 0, most: 0 };
  backend.write = (values, shape, dtype) => {
    const dataId = write(values, shape, dtype);
    bytes.set(dataId, 4 * tf.util.sizeFromShape(shape));
    seen.now += bytes.get(dataId)!;
    seen.most = Math.max(seen.most, seen.now);
    return dataId;
  };
  backend.disposeData = (dataId, force) => {
    const isGone = disposeData(dataId, force);
    if (isGone) seen.now -= bytes.get(dataId) ?? 0;
    return isGone;
  };
  return seen;
}

withMemory(
  enough ? 'trains past 4 GiB' : `NOT TESTED: training past 4 GiB needs ${NEEDED / GIB} GiB of free memory`,
  async (t) => {
    await useNativeBackend();
    const seen = countBytes();
    const next = random(1);
    const filters = Array.from({ length: LAYERS }, () =>
      tf.variable(tf.tensor4d(uniform(next, CHANNELS ** 2, -0.5, 0.6), [1, 1, CHANNELS, CHANNELS])),
    );
    const image = tf.tidy(() => {
      const pattern = tf.tensor4d(uniform(next, SIDE * CHANNELS * 16, -1, 1), [1, 16, SIDE, CHANNELS]);
      const brightness = tf.tensor4d(uniform(next, SIDE, 0, 1), [1, SIDE, 1, 1]);
      return tf.mul<tf.Tensor4D>(tf.tile(pattern, [1, SIDE / 16, 1, 1]), brightness);
    });
    const loss = (rows: tf.Tensor4D) => () => {
      const y = filters.reduce((x, filter) => tf.relu(tf.conv2d(x, filter, 1, 'valid')), rows);
      return tf.mean<tf.Scalar>(y);
    };
    const gradients = (rows: tf.Tensor4D) => {
      const { value, grads } = tf.variableGrads(loss(rows), filters);
      return { value, grads, values: filters.map(({ name }) => grads[name]!.dataSync<'float32'>()) };
    };

    const { value, grads, values: whole } = gradients(image);
    t.true(seen.most > 4 * GIB, `${seen.most / GIB} GiB`);
    t.true(process.resourceUsage().maxRSS * 1024 > 4 * GIB);
    const sums = whole.map((each) => new Float64Array(each.length));
    for (let part = 0; part < PARTS; part++) {
      const rows = tf.slice(image, [0, (part * SIDE) / PARTS, 0, 0], [1, SIDE / PARTS, SIDE, CHANNELS]);
      const { values, ...rest } = gradients(rows);
      for (const [i, each] of values.entries())
        for (const [j, gradient] of each.entries()) sums[i]![j]! += gradient / PARTS;
      tf.dispose([rows, rest.value, rest.grads]);
    }
    for (const [i, each] of whole.entries()) t.is(mismatch(each, sums[i]!, { relative: 1e-4, absolute: 1e-5 }), null);
    t.true(whole.every((each) => each.some((gradient) => Math.abs(gradient) > 1e-3)));

    const sample = tf.slice(image, [0, 0, 0, 0], [1, 64, SIDE, CHANNELS]);
    const lossOfSample = () => tf.tidy(() => loss(sample)().dataSync()[0]!);
    const before = lossOfSample();
    tf.train.sgd(0.1).applyGradients(grads);
    const after = lossOfSample();
    t.true(after < before, `from ${before} to ${after}`);
    tf.dispose(value);
    t.log(`${(seen.most / GIB).toFixed(1)} GiB of tensors`);
  },
);
