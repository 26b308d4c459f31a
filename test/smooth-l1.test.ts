import test from 'ava';
import fc from 'fast-check';
import { setNumThreads, smoothL1Loss, smoothL1LossBackward, smoothL1LossValueAndGrad } from 'retinanet-ops';
import { smoothL1Element } from './reference/smooth-l1.js';
import { asArray, asNumber, bits, mismatch } from './support/compare.js';
import { f32, f64, goldenCases, type Packed } from './support/goldens.js';
import { offset, shared } from './support/memory.js';
import { random, uniform } from './support/random.js';

interface GoldenCase {
  predictions: Packed;
  targets: Packed;
  runs: { beta: number; value: Packed; grad: Packed; sum: number; mean: number }[];
}

// The difference of two float32 numbers is itself rounded once: what an error is relative to.
const differences = (a: Float32Array, b: Float32Array) => a.map((v, i) => Math.max(Math.abs(v), Math.abs(b[i]!)));

test('value and gradient are those of torch', (t) => {
  for (const golden of goldenCases<GoldenCase>('smooth-l1.json')) {
    const predictions = f32(golden.predictions);
    const targets = f32(golden.targets);
    for (const { beta, value, grad, sum, mean } of golden.runs) {
      const size = differences(predictions, targets);
      const scale = beta === 0 ? size : size.map((v) => v * Math.max(1, 1 / beta));
      const none = asArray(smoothL1Loss(predictions, targets, { beta, reduction: 'none' }));
      t.is(mismatch(none, f64(value), { relative: 3e-7, scale }), null, `beta ${beta}`);
      const got = smoothL1LossValueAndGrad(predictions, targets, { beta, reduction: 'sum' });
      t.is(mismatch([asNumber(got.loss)], [sum], { relative: 1e-6 }), null);
      t.is(mismatch(got.grad, f64(grad), { relative: 3e-7, scale }), null, `gradient, beta ${beta}`);
      const average = smoothL1LossValueAndGrad(predictions, targets, { beta, reduction: 'mean' });
      t.is(mismatch([asNumber(average.loss)], [mean], { relative: 1e-6 }), null);
      t.is(
        mismatch(
          average.grad,
          got.grad.map((v) => v / none.length),
          { relative: 3e-7 },
        ),
        null,
      );
    }
  }
});

const settings = fc.record({
  n: fc.integer({ min: 0, max: 200 }),
  seed: fc.integer(),
  beta: fc.constantFrom(0, 1 / 9, 1, 2.5),
  weighted: fc.boolean(),
});

