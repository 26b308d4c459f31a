// What is computed element by element, against the same in float64 with JavaScript's own functions.
import test from 'ava';
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { mismatch } from '../support/compare.js';
import { LENGTHS, numbers, on, runKernel, SPECIAL, tensor } from './support.js';

const step = (x: number, below: number): number => (Number.isNaN(x) ? NaN : x > 0 ? 1 : below);

interface Unary {
  of: (x: number) => number;
  attrs?: object;
  low?: number;
  high?: number;
}

const UNARY: Record<string, Unary> = {
  Abs: { of: Math.abs },
  ClipByValue: {
    of: (x) => (x > 1.5 ? 1.5 : x < -0.75 ? -0.75 : x),
    attrs: { clipValueMin: -0.75, clipValueMax: 1.5 },
  },
  Elu: { of: (x) => (x >= 0 ? x : Math.expm1(x)) },
  Exp: { of: Math.exp, low: -110, high: 95 },
  LeakyRelu: { of: (x) => (x < 0 ? 0.125 * x : x), attrs: { alpha: 0.125 } },
  Log: { of: Math.log, low: -0.1, high: 3 },
  Neg: { of: (x) => -x },
  Reciprocal: { of: (x) => 1 / x },
  Relu: { of: (x) => Math.max(0, x) },
  Relu6: { of: (x) => Math.min(Math.max(0, x), 6), high: 9 },
  Rsqrt: { of: (x) => 1 / Math.sqrt(x) },
  Sigmoid: { of: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))), low: -90, high: 90 },
  Sqrt: { of: Math.sqrt },
  Square: { of: (x) => x * x },
  Step: { of: (x) => step(x, -0.25), attrs: { alpha: -0.25 } },
  Tanh: { of: Math.tanh, low: -12, high: 12 },
};

const BINARY: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Maximum: Math.max,
  Minimum: Math.min,
  Multiply: (a, b) => a * b,
  Prelu: (a, b) => (a < 0 ? b * a : a),
  RealDiv: (a, b) => a / b,
  SquaredDifference: (a, b) => (a - b) ** 2,
  Sub: (a, b) => a - b,
};

/** Of dy and the input x, or the output y. */
const GRADIENTS: Record<string, [of: 'x' | 'y', (dy: number, of: number) => number]> = {
  EluGrad: ['y', (dy, y) => (y >= 0 ? dy : dy * (y + 1))],
  LeakyReluGrad: ['x', (dy, x) => (x > 0 ? dy : 0.125 * dy)],
  ReluGrad: ['x', (dy, x) => dy * step(x, 0)],
  Relu6Grad: ['x', (dy, x) => dy * (x > 6 ? 0 : step(x, 0))],
  SigmoidGrad: ['y', (dy, y) => dy * (y * (1 - y))],
  TanhGrad: ['y', (dy, y) => dy * (1 - y * y)],
};

/** The values' own float32 rounded result, -0 included. */
const rounded = (length: number, of: (i: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, i) => of(i));

function signsDiffer(got: Float32Array, want: Float32Array): number {
  return got.findIndex((value, i) => value === 0 && want[i] === 0 && !Object.is(value, want[i]));
}

// Serial: the tests choose tfjs's one global backend.
test.serial('the tables below have every operation of native code', async (t) => {
  await on('native', () => tf.zeros([1]));
  const { native } = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
    native: () => { unaries: object; binaries: object };
  };
  t.deepEqual(Object.keys(native().unaries).sort(), Object.keys(UNARY).sort());
  t.deepEqual(Object.keys(native().binaries).sort(), [...Object.keys(BINARY), ...Object.keys(GRADIENTS)].sort());
});

for (const [name, { of, attrs, low, high }] of Object.entries(UNARY)) {
  test.serial(`${name} is float64's to 1e-6, at every length and for special numbers`, async (t) => {
    for (const [i, length] of LENGTHS.entries()) {
      const x = numbers(i + 1, length, low, high);
      const [y] = await on('native', () => runKernel(name, { x: tensor(x, [length]) }, attrs));
      const want = rounded(length, (k) => of(x[k]!));
      // What a square overflows to, float32 says.
      t.is(mismatch(y!, want, { relative: 1e-6 }), null, String(length));
      t.is(signsDiffer(y!, want), -1, `sign of a zero at length ${String(length)}`);
    }
  });
}

test.serial('exponentials keep to float64 at every exponent', async (t) => {
  // Every 4001st float32, in both signs.
  const bits = Uint32Array.from({ length: 0x7f800000 / 4001 }, (_, i) => 4001 * i);
  const positive = new Float32Array(bits.buffer);
  const all = Float32Array.from([...positive, ...positive.map((x) => -x)]);
  for (const name of ['Exp', 'Sigmoid', 'Tanh', 'Log', 'Elu', 'Rsqrt']) {
    const [y] = await on('native', () => runKernel(name, { x: tensor(all, [all.length]) }));
    const want = rounded(all.length, (i) => UNARY[name]!.of(all[i]!));
    t.is(mismatch(y!, want, { relative: 1e-6 }), null, name);
  }
});

