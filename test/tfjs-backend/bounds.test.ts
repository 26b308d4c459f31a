// What native code must not do whatever it is called with: read or write past the arrays.
import test from 'ava';
import type { Binding, Operations } from '../../binding.js';

const { native } = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
  native: () => Binding;
};

const floats = (length: number): Float32Array => new Float32Array(length);
const axes = (...sizes: number[]): Float64Array => Float64Array.from(sizes);

const binary = { kind: 0, alpha: 0, shape: axes(2, 3), aShape: axes(2, 3), bShape: axes(1, 3), a: floats(6), b: floats(3), output: floats(6) }; // prettier-ignore
const copy = { shape: axes(2, 3), inputOffset: 1, inputStrides: axes(3, 1), input: floats(7), outputOffset: 0, outputStrides: axes(1, 2), output: floats(6) }; // prettier-ignore
const pool = { average: false, images: 1, height: 4, width: 4, channels: 2, outHeight: 2, outWidth: 2, windowHeight: 2, windowWidth: 2, strideHeight: 2, strideWidth: 2, padTop: 0, padLeft: 0, input: floats(32), output: floats(8) }; // prettier-ignore
const resize = { images: 1, height: 2, width: 2, channels: 1, outHeight: 4, outWidth: 4, bilinear: true, alignCorners: false, halfPixelCenters: false, input: floats(4), output: floats(16) }; // prettier-ignore
const norm = { pixels: 2, channels: 3, mean: floats(3), factor: floats(3), offset: floats(3), input: floats(6), output: floats(6) }; // prettier-ignore
const reduce = { kind: 0, outer: 2, reduced: 3, inner: 4, input: floats(24), output: floats(8) };

/** Right calls, and for each what makes it wrong, with the field that is named. */
const CALLS: [name: keyof Operations, call: object, wrong: [change: object, field: string][]][] = [
  ['unary', { kind: 0, alpha: 0, beta: 0, input: floats(5), output: floats(5) }, [
    [{ output: floats(4) }, 'output'],
    [{ kind: 1000 }, 'kind'],
    [{ kind: -1 }, 'kind'],
    [{ input: new Int32Array(5) }, 'input'],
  ]],
  ['binary', binary, [
    [{ kind: 1000 }, 'kind'],
    [{ a: floats(5) }, 'a'],
    [{ b: floats(2) }, 'b'],
    [{ output: floats(5) }, 'output'],
    [{ bShape: axes(3) }, 'bShape'],
    [{ bShape: axes(2, 2) }, 'bShape'],
    [{ aShape: axes(1, 3) }, 'bShape'],
    [{ shape: axes(2, NaN) }, 'shape'],
    [{ shape: axes(2 ** 40, 2 ** 40) }, 'aShape'],
    [{ shape: axes(...Array.from({ length: 9 }, () => 1)) }, 'shape'],
  ]],
  ['stridedCopy', copy, [
    [{ input: floats(6) }, 'input'],
    [{ output: floats(5) }, 'output'],
    [{ inputOffset: 2 }, 'input'],
    [{ inputOffset: -1 }, 'inputOffset'],
    [{ inputStrides: axes(4, 1) }, 'input'],
    [{ inputStrides: axes(3) }, 'inputStrides'],
    [{ outputStrides: axes(-1, 2) }, 'outputStrides'],
    [{ outputStrides: axes(2 ** 52, 2 ** 52), shape: axes(2 ** 20, 3) }, 'inputStrides|input|outputStrides'],
  ]],
  ['reduce', reduce, [
    [{ input: floats(23) }, 'input'],
    [{ output: floats(7) }, 'output'],
    [{ kind: 4 }, 'kind'],
    [{ outer: 2 ** 40, inner: 2 ** 40 }, 'inner'],
  ]],
  ['pool', pool, [
    [{ input: floats(31) }, 'input'],
    [{ output: floats(7) }, 'output'],
    [{ strideHeight: 0 }, 'strideHeight'],
    [{ windowWidth: 0 }, 'windowWidth'],
    [{ height: 2 ** 31 }, 'height'],
  ]],
  ['resize', resize, [
    [{ input: floats(3) }, 'input'],
    [{ output: floats(15) }, 'output'],
    [{ height: 0 }, 'height'],
  ]],
  ['batchNorm', norm, [
    [{ mean: floats(2) }, 'mean'],
    [{ factor: floats(2) }, 'factor'],
    [{ offset: floats(2) }, 'offset'],
    [{ input: floats(5) }, 'input'],
    [{ output: floats(5) }, 'output'],
  ]],
]; // prettier-ignore

for (const [name, call, wrong] of CALLS) {
  test(`${name} refuses what would leave its arrays`, (t) => {
    const binding = native();
    const fields = binding.fields[name] as readonly string[];
    const operation = binding[name];
    const run = (values: object) => operation(...fields.map((field) => (values as Record<string, unknown>)[field]));
    t.notThrows(() => run(call));
    for (const [change, field] of wrong) {
      t.throws(() => run({ ...call, ...change }), { message: new RegExp(`^native field (${field}): expected `) }, JSON.stringify(change)); // prettier-ignore
    }
  });
}
