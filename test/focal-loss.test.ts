import test from 'ava';
import fc from 'fast-check';
import {
  backendInfo,
  setNumThreads,
  sigmoidFocalLoss,
  sigmoidFocalLossBackward,
  sigmoidFocalLossValueAndGrad,
  priorBias,
} from 'retinanet-ops';
import { focalElement, focalLossReference } from './reference/focal-loss.js';
import { asArray, asNumber, bits, mismatch } from './support/compare.js';
import { f32, f64, goldenCases, type Packed } from './support/goldens.js';
import { offset, shared } from './support/memory.js';
import { integers, random, reorder, shuffled, uniform } from './support/random.js';

interface GoldenCase {
  kind: 'hard' | 'soft';
  logits: Packed;
  targets: Packed;
  runs: { alpha: number; gamma: number; value: Packed; grad: Packed; sum: number; mean: number }[];
}

// torchvision's cases are named by its own conventions: alpha below zero is off.
const alphaOf = (alpha: number) => (alpha < 0 ? null : alpha);

test('value and gradient are those of torchvision', (t) => {
  for (const golden of goldenCases<GoldenCase>('focal-loss.json')) {
    const logits = f32(golden.logits);
    const targets = f32(golden.targets);
    const numClasses = golden.logits.shape[1]!;
    for (const run of golden.runs) {
      const options = { numClasses, alpha: alphaOf(run.alpha), gamma: run.gamma };
      const where = `${golden.kind} [${golden.logits.shape.join(', ')}] alpha ${run.alpha} gamma ${run.gamma}`;
      const none = asArray(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'none' }));
      t.is(mismatch(none, f64(run.value), { relative: 1e-6 }), null, where);
      const sum = asNumber(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'sum' }));
      t.is(mismatch([sum], [run.sum], { relative: 1e-6 }), null, where);
      const mean = asNumber(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'mean' }));
      t.is(mismatch([mean], [run.mean], { relative: 1e-6 }), null, where);
      const grad = sigmoidFocalLossBackward(logits, targets, options);
      t.is(mismatch(grad, f64(run.grad), { relative: 1e-6 }), null, `gradient, ${where}`);
      const meanGrad = sigmoidFocalLossBackward(logits, targets, { ...options, reduction: 'mean' });
      const wanted = f64(run.grad).map((v) => v / logits.length);
      t.is(mismatch(meanGrad, wanted, { relative: 1e-6 }), null, `gradient of the mean, ${where}`);
    }
  }
});

test('class indices are the rows of a one-hot matrix', (t) => {
  const next = random(1);
  for (const [n, k] of [
    [1, 1],
    [7, 1],
    [5, 3],
    [64, 80],
    [33, 17],
  ] as const) {
    const logits = uniform(next, n * k, -8, 8);
    const labels = integers(next, n, -1, k);
    const dense = new Float32Array(n * k);
    labels.forEach((label, row) => {
      if (label >= 0) dense[row * k + label] = 1;
    });
    for (const reduction of ['none', 'sum', 'mean'] as const) {
      const byIndex = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: k, reduction });
      const byMatrix = sigmoidFocalLossValueAndGrad(logits, dense, { numClasses: k, reduction });
      if (reduction === 'none') {
        t.is(bits(asArray(byIndex.loss)), bits(asArray(byMatrix.loss)));
      } else {
        t.is(mismatch([asNumber(byIndex.loss)], [asNumber(byMatrix.loss)], { relative: 2e-7 }), null); // rounded elsewhere
      }
      t.is(bits(byIndex.grad), bits(byMatrix.grad));
      t.is(byIndex.numPositives, labels.filter((label) => label >= 0).length);
    }
  }
});

