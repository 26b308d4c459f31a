import test from 'ava';
import fc from 'fast-check';
import { onlineHardExamples, selectHardNegatives } from 'retinanet-ops';
import { hardExamplesReference, hardNegativesReference } from './reference/mining.js';
import { offset, shared } from './support/memory.js';
import { integers, random, randomBoxes, uniform } from './support/random.js';

// Quarters: sums over classes are exact, so that equal losses are equal however they are added.
const quarters = (values: Float32Array) => values.map((v) => Math.round(v * 4) / 4);

test('hard negatives are the reference, hardest first, three for each positive', (t) => {
  const settings = fc.record({
    n: fc.integer({ min: 0, max: 200 }),
    k: fc.constantFrom(1, 1, 4),
    seed: fc.integer(),
    ratio: fc.constantFrom(undefined, 1, 2.5, 3, 100),
  });
  fc.assert(
    fc.property(settings, ({ n, k, seed, ratio }) => {
      const next = random(seed);
      const losses = quarters(uniform(next, n * k, 0, 5));
      const labels = integers(next, n, -2, 8).map((label) => (label > 1 ? -1 : label));
      const got =
        ratio === undefined ? selectHardNegatives(losses, labels) : selectHardNegatives(losses, labels, { ratio });
      t.deepEqual([...got], hardNegativesReference(losses, labels, ratio ?? 3));
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('hard examples are sorted, thinned out by NMS and cut at the count', (t) => {
  const settings = fc.record({
    n: fc.integer({ min: 0, max: 120 }),
    seed: fc.integer(),
    iouThreshold: fc.constantFrom(0.3, 0.7, 1),
    count: fc.integer({ min: 0, max: 64 }),
    equal: fc.boolean(),
  });
  fc.assert(
    fc.property(settings, ({ n, seed, iouThreshold, count, equal }) => {
      const next = random(seed);
      const boxes = randomBoxes(next, n, 30, 3, 14, equal);
      const losses = equal ? quarters(uniform(next, n, 0, 2)) : uniform(next, n, 0, 9);
      const want = hardExamplesReference(losses, boxes, iouThreshold, count);
      t.deepEqual([...onlineHardExamples(losses, boxes, { iouThreshold, count })], want);
    }),
    { numRuns: 200, seed: 2 },
  );
});

test('the overlap threshold of hard examples is .7 unless given', (t) => {
  const boxes = new Float32Array([0, 0, 10, 10, 0, 0, 8, 10, 0, 0, 6, 10]);
  t.deepEqual([...onlineHardExamples(new Float32Array([3, 2, 1]), boxes, { count: 3 })], [0, 2]);
});

test('empty, shared and offset arrays', (t) => {
  const next = random(3);
  const losses = uniform(next, 50, 0, 5);
  const labels = integers(next, 50, -2, 1);
  const boxes = randomBoxes(next, 50, 40);
  for (const place of [shared, offset]) {
    t.deepEqual(selectHardNegatives(place(losses), place(labels)), selectHardNegatives(losses, labels));
    const options = { count: 9 };
    t.deepEqual(onlineHardExamples(place(losses), place(boxes), options), onlineHardExamples(losses, boxes, options));
  }
  const none = new Float32Array(0);
  t.deepEqual(selectHardNegatives(none, new Int32Array(0)), new Int32Array(0));
  t.deepEqual(onlineHardExamples(none, none, { count: 9 }), new Int32Array(0));
});
