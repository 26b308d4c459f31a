import test from 'ava';
import { nms } from 'retinanet-ops';
import { nmsReference } from '../reference/nms.js';
import { f32, goldenCases, i32, type Packed } from '../support/goldens.js';
import { integers, random, uniform } from '../support/random.js';

interface GoldenCase {
  name: string;
  boxes: Packed;
  scores: Packed;
  classes: Packed;
  runs: { threshold: number; kept: number[]; keptByClass: number[] }[];
}

test('what is kept is what torchvision keeps, class by class too', (t) => {
  for (const golden of goldenCases<GoldenCase>('nms.json')) {
    const boxes = f32(golden.boxes);
    const scores = f32(golden.scores);
    for (const { threshold, kept, keptByClass } of golden.runs) {
      const where = `${golden.name}, ${threshold}`;
      t.deepEqual([...nms(boxes, scores, { iouThreshold: threshold })], kept, where);
      const byClass = nms(boxes, scores, { iouThreshold: threshold, classes: i32(golden.classes) });
      t.deepEqual([...byClass], keptByClass, where);
      t.deepEqual([...nms(boxes, scores, { iouThreshold: threshold, maxOutput: 3 })], kept.slice(0, 3), where);
    }
  }
});

/**
 * Where a bound on the overlap is tight: a strip along an edge of a larger box, whose share of it is the threshold give or take
 * little; and small boxes all around, so that the places an index looks at are small beside both.
 */
function strips(next: () => number, pairs: number, fillers: number, iouThreshold: number): Float32Array {
  const boxes = new Float32Array(8 * pairs + 4 * fillers);
  for (let i = 0; i < pairs; i++) {
    const side = 20 + 60 * next();
    const [x, y] = [900 * next(), 900 * next()];
    const width = side * Math.min(1, iouThreshold * (1 + 0.02 * (next() - 0.5)));
    const from = next() < 0.5 ? 0 : side - width;
    const strip = next() < 0.5 ? [x + from, y, x + from + width, y + side] : [x, y + from, x + side, y + from + width];
    boxes.set([x, y, x + side, y + side, ...strip], 8 * i);
  }
  for (let i = 0; i < fillers; i++) {
    const [x, y] = [1000 * next(), 1000 * next()];
    boxes.set([x, y, x + 1 + next(), y + 1 + next()], 8 * pairs + 4 * i);
  }
  return boxes;
}

test('a strip along an edge is found, just above the threshold, and left, just below', (t) => {
  const next = random(4);
  for (let run = 0; run < 150; run++) {
    const iouThreshold = 0.02 + 0.9 * next();
    const boxes = strips(next, 40, 1200, iouThreshold);
    const scores = uniform(next, boxes.length / 4, 0, 1);
    t.deepEqual([...nms(boxes, scores, { iouThreshold })], nmsReference(boxes, scores, iouThreshold), `run ${run}`);
  }
});

test('both zeros are one score, and the order of equal scores survives any number of boxes', (t) => {
  for (const n of [300, 2000, 5000]) {
    const boxes = Float32Array.from({ length: 4 * n }, (_, i) => 20 * (i >> 2) + (i % 4 < 2 ? 0 : 10));
    const zeros = Float32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? -0 : 0));
    t.deepEqual(
      [...nms(boxes, zeros)],
      Array.from(zeros, (_, i) => i),
    );
    const falling = zeros.map((_, i) => (i % 2 === 0 ? -Infinity : i % 5));
    t.deepEqual([...nms(boxes, falling)], nmsReference(boxes, falling, 0.5));
  }
});

test('what is asked for of many boxes is the beginning of what all of them keep', (t) => {
  const next = random(7);
  const n = 6000; // more than are compared with each other at a time
  const boxes = new Float32Array(4 * n);
  for (let i = 0; i < n; i++) {
    const [x, y] = [150 * next(), 150 * next()];
    boxes.set([x, y, x + 10 + 50 * next(), y + 10 + 50 * next()], 4 * i);
  }
  const scores = uniform(next, n, 0, 1).map((score) => Math.fround(Math.round(500 * score) / 500));
  const classes = integers(next, n, 0, 3);
  const kept = nmsReference(boxes, scores, 0.5);
  t.true(kept.length > 1000 && kept.length < n / 2, `${kept.length} are kept`);
  for (const maxOutput of [1, 100, 1000, n]) {
    t.deepEqual([...nms(boxes, scores, { maxOutput })], kept.slice(0, maxOutput), `${maxOutput}`);
  }
  t.deepEqual([...nms(boxes, scores, { classes })], nmsReference(boxes, scores, 0.5, classes));
});

test('the threshold is .5 unless given, and only more than it suppresses', (t) => {
  const boxes = new Float32Array([0, 0, 10, 10, 0, 0, 5, 10, 0, 0, 6, 10]);
  t.deepEqual([...nms(boxes, new Float32Array([3, 2, 1]))], [0, 1]);
});
