// What follows the gradients in a training step, against float64.
import test from 'ava';
import { setNumThreads } from 'retinanet-ops';

import { bits, mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';

interface State {
  weights: Float32Array;
  gradient: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  average: Float32Array;
  first: number;
  end: number;
}
const { adamStep, reduceGradients } = (await import(
  new URL('./training/optimizer.js', import.meta.resolve('retinanet-ops/retinanet')).href
)) as {
  adamStep: (state: State, step: { step: number; learningRate: number; gradientScale: number; averageDecay: number }) => void; // prettier-ignore
  reduceGradients: (state: State, partials: Float32Array, scale: number) => number;
};

// Around the vectors, and more than one block of each thread.
const LENGTHS = [1, 3, 17, 100_003];

function stateOf(length: number, first: number, end: number): State {
  const next = random(length + first);
  const [weights, gradient] = [uniform(next, length, -1, 1), uniform(next, length, -1, 1)];
  const average = Float32Array.from(weights);
  const moment = () => new Float32Array(length);
  return { weights, gradient, average, firstMoment: moment(), secondMoment: moment(), first, end };
}

test.serial('steps of Adam and the average of the weights', (t) => {
  for (const length of LENGTHS) {
    const [first, end] = [length >> 2, length];
    const state = stateOf(length, first, end);
    const [w, a] = [Float64Array.from(state.weights), Float64Array.from(state.average)];
    const [m, v] = [new Float64Array(length), new Float64Array(length)];
    // From large gradients to those at which epsilon decides.
    for (const [step, size] of [1, 1e3, 1e-6, 1e-8, 0].entries()) {
      const [learningRate, gradientScale, averageDecay] = [1e-2 / (step + 1), 0.5, step / (step + 4)];
      state.gradient.set(uniform(random(step), length, -size, size));
      for (let i = first; i < end; i++) {
        const g = state.gradient[i]! * gradientScale;
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        const [m1, v1] = [m[i]! / (1 - 0.9 ** (step + 1)), v[i]! / (1 - 0.999 ** (step + 1))];
        w[i]! -= (learningRate * m1) / (Math.sqrt(v1) + 1e-8);
        a[i] = averageDecay * a[i]! + (1 - averageDecay) * w[i]!;
      }
      adamStep(state, { step, learningRate, gradientScale, averageDecay });
      // A float32 step of a weight of size 1, each time.
      const tolerance = { absolute: (step + 1) * 2 ** -23, relative: 0 };
      t.is(mismatch(state.weights, w, tolerance), null, `weights, ${length}, step ${step}`);
      t.is(mismatch(state.average, a, tolerance), null, `average, ${length}, step ${step}`);
      const moments = { relative: 1e-6, absolute: 1e-12 };
      t.is(mismatch(state.secondMoment, v, moments), null, `second moment, ${length}, step ${step}`);
    }
  }
});

test.serial('a gradient that is no number makes its own weight none', (t) => {
  const state = stateOf(40, 0, 40);
  state.gradient[7] = NaN;
  adamStep(state, { step: 0, learningRate: 1e-2, gradientScale: 1, averageDecay: 0.5 });
  const broken = (values: Float32Array) => [...values.keys()].filter((i) => Number.isNaN(values[i]));
  t.deepEqual([broken(state.weights), broken(state.average)], [[7], [7]]);
});

test.serial('the sum of all threads, its squares, and nothing beyond the own part', (t) => {
  for (const length of LENGTHS) {
    for (const parts of [1, 2, 5]) {
      const [first, end] = [length >> 2, length - (length >> 3)];
      const state = stateOf(length, first, end);
      const before = Float32Array.from(state.gradient);
      const partials = uniform(random(parts), parts * length, -1, 1);
      const want = Float64Array.from(before);
      let squares = 0;
      for (let i = first; i < end; i++) {
        want[i] = 0;
        for (let part = 0; part < parts; part++) want[i]! += 0.25 * partials[part * length + i]!;
        squares += want[i]! ** 2;
      }
      const results = [1, 2, 3].map((threads) => {
        setNumThreads(threads);
        state.gradient.set(before);
        return { squares: reduceGradients(state, partials, 0.25), gradient: bits(state.gradient) };
      });
      setNumThreads(0);
      t.deepEqual(results[1], results[0]);
      t.deepEqual(results[2], results[0]);
      t.is(mismatch(state.gradient, want, { relative: 1e-6, absolute: 1e-7 }), null, `${length}, ${parts}`);
      t.true(Math.abs(results[0]!.squares - squares) <= 1e-6 * squares, `${length}, ${parts}`);
    }
  }
});
