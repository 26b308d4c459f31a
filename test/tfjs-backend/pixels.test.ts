// Pooling and resizing with their gradients, against loops in float64.
import test from 'ava';
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { setNumThreads } from 'retinanet-ops';
import { mismatch } from '../support/compare.js';
import { numbers, on, runKernel, sizeOf, tensor } from './support.js';

type Shape4D = [number, number, number, number];

/** The gradient of sum(f(x) * dy), by the adjoint: f is linear in what is asked for. */
function adjoint(f: (x: Float64Array) => Float64Array, length: number, dy: Float32Array): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    const unit = new Float64Array(length);
    unit[i] = 1;
    return f(unit).reduce((total, value, k) => total + value * dy[k]!, 0);
  });
}

// Resizing.

interface Resize {
  shape: Shape4D;
  size: [number, number];
  alignCorners: boolean;
  halfPixel: boolean;
}

/** Of every output of an axis the inputs it is made of, with weights. */
function taps(size: number, out: number, bilinear: boolean, { alignCorners, halfPixel }: Resize): [number, number][][] {
  const shrink = alignCorners && out > 1 ? 1 : 0;
  const ratio = (size - shrink) / (out - shrink);
  const inside = (i: number): number => Math.max(0, Math.min(size - 1, i));
  return Array.from({ length: out }, (_, i) => {
    if (!bilinear) {
      const at = ratio * (halfPixel ? i + 0.5 : i);
      return [[inside(alignCorners ? Math.round(at) : Math.floor(at)), 1]];
    }
    const at = Math.max(0, halfPixel ? ratio * (i + 0.5) - 0.5 : ratio * i);
    const low = inside(Math.floor(at));
    return [[low, 1 - (at - low)], [inside(Math.ceil(at)), at - low]]; // prettier-ignore
  });
}

function resized(x: ArrayLike<number>, bilinear: boolean, call: Resize): Float64Array {
  const [images, height, width, channels] = call.shape;
  const [outHeight, outWidth] = call.size;
  const [down, across] = [taps(height, outHeight, bilinear, call), taps(width, outWidth, bilinear, call)];
  const y = new Float64Array(images * outHeight * outWidth * channels);
  let at = 0;
  for (let b = 0; b < images; b++) {
    for (const rows of down) {
      for (const columns of across) {
        for (let c = 0; c < channels; c++, at++) {
          for (const [row, weight] of rows) {
            for (const [column, share] of columns) {
              y[at]! += weight * share * x[((b * height + row) * width + column) * channels + c]!;
            }
          }
        }
      }
    }
  }
  return y;
}

const resizes = fc.record({
  shape: fc.tuple(
    fc.constantFrom(1, 2, 3),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    fc.constantFrom(1, 3, 4, 17),
  ),
  size: fc.tuple(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 1, max: 13 })),
  mode: fc.constantFrom([false, false], [true, false], [false, true]),
});

for (const bilinear of [false, true]) {
  const name = bilinear ? 'ResizeBilinear' : 'ResizeNearestNeighbor';
  test.serial(`${name} and its gradient, of several images and any sizes`, async (t) => {
    await fc.assert(
      fc.asyncProperty(resizes, fc.nat(), async ({ shape, size, mode }, seed) => {
        const call = { shape: shape, size: size, alignCorners: mode[0], halfPixel: mode[1] };
        const [images, , , channels] = shape;
        const x = numbers(seed, sizeOf(shape), -2, 2, []);
        const outShape = [images, ...size, channels];
        const dy = numbers(seed + 1, sizeOf(outShape), -2, 2, []);
        const attrs = { size, alignCorners: call.alignCorners, halfPixelCenters: call.halfPixel };
        const [y, dx] = await on('native', () => {
          const images = tensor(x, shape);
          return [
            runKernel(name, { images }, attrs),
            runKernel(`${name}Grad`, { images, dy: tensor(dy, outShape) }, attrs),
          ];
        });
        const what = JSON.stringify(call);
        t.is(mismatch(y!, resized(x, bilinear, call), { absolute: 2e-6 }), null, what);
        const want = adjoint((unit) => resized(unit, bilinear, call), x.length, dy);
        t.is(mismatch(dx!, want, { relative: 1e-6, absolute: 2e-5 }), null, what);
      }),
      { numRuns: 60 },
    );
  });
}

test.serial('the nearest pixel is copied, whatever stands there', async (t) => {
  const x = Float32Array.of(NaN, Infinity, -0, 1);
  const [y] = await on('native', () => tf.image.resizeNearestNeighbor(tensor(x, [1, 2, 2, 1]) as tf.Tensor4D, [4, 4]));
  t.deepEqual([...y!], [NaN, NaN, Infinity, Infinity, NaN, NaN, Infinity, Infinity, -0, -0, 1, 1, -0, -0, 1, 1]);
});

// Pooling.

