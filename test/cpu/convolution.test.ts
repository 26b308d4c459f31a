// What is particular to convolutions: geometries, torch, slopes, sizes that native code refuses, memory.
import test from 'ava';
import fc from 'fast-check';
import {
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  type Conv2dGradientOptions,
  type RetinanetOpsError,
} from 'retinanet-ops';
import type { Binding } from '../../binding.js';
import {
  convolutionReference,
  filterGradReference,
  inputGradReference,
  outputSize,
  type ConvolutionOptions,
} from '../reference/convolution.js';
import { mismatch } from '../support/compare.js';
import { goldenCases } from '../support/goldens.js';
import { random, uniform } from '../support/random.js';
import { fewerRuns, wrongResult } from '../operations/driver/calls.js';
import { caseOf } from '../operations/driver/cases.js';
import { GEOMETRIES, valuesOf } from '../operations/inputs/convolution.js';

const internal = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
  native: () => Binding;
};

/** What is wrong with a convolution or with one of its gradients. */
function wrong(options: ConvolutionOptions, seed?: number): string | null {
  const { x, w, dy } = valuesOf(options, seed);
  return (
    wrongResult(caseOf('conv2d'), [x, w, options]) ??
    wrongResult(caseOf('conv2dBackpropInput'), [dy, w, options]) ??
    wrongResult(caseOf('conv2dBackpropFilter'), [x, dy, options])
  );
}

for (const [name, options] of Object.entries(GEOMETRIES)) {
  test(`${name}: forward and gradients`, (t) => {
    t.is(wrong(options), null);
  });
}

test('any geometry that fits', (t) => {
  const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
  const channels = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 9, max: 70 }));
  const images = fc.integer({ min: 0, max: 3 });
  const pad = fc.oneof(fc.constantFrom('same' as const, 'valid' as const), fc.nat(4), fc.tuple(pair(0, 6), pair(0, 6)));
  const any = fc.record({
    ...{ images, channels, filters: channels, pad },
    sides: pair(1, 12),
    filter: pair(1, 6),
    strides: fc.oneof(fc.integer({ min: 1, max: 4 }), pair(1, 5)),
    dilations: fc.oneof(fc.constant(1), pair(1, 4)),
  });
  const many = fc.integer({ min: 16, max: 40 });
  const byWinograd = fc.record({
    ...{ images, channels: many, filters: many, pad },
    sides: pair(3, 10),
    filter: fc.constant([3, 3]),
  });
  const property = fc.property(
    fc.oneof(any, any, byWinograd),
    fc.nat(),
    ({ images, sides, filter, channels, filters, ...options }, seed) => {
      const shapes = { inputShape: [images, ...sides, channels], filterShape: [...filter, channels, filters] };
      fc.pre(outputSize({ ...shapes, ...options }).every((pixels) => pixels > 0));
      t.is(wrong({ ...shapes, ...options }, seed), null);
    },
  );
  fc.assert(property, { seed: 12, numRuns: fewerRuns(400) });
});

interface Golden {
  options: ConvolutionOptions & Conv2dGradientOptions;
  input: number[];
  filter: number[];
  output: number[];
  outputGrad: number[];
  inputGrad: number[];
  filterGrad: number[];
}