test('the formula of the seed: gamma .5 without alpha', (t) => {
  const logits = new Float32Array([0.1, 0.5, 0.7, 0.8]);
  const options = { numClasses: 1, alpha: null, gamma: 0.5 };
  for (const targets of [new Float32Array([1, 0, 1, 0]), new Int32Array([0, -1, 0, -1])]) {
    t.true(Math.abs(asNumber(sigmoidFocalLoss(logits, targets, options)) - 2.417657278795722) < 1e-6);
  }
});

const settings = fc.record({
  n: fc.integer({ min: 0, max: 40 }),
  k: fc.integer({ min: 1, max: 20 }),
  seed: fc.integer(),
  extent: fc.constantFrom(1, 6, 20, 100),
  alpha: fc.constantFrom<number | null | 'each'>(null, 0, 0.25, 0.5, 0.99, 1, 'each'),
  gamma: fc.oneof(
    fc.constantFrom<number | 'each'>(0, 0.5, 1, 2, 5, 'each'),
    fc.double({ min: 0, max: 5, noNaN: true }),
  ),
  labelSmoothing: fc.constantFrom(0, 0, 0.1, 0.5),
  soft: fc.boolean(),
  weighted: fc.boolean(),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

function build(s: Settings) {
  const next = random(s.seed);
  const logits = uniform(next, s.n * s.k, -s.extent, s.extent);
  const targets = s.soft
    ? uniform(next, s.n * s.k, 0, 1).map((v) => (v < 0.2 ? 0 : v > 0.9 ? 1 : v))
    : integers(next, s.n, -2, s.k);
  const anchorWeights = s.weighted ? uniform(next, s.n, -0.5, 2).map((v) => Math.max(v, 0)) : undefined;
  const alpha = s.alpha === 'each' ? uniform(next, s.k, 0, 1) : s.alpha;
  const gamma = s.gamma === 'each' ? uniform(next, s.k, 0, 5) : s.gamma;
  return {
    logits,
    targets,
    options: { numClasses: s.k, alpha, gamma, labelSmoothing: s.labelSmoothing, anchorWeights },
  };
}

test('value and gradient keep to the float64 reference over all options', (t) => {
  fc.assert(
    fc.property(settings, (s) => {
      const { logits, targets, options } = build(s);
      const want = focalLossReference(logits, targets, options);
      const none = asArray(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'none' }));
      t.is(mismatch(none, want.value, { relative: 1e-6 }), null);
      t.is(mismatch([asNumber(sigmoidFocalLoss(logits, targets, options))], [want.sum], { relative: 1e-6 }), null);
      const grad = sigmoidFocalLossBackward(logits, targets, options);
      t.is(mismatch(grad, want.grad, { relative: 1e-6 }), null);
    }),
    { numRuns: 400, seed: 5 },
  );
});

test('every logit from -100 to 100 keeps the bound, for every gamma', (t) => {
  const logits = Float32Array.from({ length: 20001 }, (_, i) => (i - 10000) / 100);
  for (const gamma of [0, 0.1, 0.5, 0.9, 1, 1.5, 2, 3, 3.7, 5]) {
    for (const label of [0, -1]) {
      const labels = new Int32Array(logits.length).fill(label);
      const options = { numClasses: 1, gamma };
      const want = focalLossReference(logits, labels, options);
      const got = sigmoidFocalLossValueAndGrad(logits, labels, { ...options, reduction: 'none' });
      t.is(mismatch(asArray(got.loss), want.value, { relative: 1e-6 }), null, `value, gamma ${gamma}, label ${label}`);
      t.is(mismatch(got.grad, want.grad, { relative: 1e-6 }), null, `gradient, gamma ${gamma}, label ${label}`);
    }
  }
});