const pools = fc.record({
  shape: fc.tuple(
    fc.constantFrom(1, 2),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom(1, 5, 16, 19),
  ),
  filterSize: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

interface Pooling {
  shape: Shape4D;
  filterSize: [number, number];
  strides: [number, number];
  pad: 'same' | 'valid';
}

/** Calls visit with the index of each output and the indices of the pixels of its window. */
function windows(
  { shape, filterSize, strides, pad }: Pooling,
  visit: (output: number, inputs: number[]) => void,
): number[] {
  const [images, height, width, channels] = shape;
  const sizes = [height, width] as const;
  const out = sizes.map((n, i) =>
    pad === 'same' ? Math.ceil(n / strides[i]!) : Math.max(0, Math.ceil((n - filterSize[i]! + 1) / strides[i]!)),
  );
  const lack = sizes.map((n, i) =>
    pad === 'same' ? Math.floor(Math.max(0, (out[i]! - 1) * strides[i]! + filterSize[i]! - n) / 2) : 0,
  );
  let output = 0;
  for (let b = 0; b < images; b++) {
    for (let y = 0; y < out[0]!; y++) {
      for (let x = 0; x < out[1]!; x++) {
        for (let c = 0; c < channels; c++, output++) {
          const inputs: number[] = [];
          for (let i = 0; i < filterSize[0]; i++) {
            for (let j = 0; j < filterSize[1]; j++) {
              const [row, column] = [y * strides[0] + i - lack[0]!, x * strides[1] + j - lack[1]!];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              inputs.push(((b * height + row) * width + column) * channels + c);
            }
          }
          visit(output, inputs);
        }
      }
    }
  }
  return [images, ...out, channels] as number[];
}

for (const kind of ['MaxPool', 'AvgPool'] as const) {
  test.serial(`${kind} and its gradient`, async (t) => {
    await fc.assert(
      fc.asyncProperty(pools, fc.nat(), async (call, seed) => {
        const outShape = windows(call, () => undefined);
        if (sizeOf(outShape) === 0) return;
        // Few values: windows have several largest ones.
        const x = numbers(seed, sizeOf(call.shape), -3, 3, []).map((value) =>
          kind === 'MaxPool' ? Math.round(value) : value,
        );
        const dy = numbers(seed + 1, sizeOf(outShape), -2, 2, []);
        const want = { y: new Float64Array(dy.length), dx: new Float64Array(x.length) };
        windows(call, (output, inputs) => {
          if (kind === 'MaxPool') {
            const largest = Math.max(...inputs.map((i) => x[i]!));
            want.y[output] = largest;
            want.dx[inputs.find((i) => x[i] === largest)!]! += dy[output]!;
          } else {
            for (const i of inputs) {
              want.y[output]! += x[i]! / inputs.length;
              want.dx[i]! += dy[output]! / inputs.length;
            }
          }
        });
        const { shape, filterSize, strides, pad } = call;
        const [y, dx] = await on('native', () => {
          const input = tensor(x, shape);
          const attrs = { filterSize, strides, pad };
          const output = runKernel(kind, { x: input }, attrs);
          t.deepEqual(output.shape, outShape);
          return [output, runKernel(`${kind}Grad`, { dy: tensor(dy, outShape), input, output }, attrs)];
        });
        t.is(mismatch(y!, want.y, { relative: 1e-6, absolute: 1e-6 }), null, JSON.stringify(call));
        t.is(mismatch(dx!, want.dx, { relative: 1e-6, absolute: 2e-6 }), null, JSON.stringify(call));
      }),
      { numRuns: 60 },
    );
  });
}

test.serial('maxima skip NaN, and a window without a number sends its gradient nowhere', async (t) => {
  const x = Float32Array.of(NaN, 2, NaN, NaN, -Infinity, NaN);
  const [y, dx] = await on('native', () => {
    const input = tensor(x, [1, 1, 6, 1]);
    const attrs = { filterSize: [1, 2], strides: [1, 2], pad: 'valid' };
    const output = runKernel('MaxPool', { x: input }, attrs);
    return [output, runKernel('MaxPoolGrad', { dy: tf.ones([1, 1, 3, 1]), input, output }, attrs)];
  });
  t.deepEqual([...y!], [2, -Infinity, -Infinity]);
  t.deepEqual([...dx!], [0, 1, 0, 0, 0, 0]);
});

test.serial('gradients of overlapping windows have the same bits for every number of threads', async (t) => {
  const shape: Shape4D = [2, 61, 67, 24];
  const x = numbers(1, sizeOf(shape), -2, 2, []);
  const body = () => {
    const images = tensor(x, shape) as tf.Tensor4D;
    const square = (y: tf.Tensor): tf.Scalar => tf.sum(tf.square(y));
    return [
      tf.grad((v) => square(tf.maxPool(v as tf.Tensor4D, 3, 2, 'same')))(images),
      tf.grad((v) => square(tf.avgPool(v as tf.Tensor4D, 3, 1, 'same')))(images),
      tf.grad((v) => square(tf.image.resizeBilinear(v as tf.Tensor4D, [100, 90])))(images),
      tf.grad((v) =>
        square(tf.batchNorm(v as tf.Tensor4D, tf.ones([24]), tf.ones([24]), tf.zeros([24]), tf.ones([24]))),
      )(images),
    ];
  };
  t.teardown(() => {
    setNumThreads(0);
  });
  setNumThreads(1);
  const one = await on('native', body);
  for (const threads of [2, 5]) {
    setNumThreads(threads);
    t.deepEqual(await on('native', body), one);
  }
});