test('reference, sum of none, one pass, weights', (t) => {
  fc.assert(
    fc.property(settings, ({ n, seed, beta, weighted }) => {
      const next = random(seed);
      const [predictions, targets] = [uniform(next, n, -2, 2), uniform(next, n, -2, 2)];
      const weights = weighted ? uniform(next, n, -0.5, 2).map((v) => Math.max(v, 0)) : undefined;
      const options = { beta, weights };
      const want = Array.from(predictions, (v, i) => smoothL1Element(v - targets[i]!, beta));
      const weight = (i: number) => weights?.[i] ?? 1;
      const none = asArray(smoothL1Loss(predictions, targets, { ...options, reduction: 'none' }));
      t.is(
        mismatch(
          none,
          want.map(({ value }, i) => weight(i) * value),
          { relative: 1e-6, absolute: 1e-6 },
        ),
        null,
      );
      const grad = smoothL1LossBackward(predictions, targets, { ...options, reduction: 'sum' });
      t.is(
        mismatch(
          grad,
          want.map((w, i) => weight(i) * w.grad),
          { relative: 1e-6, absolute: 3e-6 },
        ),
        null,
      );
      const sum = asNumber(smoothL1Loss(predictions, targets, { ...options, reduction: 'sum' }));
      t.is(mismatch([sum], [none.reduce((a, b) => a + b, 0)], { relative: 1e-6, absolute: 1e-12 }), null);
      for (const reduction of ['none', 'sum', 'mean'] as const) {
        const all = { ...options, reduction, normalizer: 3 };
        const both = smoothL1LossValueAndGrad(predictions, targets, all);
        t.deepEqual(both.loss, smoothL1Loss(predictions, targets, all));
        t.is(bits(both.grad), bits(smoothL1LossBackward(predictions, targets, all)));
      }
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('gradients are finite differences away from the bends', (t) => {
  const h = 2 ** -8;
  for (const beta of [1 / 9, 1]) {
    for (let x = -3 + 1 / 64; x < 3; x += 1 / 32) {
      if (Math.abs(Math.abs(x) - beta) < 2 * h) continue;
      const at = (v: number) =>
        asNumber(smoothL1Loss(new Float32Array([v]), new Float32Array([0]), { beta, reduction: 'sum' }));
      const grad = smoothL1LossBackward(new Float32Array([x]), new Float32Array([0]), { beta, reduction: 'sum' })[0]!;
      t.true(Math.abs((at(x + h) - at(x - h)) / (2 * h) - grad) < 1e-4);
    }
  }
});

test('weight 0 has no influence; NaN shows in its own place and in the sum', (t) => {
  const targets = new Float32Array(4);
  const predictions = new Float32Array([1, NaN, 2, -Infinity]);
  const clean = smoothL1LossValueAndGrad(predictions, targets, {
    weights: new Float32Array([1, 0, 1, 0]),
    reduction: 'sum',
  });
  t.is(clean.loss, 2);
  t.is(mismatch(clean.grad, [1, 0, 1, 0]), null);
  const none = asArray(smoothL1Loss(predictions, targets, { reduction: 'none' }));
  t.is(mismatch(none, [0.5, NaN, 1.5, Infinity]), null);
  t.true(Number.isNaN(asNumber(smoothL1Loss(predictions, targets, { reduction: 'sum' }))));
  t.is(mismatch(smoothL1LossBackward(predictions, targets, { reduction: 'sum' }), [1, NaN, 1, -1]), null);
});

test('gradOutput multiplies the gradient', (t) => {
  const next = random(4);
  const [predictions, targets, gradOutput] = [
    uniform(next, 30, -2, 2),
    uniform(next, 30, -2, 2),
    uniform(next, 30, -2, 2),
  ];
  const plain = smoothL1LossBackward(predictions, targets, { reduction: 'sum' });
  const doubled = smoothL1LossBackward(predictions, targets, { reduction: 'sum', gradOutput: 2 });
  t.is(bits(doubled), bits(plain.map((v) => 2 * v)));
  const each = smoothL1LossBackward(predictions, targets, { reduction: 'none', gradOutput });
  t.is(
    mismatch(
      each,
      plain.map((v, i) => v * gradOutput[i]!),
      { relative: 3e-7 },
    ),
    null,
  );
});

test.serial('the same bits for every number of threads', (t) => {
  const next = random(5);
  const [predictions, targets] = [uniform(next, 200003, -2, 2), uniform(next, 200003, -2, 2)];
  const seen = new Set<string>();
  try {
    for (const threads of [1, 2, 3, 8]) {
      setNumThreads(threads);
      const { loss, grad } = smoothL1LossValueAndGrad(predictions, targets, { beta: 1 / 9, reduction: 'sum' });
      seen.add(`${asNumber(loss)} ${bits(grad)}`);
    }
  } finally {
    setNumThreads(2);
  }
  t.is(seen.size, 1);
});

test('empty, shared and offset arrays, and out', (t) => {
  const next = random(6);
  const [predictions, targets, weights] = [uniform(next, 9, -2, 2), uniform(next, 9, -2, 2), uniform(next, 9, 0, 2)];
  const want = smoothL1LossValueAndGrad(predictions, targets, { weights, reduction: 'sum' });
  for (const place of [shared, offset]) {
    const out = place(new Float32Array(9));
    const options = { weights: place(weights), reduction: 'sum', out } as const;
    const got = smoothL1LossValueAndGrad(place(predictions), place(targets), options);
    t.is(got.loss, want.loss);
    t.is(got.grad, out);
    t.is(bits(out), bits(want.grad));
    t.is(smoothL1LossBackward(place(predictions), place(targets), options), out);
  }
  const none = new Float32Array(0);
  t.is(smoothL1Loss(none, none, { reduction: 'sum' }), 0);
  t.is(smoothL1LossBackward(none, none).length, 0);
  t.is(asArray(smoothL1Loss(none, none, { reduction: 'none' })).length, 0);
});