test('the reference gradient is the derivative of the reference value', (t) => {
  const next = random(2);
  for (let i = 0; i < 4000; i++) {
    const x = -20 + 40 * next();
    const target = i % 3 === 0 ? i % 2 : next();
    const gamma = [0, 0.5, 1, 2, 5][i % 5]!;
    const smoothing = i % 4 === 0 ? 0.1 : 0;
    const at = (shift: number) => focalElement(x + shift, target, 0.25, gamma, smoothing).value;
    const h = 1e-3;
    const difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    const { grad } = focalElement(x, target, 0.25, gamma, smoothing);
    t.true(Math.abs(difference - grad) <= 1e-9 * Math.max(Math.abs(grad), 1), `x ${x} target ${target} gamma ${gamma}`);
  }
});

test('the gradient is the finite difference of the public value', (t) => {
  const next = random(3);
  const h = 2 ** -6; // logits on a grid of 2^-10, so that x - h and x + h are exact in float32
  for (let i = 0; i < 400; i++) {
    const x = Math.round((-8 + 16 * next()) * 1024) / 1024;
    const targets = new Float32Array([i % 3 === 0 ? i % 2 : next()]);
    const options = { numClasses: 1, gamma: [0, 0.5, 1, 2, 5][i % 5]!, labelSmoothing: i % 4 === 0 ? 0.1 : 0 };
    const at = (v: number) => asNumber(sigmoidFocalLoss(new Float32Array([v]), targets, options));
    const difference = (at(x + h) - at(x - h)) / (2 * h);
    const grad = sigmoidFocalLossBackward(new Float32Array([x]), targets, options)[0]!;
    t.true(Math.abs(difference - grad) < 3e-4 * (1 + Math.abs(grad)), `x ${x}: ${difference}, ${grad}`);
  }
});

test('properties: sum of none, one pass, permutation, scaling', (t) => {
  fc.assert(
    fc.property(settings, (s) => {
      const { logits, targets, options } = build(s);
      const none = asArray(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'none' }));
      const sum = asNumber(sigmoidFocalLoss(logits, targets, options));
      t.is(mismatch([none.reduce((a, b) => a + b, 0)], [sum], { relative: 1e-6 }), null);
      if (logits.length > 0) {
        const mean = asNumber(sigmoidFocalLoss(logits, targets, { ...options, reduction: 'mean' }));
        t.is(mismatch([mean * logits.length], [sum], { relative: 1e-12 }), null);
      }
      for (const reduction of ['none', 'sum', 'mean'] as const) {
        for (const normalizer of [1, 3.5, 'positives'] as const) {
          if (s.soft && normalizer === 'positives') continue;
          const all = { ...options, reduction, normalizer };
          const both = sigmoidFocalLossValueAndGrad(logits, targets, all);
          t.deepEqual(both.loss, sigmoidFocalLoss(logits, targets, all));
          t.is(bits(both.grad), bits(sigmoidFocalLossBackward(logits, targets, all)));
        }
      }
      const order = shuffled(random(s.seed), s.n);
      const moved = asArray(
        sigmoidFocalLoss(reorder(logits, order, s.k), reorder(targets, order, s.soft ? s.k : 1), {
          ...options,
          anchorWeights: options.anchorWeights && reorder(options.anchorWeights, order, 1),
          reduction: 'none',
        }),
      );
      t.is(bits(moved), bits(reorder(none, order, s.k)));
    }),
    { numRuns: 150, seed: 6 },
  );
});

test('the normalizer divides value and gradient', (t) => {
  const next = random(4);
  const logits = uniform(next, 60, -4, 4);
  const labels = integers(next, 20, -2, 3);
  labels.set([0, 2, -1, -2]);
  const positives = labels.filter((label) => label >= 0).length;
  const plain = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 3 });
  for (const [normalizer, divisor] of [
    [4, 4],
    ['positives', positives],
  ] as const) {
    const got = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 3, normalizer });
    t.is(mismatch([asNumber(got.loss)], [asNumber(plain.loss) / divisor], { relative: 1e-12 }), null);
    t.is(
      mismatch(
        got.grad,
        plain.grad.map((v) => v / divisor),
        { relative: 3e-7 },
      ),
      null,
    );
  }
  const none = new Int32Array(20).fill(-1); // no positives: the divisor stays 1
  t.is(
    asNumber(sigmoidFocalLoss(logits, none, { numClasses: 3, normalizer: 'positives' })),
    asNumber(sigmoidFocalLoss(logits, none, { numClasses: 3 })),
  );
});