for (const [name, of] of Object.entries(BINARY)) {
  test.serial(`${name} is float64's of all pairs of special numbers`, async (t) => {
    const pairs = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));
    const [a, b] = [0, 1].map((side) => Float32Array.from(pairs, (pair) => pair[side]!)) as [
      Float32Array,
      Float32Array,
    ];
    const names = name === 'Prelu' ? ['x', 'alpha'] : ['a', 'b'];
    const inputs = () => ({ [names[0]!]: tensor(a, [a.length]), [names[1]!]: tensor(b, [b.length]) });
    const [y] = await on('native', () => runKernel(name, inputs()));
    const want = rounded(a.length, (i) => of(a[i]!, b[i]!));
    t.is(mismatch(y!, want, { relative: 3e-7 }), null);
    t.is(signsDiffer(y!, want), -1);
  });
}

for (const [name, [input, of]] of Object.entries(GRADIENTS)) {
  test.serial(`${name} is the derivative times dy`, async (t) => {
    for (const [i, length] of LENGTHS.entries()) {
      const dy = numbers(2 * i, length, -2, 2, [NaN, 0, -0]);
      const of1 = numbers(2 * i + 1, length, name === 'Relu6Grad' ? -8 : -1, name === 'Relu6Grad' ? 8 : 1, [
        NaN,
        0,
        -0,
        1,
        -1,
      ]);
      const inputs = () => ({ dy: tensor(dy, [length]), [input]: tensor(of1, [length]) });
      const [dx] = await on('native', () => runKernel(name, inputs(), { alpha: 0.125 }));
      t.is(
        mismatch(
          dx!,
          rounded(length, (k) => of(dy[k]!, of1[k]!)),
          { relative: 1e-6, absolute: 1e-7 },
        ),
        null,
      );
    }
  });
}

test.serial('operands broadcast as in tfjs, on every axis', async (t) => {
  const size = fc.constantFrom(1, 1, 2, 3, 5, 16, 17, 70);
  const shapes = fc
    .array(size, { minLength: 0, maxLength: 5 })
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        ...[0, 1].map(() =>
          fc
            .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }))
            .map(([drop, ones]) => shape.map((n, axis) => (ones[axis] === true ? 1 : n)).slice(drop)),
        ),
      ),
    );
  await fc.assert(
    fc.asyncProperty(shapes, async ([, a, b]) => {
      const sizes = [a, b].map((shape) => shape!.reduce<number>((product, n) => product * n, 1));
      const values = sizes.map((length, i) => numbers(i + length, length));
      const body = () => tf.sub(tensor(values[0]!, a!), tensor(values[1]!, b!));
      const [[got], [want]] = [await on('native', body), await on('cpu', body)];
      t.is(mismatch(got!, want!), null, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
    }),
    { numRuns: 150 },
  );
});

test.serial('rows of few numbers with one row for all, either way round', async (t) => {
  for (const columns of [2, 3, 5, 63, 64, 65]) {
    for (const rows of [1, 2, 63, 64, 65, 1000]) {
      const [many, one] = [numbers(rows, rows * columns), numbers(columns, columns)];
      const want = (flip: number) => rounded(rows * columns, (i) => flip * (many[i]! - one[i % columns]!));
      const make = () => [tensor(many, [rows, columns]), tensor(one, [columns])] as const;
      const [forth, back] = await on('native', () => {
        const [a, b] = make();
        return [tf.sub(a, b), tf.sub(b, a)];
      });
      t.is(mismatch(forth!, want(1)), null);
      t.is(mismatch(back!, want(-1)), null);
    }
  }
});

test.serial('sums of many tensors, and casts', async (t) => {
  const parts = [1, 2, 3, 4].map((seed) => numbers(seed, 1000));
  const [sum] = await on('native', () => tf.addN(parts.map((part) => tensor(part, [10, 100]))));
  const want = rounded(1000, (i) => parts.reduce((total, part) => Math.fround(total + part[i]!), 0));
  t.is(mismatch(sum!, want), null);
  const values = numbers(5, 100, -1e4, 1e4);
  const casts = () => (['int32', 'bool', 'float32'] as const).map((dtype) => tf.cast(tensor(values, [100]), dtype));
  t.deepEqual(await on('native', casts), await on('cpu', casts));
  // What cpu kernels cast to floats without a copy.
  const ints = () =>
    tf.add(tf.cast(tf.tensor1d([1, -2, 3], 'int32'), 'float32'), tf.cast(tf.tensor1d([true, false, true]), 'float32'));
  t.deepEqual(await on('native', ints), [Float32Array.of(2, -2, 4)]);
});

test.serial('activations have their gradients, and gradients of gradients', async (t) => {
  const x = numbers(9, 50, -8, 8, []);
  for (const name of ['relu', 'relu6', 'sigmoid', 'tanh', 'elu', 'leakyRelu', 'softplus'] as const) {
    const f = (v: tf.Tensor): tf.Tensor => tf.sum(tf.mul(tf[name](v as tf.Tensor1D), tf.square(v)));
    const first = (): tf.Tensor => tf.grad(f)(tensor(x, [50]));
    const second = (): tf.Tensor => tf.grad((v) => tf.sum(tf.mul(tf.grad(f)(v), v)))(tensor(x, [50]));
    for (const body of ['elu', 'relu6', 'leakyRelu'].includes(name) ? [first] : [first, second]) {
      const [[got], [want]] = [await on('native', body), await on('cpu', body)];
      t.is(mismatch(got!, want!, { relative: 1e-5, absolute: 1e-5 }), null, name);
    }
  }
});
