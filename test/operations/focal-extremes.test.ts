import { assignAnchors, retinanetLoss, sigmoidFocalLossBackward, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import test from 'ava';
import fc from 'fast-check';
import { fewerRuns } from './driver/calls.js';
import { focalElement, focalLossReference } from '../reference/focal-loss.js';
import { asArray, mismatch } from '../support/compare.js';
import { extremeCall, wrongExtreme } from '../support/focal-extremes.js';
import { f32, f64, goldenCases, type Packed } from '../support/goldens.js';

interface Golden {
  logits: Packed;
  targets: Packed;
  runs: { alpha: number | null; gamma: number; smoothing: number; value: Packed; grad: Packed }[];
}
const [golden] = goldenCases<Golden>('focal-extremes.json') as [Golden];
const [logitsOfRows, targetsOfColumns] = [f32(golden.logits), f32(golden.targets)];
const pairs = Array.from(logitsOfRows, (x) => Array.from(targetsOfColumns, (t) => [x, t] as const)).flat();
const logits = Float32Array.from(pairs, ([x]) => x);
const targets = Float32Array.from(pairs, ([, t]) => t);

for (const { alpha, gamma, smoothing, ...want } of golden.runs) {
  const name = `alpha ${alpha}, gamma ${gamma}, smoothing ${smoothing}`;
  const [value, grad] = [f64(want.value), f64(want.grad)];
  const elements = pairs.map(([x, t]) => focalElement(x, t, alpha, gamma, smoothing));

  test(`the reference is right to 12 digits: ${name}`, (t) => {
    const near = (got: number, right: number, where: string) =>
      t.true(Math.abs(got - right) <= 1e-12 * Math.abs(right) + 1e-100, `${where}: ${got}, wanted ${right}`);
    elements.forEach((element, i) => {
      const where = `logit ${logits[i]}, target ${targets[i]}`;
      near(element.value, value[i]!, where);
      near(element.grad, grad[i]!, `gradient, ${where}`);
    });
  });

  test(`every kind of logit and target: ${name}`, (t) => {
    const options = { numClasses: 1, alpha, gamma, labelSmoothing: smoothing, reduction: 'none' } as const;
    const got = sigmoidFocalLossValueAndGrad(logits, targets, options);
    t.is(mismatch(asArray(got.loss), value, { relative: 1e-6 }), null);
    t.is(mismatch(got.grad, grad, { relative: 1e-6 }), null);
  });
}

test('powers that underflow: 0.1 at gamma 100, 1e-6 at gamma 43', (t) => {
  for (const [x, target, gamma, value, grad] of [
    [-0.5, 0.1, 100, 9.78618013617982e-41, 4.628149103405853e-39],
    [-1.92, 1e-6, 43, 3.99122343904166e-40, 1.534076646557933e-38],
  ] as const) {
    const options = { numClasses: 1, gamma, reduction: 'none' } as const;
    const got = sigmoidFocalLossValueAndGrad(Float32Array.of(x), Float32Array.of(target), options);
    t.is(mismatch(asArray(got.loss), [value], { relative: 1e-6 }), null);
    t.is(mismatch(got.grad, [grad], { relative: 1e-6 }), null);
  }
});

test('labels with smoothing 0.1 at gamma 64', (t) => {
  const rows = [
    [-3, 0, 3.122591978938969e-66, -5.016849796966779e-3],
    [-1, 1.620168330506215e-35, 6.380248010614176e-34, -1.443849900096969e-9],
    [0, 2.724229836430444e-20, 8.022642408306377e-19, -3.043071258323108e-19],
    [0.5, 1.283721281131799e-14, 2.925078199026525e-13, -3.156628786527916e-26],
    [2, 2.575258671485063e-5, 1.953649128879023e-4, 0],
  ] as const;
  const options = { numClasses: 1, gamma: 64, labelSmoothing: 0.1, reduction: 'none' } as const;
  for (const [x, value, background, foreground] of rows) {
    const got = sigmoidFocalLossValueAndGrad(Float32Array.of(x, x), Int32Array.of(-1, 0), options);
    t.is(mismatch(asArray(got.loss).subarray(0, 1), [value], { relative: 1e-6 }), null, `logit ${x}`);
    t.is(mismatch(got.grad, [background, foreground], { relative: 1e-6 }), null, `logit ${x}`);
  }
});

test('any logit, target, gamma, alpha, smoothing, weight, normalizer and upstream gradient', (t) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      t.is(wrongExtreme(extremeCall(seed)), null);
    }),
    { numRuns: fewerRuns(3000), seed: 11 },
  );
});

