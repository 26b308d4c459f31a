import test from 'ava';
import { onlineHardExamples, selectHardNegatives } from 'retinanet-ops';
import { exactFloorOfProduct } from '../reference/mining.js';
import { EVERY } from './driver/calls.js';

test('an image without positives gets as many negatives as asked for, and no more than there are', (t) => {
  const losses = Float32Array.of(1, 5, 3, 9, 4);
  const labels = Int32Array.of(-1, -1, -1, -2, -1);
  const kept = (options: object) => [...selectHardNegatives(losses, labels, options)];
  t.deepEqual(kept({}), []);
  t.deepEqual(kept({ minNegatives: 2 }), [1, 4]);
  t.deepEqual(kept({ minNegatives: 100 }), [1, 4, 2, 0]);
  labels[0] = 7; // one positive: three negatives, which is more than two
  t.deepEqual(kept({ minNegatives: 2 }), [1, 4, 2]);
  t.deepEqual(kept({ minNegatives: 2, ratio: 1 }), [1, 4]);
});

test('a decimal ratio gives the decimal product', (t) => {
  const most = 1300;
  const losses = new Float32Array(2 * most);
  const kept = (ratio: number, positives: number) => {
    const rows = positives + Math.ceil(ratio * positives) + 2;
    const labels = new Int32Array(rows).fill(-1).fill(0, 0, positives);
    return selectHardNegatives(losses.subarray(0, rows), labels, { ratio }).length;
  };
  for (const [ratio, count, want] of [
    [0.29, 100, 29],
    [0.07, 100, 7],
    [1.1, 10, 11],
    [4.35, 100, 435],
    [0.57, 100, 57],
    [0.3, 9, 2],
    [0.1 + 0.2, 10, 3],
    [1 / 3, 3, 1],
    [2 / 3, 9, 6],
    [0.999, 1000, 999],
    [Number.MIN_VALUE, 100, 0],
  ] as const) {
    t.is(kept(ratio, count), want, `${String(ratio)} * ${String(count)}`);
  }
  const wrong: string[] = [];
  let products = 0;
  const compare = (ratio: number, count: number) => {
    if (products++ % EVERY ** 2 !== 0) return; // the emulator takes tens of milliseconds for one
    if (kept(ratio, count) !== exactFloorOfProduct(ratio, count)) wrong.push(`${String(ratio)} * ${String(count)}`);
  };
  for (let k = 0; k <= 400; k++) for (let count = 0; count <= 200; count++) compare(k / 100, count);
  for (let k = 1; k <= 999; k += 2)
    for (const count of [8, 10, 125, 250, 333, 500, 999, 1000]) compare(k / 1000, count);
  t.deepEqual(wrong, []);
});

test('a row whose losses cancel to NaN is no negative', (t) => {
  const losses = Float32Array.of(1, 1, Infinity, -Infinity, 2, 2, -Infinity, Infinity);
  const labels = new Int32Array(4).fill(-1);
  t.deepEqual([...selectHardNegatives(losses, labels, { minNegatives: 4 })], [2, 0]);
});

test('the overlap threshold of hard examples is .7 unless given', (t) => {
  const boxes = new Float32Array([0, 0, 10, 10, 0, 0, 8, 10, 0, 0, 6, 10]);
  t.deepEqual([...onlineHardExamples(new Float32Array([3, 2, 1]), boxes, { count: 3 })], [0, 2]);
});