test('torch, to the bit where no sum is rounded', (t) => {
  const cases = goldenCases<Golden>('convolution.json');
  t.true(cases.length > 10);
  for (const { options, ...golden } of cases) {
    const [x, w, dy] = [golden.input, golden.filter, golden.outputGrad].map((list) => Float32Array.from(list)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const title = JSON.stringify(options);
    t.is(mismatch(conv2d(x, w, options), golden.output), null, title);
    t.is(mismatch(conv2dBackpropInput(dy, w, options), golden.inputGrad), null, title);
    t.is(mismatch(conv2dBackpropFilter(x, dy, options), golden.filterGrad), null, title);
    // The reference as well.
    t.is(mismatch(convolutionReference(x, w, options), golden.output), null, title);
    t.is(mismatch(inputGradReference(dy, w, options), golden.inputGrad), null, title);
    t.is(mismatch(filterGradReference(x, dy, options), golden.filterGrad), null, title);
  }
});

test('gradients are slopes of the reference along random directions', (t) => {
  for (const [name, options] of Object.entries(GEOMETRIES)) {
    const { x, w, dy } = valuesOf(options);
    const step = 2 ** -10;
    /** Of the sum of the output's values, weighed by dy, as `of` moves. */
    const slope = (of: Float32Array, direction: Float32Array, output: (moved: Float64Array) => Float64Array) => {
      const at = (by: number) =>
        output(Float64Array.from(of, (v, i) => v + by * direction[i]!)).reduce((sum, v, i) => sum + v * dy[i]!, 0);
      return (at(step) - at(-step)) / (2 * step);
    };
    const along = (grad: Float32Array, direction: Float32Array) => {
      const terms = Float64Array.from(grad, (g, i) => g * direction[i]!);
      return { sum: terms.reduce((a, b) => a + b, 0), size: terms.reduce((a, b) => a + Math.abs(b), 0) };
    };
    for (const [of, grad, output] of [
      [x, conv2dBackpropInput(dy, w, options), (moved: Float64Array) => convolutionReference(moved, w, options)],
      [w, conv2dBackpropFilter(x, dy, options), (moved: Float64Array) => convolutionReference(x, moved, options)],
    ] as const) {
      const direction = uniform(random(3), of.length, -1, 1);
      const { sum, size } = along(grad, direction);
      t.is(
        mismatch([sum], [slope(of, direction, output)], { relative: 1e-6, absolute: 1e-9, scale: [size] }),
        null,
        name,
      );
    }
  }
});

test('activations clamp, and a NaN stays one', (t) => {
  const input = Float32Array.of(-2, -0, 3, 7, NaN, Infinity, -Infinity);
  const options = { inputShape: [1, 1, 7, 1], filterShape: [1, 1, 1, 1] };
  const of = (activation: 'linear' | 'relu' | 'relu6') => [
    ...conv2d(input, Float32Array.of(1), { ...options, activation }),
  ];
  t.deepEqual(of('linear'), [-2, 0, 3, 7, NaN, Infinity, -Infinity]);
  t.deepEqual(of('relu'), [0, 0, 3, 7, NaN, Infinity, 0]);
  t.deepEqual(of('relu6'), [0, 0, 3, 6, NaN, 6, 0]);
});

test('native code refuses arrays that are shorter than the shape says, and shapes that leave 64 bits', (t) => {
  const { convolution, convolutionInputGrad, convolutionFilterGrad, fields } = internal.native();
  const shape = {
    ...{ images: 2, height: 3, width: 4, channels: 5, filterHeight: 2, filterWidth: 2, filters: 3 },
    ...{ outHeight: 2, outWidth: 3, strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 },
    ...{ padTop: 0, padLeft: 0 },
  };
  const arrays = (lengths: Record<string, number>) =>
    Object.fromEntries(Object.entries(lengths).map(([name, length]) => [name, new Float32Array(length)]));
  const [input, filter, output] = [120, 60, 36];
  const calls = [
    { name: 'convolution', call: convolution, arrays: arrays({ input, filter, bias: 3, addend: output, output }) },
    {
      name: 'convolutionInputGrad',
      call: convolutionInputGrad,
      arrays: arrays({ outputGrad: output, filter, addend: input, rectified: input, inputGrad: input }),
    },
    {
      name: 'convolutionFilterGrad',
      call: convolutionFilterGrad,
      arrays: arrays({ input, outputGrad: output, filterGrad: filter }),
    },
  ] as const;
  for (const { name, call, arrays } of calls) {
    const run = (changed: object) => {
      const given: Record<string, unknown> = { clamped: false, low: 0, high: 0, ...shape, ...arrays, ...changed };
      call(...fields[name].map((field) => given[field]));
    };
    t.notThrows(() => {
      run({});
    });
    for (const [field, values] of Object.entries(arrays)) {
      const message = `native field ${field}: expected Float32Array of at least ${values.length} elements`;
      t.throws(
        () => {
          run({ [field]: values.subarray(1) });
        },
        { message },
      );
      t.throws(
        () => {
          run({ [field]: new Int32Array(values.length) });
        },
        { message },
      );
    }
    for (const [changed, message] of [
      [{ strideHeight: 0 }, /strideHeight: expected a number of pixels/],
      [{ filterWidth: 0 }, /filterWidth: expected a number of pixels/],
      [{ height: 2 ** 31 }, /height: expected a number of pixels/],
      [{ padTop: -1 }, /padTop: expected/],
      [{ images: 2 ** 52, height: 2 ** 30 }, /counts whose product fits 64 bits|at least \d{17} elements/],
      [{ images: 0, channels: 2 ** 40, strideWidth: 2 ** 30 }, /counts whose product fits 64 bits/],
    ] as const) {
      t.throws(
        () => {
          run(changed);
        },
        { message },
      );
    }
  }
});

test('memory that a call needs does not grow with what lies beyond the image', (t) => {
  const input = uniform(random(1), 64 * 64 * 32, -1, 1);
  const filter = uniform(random(2), 9 * 32 * 32, -1, 1);
  const shape = { inputShape: [1, 64, 64, 32], filterShape: [3, 3, 32, 32], pad: 'same' as const };
  const middle = conv2d(input, filter.subarray(4 * 1024, 5 * 1024), { ...shape, filterShape: [1, 1, 32, 32] });
  // All but the filter's middle reads zeros; padding up to them would take terabytes.
  const far = { ...shape, dilations: 2 ** 24 };
  t.is(mismatch(conv2d(input, filter, far), middle), null);
  t.is(conv2dBackpropInput(middle, filter, far).length, input.length);
  const grad = conv2dBackpropFilter(input, middle, far);
  t.true(grad.every((value, i) => (value !== 0) === (i >> 10 === 4)));
});

test('what cannot be allocated is an error of the package', (t) => {
  const options = { inputShape: [1, 1, 1, 1], filterShape: [1, 1, 1, 2 ** 20], pad: 2 ** 20 };
  const error = t.throws<RetinanetOpsError>(() => conv2d(new Float32Array(1), new Float32Array(2 ** 20), options));
  t.is(error?.code, 'ERR_OUT_OF_MEMORY');
});
