// Kernels that move elements, against the cpu backend, which does it element by element.
import test from 'ava';
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { numbers, on, sizeOf, tensor } from './support.js';

const shapes = fc.array(fc.constantFrom(0, 1, 2, 3, 5, 16, 17), { minLength: 1, maxLength: 4 });

async function same(
  t: { deepEqual: (a: unknown, b: unknown, m?: string) => void },
  body: () => tf.Tensor[],
  what: string,
) {
  const shapesOf = () => body().map((result) => tf.tensor1d(result.shape));
  t.deepEqual(await on('native', body), await on('cpu', body), what);
  t.deepEqual(await on('native', shapesOf), await on('cpu', shapesOf), what);
}

/** Of a shape and, for each axis, numbers from 0 up to some of a size. */
async function forAll(count: number, check: (shape: number[], picks: number[][], seed: number) => Promise<void>) {
  const picks = fc.array(fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }), {
    minLength: count,
    maxLength: count,
  });
  await fc.assert(
    fc.asyncProperty(shapes, picks, fc.nat(), async (shape, chosen, seed) => check(shape as number[], chosen, seed)),
    { numRuns: 80 },
  );
}

test.serial('slices', async (t) => {
  await forAll(2, async (shape, [from, size], seed) => {
    const x = numbers(seed, sizeOf(shape));
    const begin = shape.map((n, axis) => from![axis]! % (n + 1));
    const sizes = shape.map((n, axis) => size![axis]! % (n - begin[axis]! + 1));
    await same(
      t,
      () => [tf.slice(tensor(x, shape), begin, sizes)],
      `${String(shape)} ${String(begin)} ${String(sizes)}`,
    );
  });
});

test.serial('concatenations, and splits, which are each other’s gradients', async (t) => {
  await forAll(2, async (shape, [pick, sizes], seed) => {
    const axis = pick![0]! % shape.length;
    const parts = sizes!.map((size) => shape.map((n, i) => (i === axis ? size % 6 : n)));
    const values = parts.map((part, i) => numbers(seed + i, sizeOf(part)));
    const joined = () =>
      tf.concat(
        values.map((v, i) => tensor(v, parts[i]!)),
        axis,
      );
    await same(t, () => [joined()], `${JSON.stringify(parts)} on ${String(axis)}`);
    // The cpu backend cannot split its own concatenation of nothing.
    if (parts.every((part) => sizeOf(part) === 0)) return;
    await same(t, () => tf.split(joined(), parts.map((part) => part[axis]!), axis), JSON.stringify(parts)); // prettier-ignore
  });
  const [a, b] = [numbers(1, 30, -1, 1, []), numbers(2, 50, -1, 1, [])];
  const gradients = () =>
    tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.sum(tf.square(tf.concat([x, y], 1))))([
      tensor(a, [2, 3, 5]),
      tensor(b, [2, 5, 5]),
    ]);
  await same(t, gradients, 'gradients');
});

test.serial('paddings', async (t) => {
  await forAll(2, async (shape, [before, after], seed) => {
    const x = numbers(seed, sizeOf(shape));
    const paddings = shape.map((_, axis): [number, number] => [before![axis]! % 4, after![axis]! % 3]);
    await same(
      t,
      () => [tf.pad(tensor(x, shape), paddings, seed % 2 === 0 ? 0 : -1.5)],
      JSON.stringify([shape, paddings]),
    );
  });
});

test.serial('transpositions and tiles', async (t) => {
  await forAll(2, async (shape, [keys, repeats], seed) => {
    const x = numbers(seed, sizeOf(shape));
    const order = shape.map((_, axis) => axis).sort((a, b) => keys![a]! - keys![b]! || a - b);
    await same(t, () => [tf.transpose(tensor(x, shape), order)], `${String(shape)} by ${String(order)}`);
    const times = shape.map((_, axis) => repeats![axis]! % 4);
    await same(t, () => [tf.tile(tensor(x, shape), times)], `${String(shape)} times ${String(times)}`);
  });
});

test.serial('fills', async (t) => {
  const bodies = () => [
    tf.fill([3, 700], -2.5),
    tf.onesLike(tf.fill([5, 300], 2)),
    tf.zerosLike(tf.fill([5, 300], 2)),
    tf.fill([3], 2, 'int32'),
  ];
  await same(t, bodies, 'fills');
});

test.serial('what lies in several blocks of work', async (t) => {
  const x = numbers(1, 40 * 50 * 60, -1, 1, []);
  const body = () => {
    const cube = tensor(x, [40, 50, 60]);
    return [tf.transpose(cube, [2, 0, 1]), tf.slice(cube, [1, 2, 3], [38, 47, 55]), tf.concat([cube, cube], 2)];
  };
  await same(t, body, 'large');
});
