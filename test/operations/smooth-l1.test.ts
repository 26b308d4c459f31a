import test from 'ava';
import { smoothL1Loss, smoothL1LossBackward, smoothL1LossValueAndGrad } from 'retinanet-ops';
import { asArray, asNumber, mismatch } from '../support/compare.js';
import { f32, f64, goldenCases, type Packed } from '../support/goldens.js';

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
