// The optimizer's native steps, against the same in float64.
import test from 'ava';
import { mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';

interface Slice {
  weights: Float32Array;
  gradient: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  average: Float32Array;
}
interface Step {
  step: number;
  learningRate: number;
  gradientScale: number;
  averageDecay: number;
}
const { adamStep, reduceGradients } = (await import(
  new URL('./retinanet/training/optimizer.js', import.meta.resolve('retinanet-ops')).href
)) as {
  adamStep: (slice: Slice, step: Step) => void;
  reduceGradients: (parts: readonly Float32Array[], scale: number, out: Float32Array) => number;
};

test('steps of Adam and of the average are those of Kingma and Ba in float64', (t) => {
  for (const length of [0, 1, 15, 16, 17, 16384, 16385]) {
    const next = random(length + 1);
    const values = (low: number, high: number): Float32Array => uniform(next, length, low, high);
    const slice: Slice = {
      weights: values(-1, 1),
      gradient: new Float32Array(length),
      firstMoment: new Float32Array(length),
      secondMoment: new Float32Array(length),
      average: values(-1, 1),
    };
    const want = { w: Float64Array.from(slice.weights), m: new Float64Array(length), v: new Float64Array(length), a: Float64Array.from(slice.average) }; // prettier-ignore
    for (let step = 0; step < 20; step++) {
      const call = { step, learningRate: 0.01 / (step + 1), gradientScale: 0.5, averageDecay: 0.9 };
      slice.gradient = values(-3, 3);
      adamStep(slice, call);
      slice.gradient.forEach((gradient, i) => {
        const g = gradient * call.gradientScale;
        want.m[i] = 0.9 * want.m[i]! + 0.1 * g;
        want.v[i] = 0.999 * want.v[i]! + 0.001 * g * g;
        const [m, v] = [want.m[i] / (1 - 0.9 ** (step + 1)), want.v[i] / (1 - 0.999 ** (step + 1))];
        want.w[i]! -= (call.learningRate * m) / (Math.sqrt(v) + 1e-8);
        want.a[i] = 0.9 * want.a[i]! + 0.1 * want.w[i]!;
      });
    }
    t.is(mismatch(slice.weights, want.w, { absolute: 1e-6 }), null);
    t.is(mismatch(slice.average, want.a, { absolute: 1e-6 }), null);
    t.is(mismatch(slice.firstMoment, want.m, { absolute: 1e-6 }), null);
    t.is(mismatch(slice.secondMoment, want.v, { relative: 1e-5 }), null);
  }
});

test('a NaN of a gradient is one of its weight alone', (t) => {
  const ones = (): Float32Array => new Float32Array(40).fill(1);
  const slice = { weights: ones(), gradient: ones(), firstMoment: ones(), secondMoment: ones(), average: ones() };
  slice.gradient[7] = NaN;
  adamStep(slice, { step: 3, learningRate: 0.1, gradientScale: 1, averageDecay: 0 });
  t.deepEqual([...slice.weights.keys()].filter((i) => Number.isNaN(slice.weights[i])), [7]); // prettier-ignore
});

test('gradients of several threads add up, with the sum of their squares', (t) => {
  for (const length of [0, 3, 16, 70000]) {
    for (const count of [1, 2, 3, 5]) {
      const next = random(count);
      const parts = Array.from({ length: count }, () => uniform(next, length, -1, 1));
      const out = new Float32Array(new SharedArrayBuffer(4 * length));
      const squares = reduceGradients(parts, 0.25, out);
      const want = Float64Array.from(out, (_, i) => 0.25 * parts.reduce((sum, part) => sum + part[i]!, 0));
      t.is(mismatch(out, want, { absolute: 1e-6 }), null);
      const total = want.reduce((sum, g) => sum + g * g, 0);
      t.true(Math.abs(squares - total) <= 1e-6 * total);
    }
  }
});