test('gradOutput multiplies the gradient: a number, or one of each element', (t) => {
  const next = random(8);
  const logits = uniform(next, 51, -6, 6);
  const labels = integers(next, 17, -2, 3);
  const plain = sigmoidFocalLossBackward(logits, labels, { numClasses: 3 });
  const doubled = sigmoidFocalLossBackward(logits, labels, { numClasses: 3, gradOutput: 2 });
  t.is(bits(doubled), bits(plain.map((v) => 2 * v)));
  const gradOutput = uniform(next, 51, -2, 2);
  const each = sigmoidFocalLossBackward(logits, labels, { numClasses: 3, reduction: 'none', gradOutput });
  t.is(
    mismatch(
      each,
      plain.map((v, i) => v * gradOutput[i]!),
      { relative: 3e-7 },
    ),
    null,
  );
});

test('ignored anchors have no gradient and no influence, whatever their logits', (t) => {
  fc.assert(
    fc.property(settings, fc.constantFrom(NaN, Infinity, -Infinity, 1e30), (s, poison) => {
      const { logits, targets, options } = build(s);
      const ignored = Array.from({ length: s.n }, (_, row) => row % 3 === 1);
      const anchorWeights = Float32Array.from(ignored, (off, row) => (off ? 0 : (options.anchorWeights?.[row] ?? 1)));
      const poisoned = logits.map((v, i) => (ignored[Math.floor(i / s.k)] ? poison : v));
      const run = (values: Float32Array, labels: typeof targets, weights: Float32Array | undefined) =>
        sigmoidFocalLossValueAndGrad(values, labels, { ...options, anchorWeights: weights });
      const want = run(logits, targets, anchorWeights);
      const got = run(poisoned, targets, anchorWeights);
      t.is(asNumber(got.loss), asNumber(want.loss));
      t.is(bits(got.grad), bits(want.grad));
      t.true(got.grad.every((v, i) => !ignored[Math.floor(i / s.k)] || v === 0));
      if (targets instanceof Int32Array) {
        const labels = targets.map((label, row) => (ignored[row] ? -2 : label));
        const byLabel = run(poisoned, labels, options.anchorWeights);
        const unpoisoned = run(logits, labels, options.anchorWeights);
        t.is(asNumber(byLabel.loss), asNumber(unpoisoned.loss));
        t.is(bits(byLabel.grad), bits(unpoisoned.grad));
        if (backendInfo().active === 'cpu') {
          t.is(asNumber(byLabel.loss), asNumber(want.loss));
          t.true(byLabel.grad.every((v, i) => v === want.grad[i]));
        } else {
          // CUDA has another kernel for calls with weights, which sums in another order.
          const close = (x: number, y: number) => Math.abs(x - y) <= 1e-6 * Math.abs(y);
          t.true(close(asNumber(byLabel.loss), asNumber(want.loss)));
          t.true(byLabel.grad.every((v, i) => close(v, want.grad[i] ?? NaN)));
        }
      }
    }),
    { numRuns: 100, seed: 7 },
  );
});

test('infinite logits have their limits', (t) => {
  for (const gamma of [0, 0.5, 1, 2]) {
    const logits = new Float32Array([-Infinity, Infinity, -Infinity, Infinity]);
    const labels = new Int32Array([-1, -1, 0, 0]);
    for (const [alpha, ofNegative, ofPositive] of [
      [0.25, 0.75, -0.25],
      [null, 1, -1],
    ] as const) {
      const options = { numClasses: 1, alpha, gamma, reduction: 'none' } as const;
      const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, labels, options);
      t.deepEqual([...asArray(loss)], [0, Infinity, Infinity, 0], `gamma ${gamma}`);
      t.is(mismatch(grad, [0, ofNegative, ofPositive, 0]), null, `gamma ${gamma}`);
    }
  }
});

