// Matrix products, against float64.
import test from 'ava';
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { mismatch } from '../support/compare.js';
import { numbers, on, sizeOf, tensor } from './support.js';

interface Product {
  m: number;
  k: number;
  n: number;
  transposeA: boolean;
  transposeB: boolean;
  outerA: number[];
  outerB: number[];
}

const side = fc.constantFrom(1, 2, 3, 5, 8, 15, 16, 17, 33, 70, 200);
const products = fc.record({
  m: side,
  k: side,
  n: side,
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  outers: fc.constantFrom<[number[], number[]]>([[], []], [[3], [3]], [[2], [1]], [[2, 1], [1, 3]], [[1, 3], [2, 3]]), // prettier-ignore
});

/** The product in float64, and the sum of the magnitudes of its terms. */
function reference(call: Product, a: Float32Array, b: Float32Array): { want: number[]; scale: number[] } {
  const { m, k, n, transposeA, transposeB, outerA, outerB } = call;
  const want: number[] = [];
  const scale: number[] = [];
  const outer = outerA.map((size, axis) => Math.max(size, outerB[axis]!));
  const matrix = (own: number[], place: number[]): number =>
    own.reduce((index, size, axis) => index * size + (size === 1 ? 0 : place[axis]!), 0);
  for (let i = 0; i < sizeOf(outer); i++) {
    const place = outer.map((size, axis) => Math.floor(i / sizeOf(outer.slice(axis + 1))) % size);
    const [ofA, ofB] = [matrix(outerA, place) * m * k, matrix(outerB, place) * k * n];
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let [sum, magnitude] = [0, 0];
        for (let j = 0; j < k; j++) {
          const left = a[ofA + (transposeA ? j * m + row : row * k + j)]!;
          const term = left * b[ofB + (transposeB ? column * k + j : j * n + column)]!;
          sum += term;
          magnitude += Math.abs(term);
        }
        want.push(sum);
        scale.push(magnitude);
      }
    }
  }
  return { want, scale };
}

function operands(
  call: Product,
  seed: number,
): { a: Float32Array; b: Float32Array; make: () => [tf.Tensor, tf.Tensor] } {
  const { m, k, n, transposeA, transposeB, outerA, outerB } = call;
  const aShape = [...outerA, ...(transposeA ? [k, m] : [m, k])];
  const bShape = [...outerB, ...(transposeB ? [n, k] : [k, n])];
  const a = numbers(seed, sizeOf(aShape), -1, 1, []);
  const b = numbers(seed + 1, sizeOf(bShape), -1, 1, []);
  return { a, b, make: () => [tensor(a, aShape), tensor(b, bShape)] };
}

test.serial('products of any sizes, transposed or not, broadcast over batches', async (t) => {
  await fc.assert(
    fc.asyncProperty(products, fc.nat(), async ({ outers: [outerA, outerB], ...sizes }, seed) => {
      const call = { ...sizes, outerA, outerB };
      const { a, b, make } = operands(call, seed);
      const { want, scale } = reference(call, a, b);
      const [got] = await on('native', () => tf.matMul(...make(), call.transposeA, call.transposeB));
      t.is(mismatch(got!, want, { relative: 1e-6, scale }), null, JSON.stringify(call));
    }),
    { numRuns: 80 },
  );
});

test.serial('gradients of products', async (t) => {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const call = { m: 7, k: 19, n: 5, transposeA, transposeB, outerA: [2], outerB: [2] };
      const { make } = operands(call, 3);
      const body = () => tf.grads((a, b) => tf.sum(tf.square(tf.matMul(a, b, transposeA, transposeB))))(make());
      const [got, want] = [await on('native', body), await on('cpu', body)];
      got.forEach((gradient, i) => {
        t.is(mismatch(gradient, want[i]!, { relative: 1e-5, absolute: 1e-5 }), null);
      });
    }
  }
});

test.serial('fused products: bias and every activation', async (t) => {
  const call = { m: 9, k: 21, n: 18, transposeA: false, transposeB: true, outerA: [2], outerB: [2] };
  const { make } = operands(call, 5);
  const bias = numbers(7, 18, -2, 2, []);
  for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const) {
    const body = () => {
      const [a, b] = make();
      return tf.fused.matMul({
        a,
        b,
        transposeB: true,
        bias: tensor(bias, [18]),
        activation,
        leakyreluAlpha: 0.2,
        preluActivationWeights: tensor(bias, [18]),
      });
    };
    const [[got], [want]] = [await on('native', body), await on('cpu', body)];
    t.is(mismatch(got!, want!, { relative: 1e-5, absolute: 1e-6 }), null, activation);
  }
});

test.serial('products of nothing, and of integers, are the cpu backend’s', async (t) => {
  const body = () => [
    tf.matMul(tf.zeros([3, 0]), tf.zeros([0, 4])),
    tf.matMul(tf.zeros([0, 5]), tf.zeros([5, 4])),
    tf.matMul(tf.tensor([1, 2, 3, 4], [2, 2], 'int32'), tf.tensor([1, 2, 3, 4], [2, 2], 'int32')),
  ];
  t.deepEqual(await on('native', body), await on('cpu', body));
});
