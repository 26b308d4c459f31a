import test from 'ava';
import fc from 'fast-check';
import {
  backendInfo,
  sigmoidFocalLoss,
  sigmoidFocalLossBackward,
  sigmoidFocalLossValueAndGrad,
  priorBias,
} from 'retinanet-ops';
import { focalLossReference } from '../reference/focal-loss.js';
import { asArray, asNumber, bits, mismatch } from '../support/compare.js';
import { f32, f64, goldenCases, type Packed } from '../support/goldens.js';
import { integers, random, reorder, shuffled, uniform } from '../support/random.js';

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
    options: { numClasses: s.k, alpha, gamma, labelSmoothing: s.labelSmoothing, weights: anchorWeights },
  };
}

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
          weights: options.weights && reorder(options.weights, order, 1),
          reduction: 'none',
        }),
      );
      t.is(bits(moved), bits(reorder(none, order, s.k)));
    }),
    { numRuns: 150, seed: 6 },
  );
});

test('ignored anchors have no gradient and no influence, whatever their logits', (t) => {
  fc.assert(
    fc.property(settings, fc.constantFrom(NaN, Infinity, -Infinity, 1e30), (s, poison) => {
      const { logits, targets, options } = build(s);
      const ignored = Array.from({ length: s.n }, (_, row) => row % 3 === 1);
      const anchorWeights = Float32Array.from(ignored, (off, row) => (off ? 0 : (options.weights?.[row] ?? 1)));
      const poisoned = logits.map((v, i) => (ignored[Math.floor(i / s.k)] ? poison : v));
      const run = (values: Float32Array, labels: typeof targets, weights: Float32Array | undefined) =>
        sigmoidFocalLossValueAndGrad(values, labels, { ...options, weights });
      const want = run(logits, targets, anchorWeights);
      const got = run(poisoned, targets, anchorWeights);
      t.is(asNumber(got.loss), asNumber(want.loss));
      t.is(bits(got.grad), bits(want.grad));
      t.true(got.grad.every((v, i) => !ignored[Math.floor(i / s.k)] || v === 0));
      if (targets instanceof Int32Array) {
        const labels = targets.map((label, row) => (ignored[row] ? -2 : label));
        const byLabel = run(poisoned, labels, options.weights);
        const unpoisoned = run(logits, labels, options.weights);
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

test('priorBias is the logit of the prior', (t) => {
  t.true(Math.abs(priorBias() + Math.log(99)) < 1e-14);
  t.true(Math.abs(priorBias(0.5)) < 1e-15);
  t.true(Math.abs(1 / (1 + Math.exp(-priorBias(0.2))) - 0.2) < 1e-15);
});