test('NaN stays in its row and shows in the sum', (t) => {
  const logits = new Float32Array([1, 2, 3, NaN, 5, 6]);
  for (const targets of [new Int32Array([0, 1, -1]), new Float32Array([1, 0, 0.5, 1, 0, 0])]) {
    const options = { numClasses: 2 };
    const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, targets, { ...options, reduction: 'none' });
    t.deepEqual([...asArray(loss)].map(Number.isNaN), [false, false, false, true, false, false]);
    t.deepEqual([...grad].map(Number.isNaN), [false, false, false, true, false, false]);
    t.true(Number.isNaN(asNumber(sigmoidFocalLoss(logits, targets, options))));
  }
});

test.serial('the same bits for every number of threads', (t) => {
  const next = random(9);
  const [n, k] = [30011, 9];
  const logits = uniform(next, n * k, -12, 12);
  const labels = integers(next, n, -2, k);
  const dense = uniform(next, n * k, 0, 1);
  try {
    for (const targets of [labels, dense]) {
      const seen = new Set<string>();
      for (const threads of [1, 2, 3, 8]) {
        setNumThreads(threads);
        const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, targets, { numClasses: k, normalizer: 7 });
        const none = asArray(sigmoidFocalLoss(logits, targets, { numClasses: k, reduction: 'none' }));
        seen.add(`${asNumber(loss)} ${bits(grad)} ${bits(none)}`);
      }
      t.is(seen.size, 1);
    }
  } finally {
    setNumThreads(2);
  }
});

test('empty, shared and offset arrays, and out', (t) => {
  const next = random(10);
  const logits = uniform(next, 30, -4, 4);
  const labels = integers(next, 10, -2, 3);
  const options = { numClasses: 3, anchorWeights: uniform(next, 10, 0, 2), alpha: uniform(next, 3, 0, 1) };
  const want = sigmoidFocalLossValueAndGrad(logits, labels, options);
  for (const place of [shared, offset]) {
    const moved = { ...options, anchorWeights: place(options.anchorWeights), alpha: place(options.alpha) };
    const out = place(new Float32Array(30));
    const got = sigmoidFocalLossValueAndGrad(place(logits), place(labels), { ...moved, out });
    t.is(got.loss, want.loss);
    t.is(got.grad, out);
    t.is(bits(out), bits(want.grad));
    t.is(sigmoidFocalLossBackward(place(logits), place(labels), { ...moved, out }), out);
    t.is(bits(out), bits(want.grad));
    const none = { ...moved, reduction: 'none', out } as const;
    t.is(sigmoidFocalLoss(place(logits), place(labels), none), out);
    t.is(bits(out), bits(asArray(sigmoidFocalLoss(logits, labels, { ...options, reduction: 'none' }))));
  }
  for (const targets of [new Int32Array(0), new Float32Array(0)]) {
    const empty = sigmoidFocalLossValueAndGrad(new Float32Array(0), targets, { numClasses: 3 });
    t.is(empty.loss, 0);
    t.is(empty.grad.length, 0);
    t.is(empty.numPositives, 0);
    t.is(sigmoidFocalLoss(new Float32Array(0), targets, { numClasses: 3 }), 0);
    t.is(asArray(sigmoidFocalLoss(new Float32Array(0), targets, { numClasses: 3, reduction: 'none' })).length, 0);
  }
});

test('priorBias is the logit of the prior', (t) => {
  t.true(Math.abs(priorBias() + Math.log(99)) < 1e-14);
  t.true(Math.abs(priorBias(0.5)) < 1e-15);
  t.true(Math.abs(1 / (1 + Math.exp(-priorBias(0.2))) - 0.2) < 1e-15);
});
