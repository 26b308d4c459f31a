// A user's tests that reset modules while objects of before live on. The package is inlined, so that it is reset too.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import { expect, test, vi } from 'vitest';
import { GRID, tensorCalls, written } from './calls.mjs';

const boxes = Float32Array.of(0, 0, 32, 32);
const labels = Int32Array.of(1);

async function load() {
  vi.resetModules();
  return { ops: await import('retinanet-ops'), tensors: await import('retinanet-ops/tfjs') };
}

test('a grid of before the reset is as good as a new one', async () => {
  const [before, after] = [await load(), await load()];
  expect(after.ops.AnchorGrid).not.toBe(before.ops.AnchorGrid);
  const [old, grid] = [new before.ops.AnchorGrid(GRID), new after.ops.AnchorGrid(GRID)];
  const assigned = after.ops.assignAnchors(grid, boxes, labels);
  expect(after.ops.assignAnchors(old, boxes, labels)).toEqual(assigned);
  expect(before.ops.assignAnchors(grid, boxes, labels)).toEqual(assigned);
  const outputs = { classLogits: new Float32Array(grid.count).fill(3), boxDeltas: new Float32Array(4 * grid.count) };
  expect(after.ops.decodeDetections({ ...outputs, anchors: old })).toEqual(
    after.ops.decodeDetections({ ...outputs, anchors: grid }),
  );
  const decoded = Array.from(after.ops.decodeBoxes(grid, outputs.boxDeltas));
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    for (const { tensors } of [after, before, after]) {
      for (const anchors of [old, grid]) {
        const { positives } = tensors.assignAnchors(anchors, boxes, labels);
        expect(written(positives).values).toEqual(Array.from(assigned.positives));
        const deltas = tf.zeros([grid.count, 4]);
        expect(written(tensors.decodeBoxes(anchors, deltas)).values).toEqual(decoded);
        expect(() => tf.grad((x) => tf.sum(tensors.decodeBoxes(anchors, x)))(deltas)).not.toThrow();
      }
    }
  }
});

test('look-alikes of such a grid are refused', async () => {
  const [before, after] = [await load(), await load()];
  const { AnchorGrid } = before.ops;
  const changed = Object.assign(new AnchorGrid(GRID), { strides: [9, 16, 32, 64, 128] });
  const later = Object.assign(new AnchorGrid(GRID), { centreOffset: 0 });
  for (const fake of [Object.create(AnchorGrid.prototype), changed, later]) {
    expect(() => after.ops.assignAnchors(fake, boxes, labels)).toThrow(
      expect.objectContaining({
        code: 'ERR_DTYPE',
        message: expect.stringMatching(/for anchors, received an AnchorGrid of another copy of retinanet-ops/),
      }),
    );
  }
});

test('tensors of before the reset, and kernels of both', async () => {
  const f32 = (...values) => Float32Array.from(values);
  const i32 = (...values) => Int32Array.from(values);
  const [before, after] = [await load(), await load()];
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    const [old, now] = [before, after].map(({ tensors }) => tensorCalls(tf, tensors, f32, i32));
    for (const name of Object.keys(now)) expect(written(old[name]()), name).toEqual(written(now[name]()));
    const codes = [before, after].map(({ tensors }) => {
      try {
        tensors.nms(tf.zeros([2, 4]), tf.fill([2], NaN));
      } catch (error) {
        return [error.code, error instanceof tensors.RetinanetOpsError];
      }
    });
    expect(codes).toEqual([
      ['ERR_RANGE', true],
      ['ERR_RANGE', true],
    ]);
  }
});

test('a tensor of another realm is refused, and the message says why', async () => {
  const { tensors } = await load();
  const foreign = { dataSync: () => boxes, throwIfDisposed() {}, dtype: 'float32', shape: [1, 4], dataId: {} };
  expect(() => tensors.boxIou(foreign, boxes)).toThrow(/tfjs-core.* for a, received one of another copy of it/);
});
