// A user's tests under vmThreads, whose test files have a realm of their own. `expected.json` was made without.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import * as ops from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import * as tensors from 'retinanet-ops/tfjs';
import { expect, test } from 'vitest';
import { GRID, read, tensorCalls, written } from './calls.mjs';

const expected = JSON.parse(readFileSync(new URL('./expected.json', import.meta.url), 'utf8'));

// This realm's arrays, Node.js' own (what workers, streams and addons give), and a third realm's.
const own = {
  Float32Array: (...values) => Float32Array.from(values),
  Int32Array: (...values) => Int32Array.from(values),
};
const foreign = vm.runInNewContext(`({
  Float32Array: (...values) => Float32Array.from(values), Int32Array: (...values) => Int32Array.from(values),
})`);
const node = {
  Float32Array: (...values) => globalThis.structuredClone(foreign.Float32Array(...values)),
  Int32Array: (...values) => globalThis.structuredClone(foreign.Int32Array(...values)),
};
const realms = { own, foreign, node };

test('this is a realm apart from where addons are loaded', () => {
  expect(foreign.Float32Array(1) instanceof Float32Array).toBe(false);
  expect(process.constructor.constructor('return Float32Array')()).not.toBe(Float32Array);
});

/** Every typed array in a result is of the consumer's realm. */
function ofThisRealm(result) {
  if (ArrayBuffer.isView(result)) return result instanceof Float32Array || result instanceof Int32Array;
  return typeof result !== 'object' || result === null || Object.values(result).every(ofThisRealm);
}

for (const [realm, arrays] of Object.entries(realms)) {
  test(`typed arrays: ${realm}`, async () => {
    for (const { name, args, result } of expected.operations) {
      const got = ops[name](...read(args, arrays));
      expect(written(got), name).toEqual(result);
      expect(ofThisRealm(got), name).toBe(true);
      const later = await promises[name](...read(args, arrays));
      expect(written(later), name).toEqual(result);
      expect(ofThisRealm(later), name).toBe(true);
    }
  });

  for (const backend of ['cpu', 'wasm']) {
    test(`tensors on ${backend}: ${realm}`, async () => {
      await tf.setBackend(backend);
      const calls = tensorCalls(tf, tensors, arrays.Float32Array, arrays.Int32Array);
      for (const [name, call] of Object.entries(calls)) {
        // JSON has no -0.
        expect(JSON.parse(JSON.stringify(written(call()))), name).toEqual(expected.tensors[name]);
      }
      const { positives } = tensors.assignAnchors(new tensors.AnchorGrid(GRID), [[0, 0, 32, 32]], [1]);
      expect(positives.dtype).toBe('int32');
      expect(Array.from(positives.dataSync().slice(0, 4))).toEqual([81, 82, 83, 85]);
      expect(positives.dataSync() instanceof Int32Array).toBe(true);
    });
  }
}

test('the kernels that training on wasm needs', async () => {
  tensors.enableWasmTraining();
  const gradients = [];
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    const loss = (image, filter) => tf.sum(tf.square(tf.maxPool(tf.conv2d(image, filter, 1, 'same'), 2, 2, 'valid')));
    const [image, filter] = [tf.reshape(tf.range(0, 32), [1, 4, 4, 2]), tf.reshape(tf.range(-4, 4), [2, 2, 2, 1])];
    gradients.push(tf.grads(loss)([image, filter]).map(written));
  }
  expect(gradients[1]).toEqual(gradients[0]);
  expect(gradients[0][1].values.some((value) => value !== 0)).toBe(true);
});

test('errors', async () => {
  const call = [Float32Array.of(1), Int32Array.of(5), { numClasses: 1 }];
  for (const run of [() => ops.sigmoidFocalLoss(...call), () => tensors.sigmoidFocalLoss([[1]], [5])]) {
    expect(run).toThrow(expect.objectContaining({ code: 'ERR_LABEL', name: 'RetinanetOpsError' }));
    expect(run).toThrow(Error);
  }
  await expect(promises.sigmoidFocalLoss(...call)).rejects.toMatchObject({ code: 'ERR_LABEL' });
});