test('infinities have their limits and NaN stays NaN, for every gamma', (t) => {
  for (const gamma of [0, 1e-30, 0.3, 2, 5, 64, 1e4, 2 ** 128 - 2 ** 104]) {
    for (const alpha of [null, 0.25, 1] as const) {
      const [ofNegative, ofPositive] = alpha === null ? [1, 1] : [1 - alpha, alpha];
      const x = Float32Array.of(-Infinity, Infinity, -Infinity, Infinity);
      const got = sigmoidFocalLossValueAndGrad(x, Float32Array.of(0, 0, 1, 1), {
        numClasses: 1,
        alpha,
        gamma,
        reduction: 'none',
      });
      const name = `alpha ${alpha}, gamma ${gamma}`;
      t.deepEqual([...asArray(got.loss)], [0, ofNegative > 0 ? Infinity : 0, Infinity, 0], name);
      t.deepEqual([...got.grad].map(Math.abs), [0, ofNegative, ofPositive, 0], name);
      for (const target of [0, 1e-38, 0.5, 1]) {
        const options = { numClasses: 1, alpha, gamma, reduction: 'none' } as const;
        const nan = sigmoidFocalLossValueAndGrad(Float32Array.of(NaN), Float32Array.of(target), options);
        t.true(Number.isNaN(asArray(nan.loss)[0]) && Number.isNaN(nan.grad[0]), name);
      }
    }
  }
});

test('retinanetLoss at gamma 100 with smoothing is the loss of its labels', (t) => {
  const anchors = Float32Array.of(0, 0, 10, 10, 50, 50, 60, 60, 3, 0, 13, 10);
  const groundTruth = { boxes: anchors.slice(0, 4), labels: Int32Array.of(1), offsets: Int32Array.of(0, 1) };
  const classLogits = Float32Array.of(-0.5, 1e-3, -1.92, 0.3, 0.01, 7);
  for (const [gamma, labelSmoothing] of [
    [100, 0.1],
    [1e4, 0],
  ] as const) {
    const parameters = { numClasses: 2, gamma, labelSmoothing };
    const got = retinanetLoss({
      classLogits,
      boxDeltas: new Float32Array(12),
      anchors,
      groundTruth,
      normalizer: 1,
      ...parameters,
    });
    const { labels } = assignAnchors(anchors, groundTruth.boxes, groundTruth.labels);
    const want = focalLossReference(classLogits, labels, parameters);
    t.is(got.numPositives, want.numPositives);
    t.is(mismatch([got.classLoss], [want.sum], { relative: 1e-6 }), null);
    t.is(mismatch(got.classGrad, want.grad, { relative: 1e-6 }), null);
  }
});

test('a class keeps its gradient, whatever gamma the others have', (t) => {
  // One class out of float32's reach sends all to float64: the others keep to what they are alone.
  const x = Float32Array.from({ length: 40 }, (_, i) => i / 2 - 10);
  const both = Float32Array.from({ length: 80 }, (_, i) => x[i >> 1]!);
  const together = sigmoidFocalLossBackward(both, new Int32Array(40).fill(-1), {
    numClasses: 2,
    gamma: Float32Array.of(2, 1000),
  });
  const alone = sigmoidFocalLossBackward(x, new Int32Array(40).fill(-1), { numClasses: 1, gamma: 2 });
  t.is(mismatch(together.filter((_, i) => i % 2 === 0), alone, { relative: 1e-6 }), null); // prettier-ignore
});
