import test from 'ava';
import fc from 'fast-check';
import { nms, setNumThreads } from 'retinanet-ops';
import { nmsReference } from './reference/nms.js';
import { f32, goldenCases, i32, type Packed } from './support/goldens.js';
import { offset, shared } from './support/memory.js';
import { integers, random, randomBoxes, uniform } from './support/random.js';

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

test('greedy suppression equals the reference, equal scores in order', (t) => {
  const settings = fc.record({
    n: fc.integer({ min: 0, max: 120 }),
    seed: fc.integer(),
    whole: fc.boolean(),
    levels: fc.constantFrom(1, 4, 1e6),
    iouThreshold: fc.constantFrom(0, 0.3, 0.5, 0.7, 1),
    byClass: fc.boolean(),
    maxOutput: fc.integer({ min: 0, max: 130 }),
  });
  fc.assert(
    fc.property(settings, ({ n, seed, whole, levels, iouThreshold, byClass, maxOutput }) => {
      const next = random(seed);
      const boxes = randomBoxes(next, n, 30, 3, 14, whole);
      const scores = uniform(next, n, -1, 1).map((v) => Math.round(v * levels) / levels);
      const classes = byClass ? integers(next, n, 0, 3) : undefined;
      const want = nmsReference(boxes, scores, iouThreshold, classes);
      t.deepEqual([...nms(boxes, scores, { iouThreshold, classes })], want);
      t.deepEqual([...nms(boxes, scores, { iouThreshold, classes, maxOutput })], want.slice(0, maxOutput));
    }),
    { numRuns: 200, seed: 1 },
  );
});

/** Boxes made to lead an index by place astray: crowds, sizes over many magnitudes, no size, far from zero, on a lattice. */
function awkwardBoxes(next: () => number, count: number, kind: string): Float32Array {
  const boxes = new Float32Array(4 * count);
  const magnitude = { tiny: -16, giant: 18, mixed: 0 }[kind] ?? 0;
  for (let i = 0; i < count; i++) {
    const unit = 10 ** (kind === 'mixed' ? magnitude + 6 * next() - 3 : magnitude);
    const crowd = Math.floor(4 * next());
    const x = kind === 'lattice' ? Math.floor(8 * next()) : crowd * 3 * unit + next() * unit;
    const y = kind === 'lattice' ? Math.floor(8 * next()) : crowd * unit + next() * unit;
    const far = kind === 'far' ? 1e6 : 0;
    const size = () =>
      kind === 'lattice' ? Math.floor(5 * next()) : kind === 'flat' && next() < 0.3 ? 0 : next() * 2 * unit;
    boxes.set([far + x, far + y, far + x + size(), far + y + size()], 4 * i);
  }
  return boxes;
}

test('no box escapes: sizes of every magnitude, crowds, boxes without size, thresholds around the middle', (t) => {
  const settings = fc.record({
    n: fc.integer({ min: 0, max: 700 }),
    seed: fc.integer(),
    kind: fc.constantFrom('plain', 'tiny', 'giant', 'mixed', 'flat', 'far', 'lattice'),
    iouThreshold: fc.oneof(
      fc.constantFrom(0, 1e-6, 0.001, 0.2, 0.499, 0.5, 0.501, 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    classes: fc.constantFrom(0, 1, 2, 80, 1e6),
  });
  fc.assert(
    fc.property(settings, ({ n, seed, kind, iouThreshold, classes }) => {
      const next = random(seed);
      const boxes = awkwardBoxes(next, n, kind);
      const scores = uniform(next, n, -1, 1).map((v) => Math.round(v * 200) / 200);
      const labels = classes === 0 ? undefined : integers(next, n, -classes, classes);
      t.deepEqual(
        [...nms(boxes, scores, { iouThreshold, classes: labels })],
        nmsReference(boxes, scores, iouThreshold, labels),
      );
    }),
    { numRuns: 250, seed: 3 },
  );
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
  for (const n of [300, 2000]) {
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

test('the threshold is .5 unless given, and only more than it suppresses', (t) => {
  const boxes = new Float32Array([0, 0, 10, 10, 0, 0, 5, 10, 0, 0, 6, 10]);
  t.deepEqual([...nms(boxes, new Float32Array([3, 2, 1]))], [0, 1]);
});

test.serial('the same answer for every number of threads', (t) => {
  const next = random(2);
  const boxes = randomBoxes(next, 3000, 400, 5, 60);
  const scores = uniform(next, 3000, 0, 1);
  const classes = integers(next, 3000, 0, 5);
  const want = nmsReference(boxes, scores, 0.5, classes);
  try {
    for (const threads of [1, 2, 3, 8]) {
      setNumThreads(threads);
      t.deepEqual([...nms(boxes, scores, { classes })], want);
    }
  } finally {
    setNumThreads(2);
  }
});

test('empty, shared and offset arrays', (t) => {
  const next = random(3);
  const boxes = randomBoxes(next, 40, 30, 3, 14);
  const scores = uniform(next, 40, 0, 1);
  const classes = integers(next, 40, 0, 2);
  const want = nmsReference(boxes, scores, 0.5, classes);
  for (const place of [shared, offset]) {
    t.deepEqual([...nms(place(boxes), place(scores), { classes: place(classes) })], want);
  }
  t.deepEqual(nms(new Float32Array(0), new Float32Array(0)), new Int32Array(0));
  t.deepEqual(nms(new Float32Array(0), new Float32Array(0), { classes: new Int32Array(0) }), new Int32Array(0));
});
