// Sums, means and extremes over axes, against float64.
import test from 'ava';
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { setNumThreads } from 'retinanet-ops';
import { mismatch } from '../support/compare.js';
import { numbers, on, sizeOf, tensor } from './support.js';

type Reduction = 'sum' | 'mean' | 'max' | 'min';

/** The result in float64, and the sum of magnitudes, of which a float32 sum's error is a part. */
function reference(
  name: Reduction,
  x: Float32Array,
  shape: number[],
  axes: number[],
): { want: number[]; scale: number[] } {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groups = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  x.forEach((value, i) => {
    let rest = i;
    let place = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      if (kept[axis]! > 1) place += index * stride;
      stride *= kept[axis]!;
    }
    groups[place]!.push(value);
  });
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  const of = {
    sum,
    mean: (values: number[]) => sum(values) / values.length,
    max: (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity),
    min: (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity),
  }[name];
  return { want: groups.map(of), scale: groups.map((values) => (name === 'sum' ? sum(values.map(Math.abs)) : 0)) };
}

const NAMES = ['sum', 'mean', 'max', 'min'] as const;

/** Long rows and columns, of which threads get parts, and shapes whose reduced axes are no run. */
const CASES: [shape: number[], axes: number[]][] = [
  [[70000], [0]],
  [[3, 33000], [1]],
  [[40000, 3], [0]],
  [[5000, 36], [0]],
  [
    [2, 9, 11, 65],
    [0, 1, 2],
  ],
  [
    [2, 9, 11, 65],
    [1, 2],
  ],
  [[300, 300], [0]],
  [[300, 300], [1]],
  [
    [7, 6, 5, 4],
    [0, 2],
  ],
  [
    [7, 6, 5, 4],
    [1, 3],
  ],
  [
    [1, 6, 1, 4],
    [0, 2],
  ],
  [[17], []],
];

for (const name of NAMES) {
  test.serial(`${name} is float64's, whichever axes go`, async (t) => {
    for (const [i, [shape, axes]] of CASES.entries()) {
      const x = numbers(i + 1, sizeOf(shape), -3, 3, []);
      const { want, scale } = reference(name, x, shape, axes);
      for (const keepDims of [false, true]) {
        const [y] = await on('native', () => tf[name](tensor(x, shape), axes, keepDims));
        t.is(mismatch(y!, want, { relative: 1.2e-7, scale }), null, `${String(shape)} over ${String(axes)}`);
      }
    }
  });

  test.serial(`${name} over any axes of small shapes`, async (t) => {
    const shapes = fc.array(fc.constantFrom(1, 2, 3, 4, 15, 16, 17), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.nat(),
        async (s, flags, seed) => {
          const shape = s as number[];
          const axes = shape.flatMap((_, axis) => (flags[axis] === true ? [axis] : []));
          if (axes.length === 0) return;
          const x = numbers(seed, sizeOf(shape), -3, 3, []);
          const { want, scale } = reference(name, x, shape, axes);
          const results = await on('native', () => tf[name](tensor(x, shape), axes));
          t.is(mismatch(results[0]!, want, { relative: 1.2e-7, scale }), null, `${String(shape)} over ${String(axes)}`);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.serial(`${name} of NaN is NaN, in its own row and column only`, async (t) => {
    for (const columns of [1, 5, 40]) {
      for (const axis of [0, 1]) {
        const shape = [150, columns];
        const x = numbers(3, sizeOf(shape), -3, 3, [NaN, Infinity, NaN]);
        const { want } = reference(name, x, shape, [axis]);
        const results = await on('native', () => tf[name](tensor(x, shape), axis));
        t.is(
          mismatch(results[0]!, want, { relative: 1e-5, absolute: 1e-5 }),
          null,
          `${String(columns)} ${String(axis)}`,
        );
        t.true(want.some(Number.isNaN));
      }
    }
  });
}

test.serial('nothing reduced, and reductions of nothing, are the cpu backend’s', async (t) => {
  for (const [shape, axis] of [
    [[0, 3], 0],
    [[3, 0], 1],
    [[0], 0],
    [[2, 0, 4], 2],
  ] as [number[], number][]) {
    const body = () => [tf.sum(tf.zeros(shape), axis), tf.mean(tf.zeros(shape), axis)];
    t.deepEqual(await on('native', body), await on('cpu', body));
  }
  const whole = () => tf.sum(tf.tensor([1, 2, 3, 4], [2, 2], 'int32'), 0);
  t.deepEqual(await on('native', whole), await on('cpu', whole));
});

test.serial('sums have the same bits for every number of threads', async (t) => {
  const x = numbers(1, 300 * 700, -3, 3, []);
  const body = () => [
    tf.sum(tensor(x, [300, 700])),
    tf.sum(tensor(x, [30000, 7]), 0),
    tf.mean(tensor(x, [7, 30000]), 1),
  ];
  t.teardown(() => {
    setNumThreads(0);
  });
  setNumThreads(1);
  const one = await on('native', body);
  for (const threads of [2, 3, 7]) {
    setNumThreads(threads);
    t.deepEqual(await on('native', body), one);
  }
});

test.serial('softmax along the last axis, of any logits', async (t) => {
  for (const shape of [[1], [3, 1], [7, 17], [2, 5, 300], [40, 3]]) {
    for (const special of [[], [Infinity, NaN], [-Infinity, 1000, -1000]]) {
      const x = numbers(sizeOf(shape), sizeOf(shape), -30, 30, special);
      const columns = shape.at(-1)!;
      const want = Float64Array.from(x, (_, i) => {
        const row = [...x.subarray(i - (i % columns), i - (i % columns) + columns)];
        const largest = Math.max(...row);
        return Math.exp(x[i]! - largest) / row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
      });
      const [y] = await on('native', () => tf.softmax(tensor(x, shape)));
      t.is(mismatch(y!, want, { relative: 2e-6, absolute: 1e-12 }), null, String(shape));
    }
  }
});

test.serial('gradients of sums and means, and gradients of those', async (t) => {
  const x = numbers(1, 210, -2, 2, []);
  for (const axis of [undefined, 0, 1, [0, 2], [1, 2], -1, []]) {
    for (const name of ['sum', 'mean'] as const) {
      const f = (v: tf.Tensor): tf.Tensor => tf.sum(tf.square(tf[name](tf.square(v), axis)));
      const body = () => [
        tf.grad(f)(tensor(x, [6, 5, 7])),
        tf.grad((v: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(v))))(tensor(x, [6, 5, 7])),
      ];
      const [got, want] = [await on('native', body), await on('cpu', body)];
      got.forEach((gradient, i) => {
        const scale = want[i]!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        t.is(mismatch(gradient, want[i]!, { absolute: 2e-6 * scale }), null, `${name} over ${String(axis)}`);
      });
    }
  }
});
