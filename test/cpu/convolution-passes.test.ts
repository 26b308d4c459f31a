// What a training has convolutions do in the same pass over memory: sums, ReLUs and their gradients.
import test from 'ava';
import { conv2d, conv2dBackpropInput } from 'retinanet-ops';
import type { Binding, ConvolutionShape } from '../../binding.js';
import { mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';
import { GEOMETRIES, valuesOf } from '../operations/inputs/convolution.js';

const internal = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
  native: () => Binding;
};

test('what a training adds, and a ReLU or its gradient, in the same pass: the bits of passes of their own', async (t) => {
  const binding = internal.native();
  const run = (name: 'convolution' | 'convolutionInputGrad', fields: Record<string, unknown>) => {
    binding[name](...binding.fields[name].map((field) => fields[field]));
  };
  const geometry = (await import(
    new URL('./operations/convolution-geometry.js', import.meta.resolve('retinanet-ops')).href
  )) as { convolutionShape: (input: object, filter: object, options: object) => ConvolutionShape };
  for (const [name, options] of Object.entries(GEOMETRIES)) {
    const { inputShape, filterShape, strides = 1, dilations = 1, pad = 'valid' } = options;
    const shape = geometry.convolutionShape(inputShape, filterShape, { strides, dilations, pad });
    const { x, w, dy } = valuesOf(options);
    const [addend, toGrad] = [dy, x].map(({ length }, i) => uniform(random(5 + i), length, -1, 1)) as [
      Float32Array,
      Float32Array,
    ];
    const output = new Float32Array(dy.length);
    const clamp = { clamped: true, low: 0, high: Infinity };
    run('convolution', { ...shape, input: x, filter: w, bias: null, addend, ...clamp, output });
    t.deepEqual(
      output,
      conv2d(x, w, options).map((value, i) => Math.max(0, Math.fround(value + addend[i]!))),
      name,
    );

    const rectified = x.map((value, i) => (i % 7 === 0 ? NaN : Math.max(0, value)));
    const inputGrad = new Float32Array(x.length);
    run('convolutionInputGrad', { ...shape, outputGrad: dy, filter: w, addend: toGrad, rectified, inputGrad });
    const step = (y: number) => (y > 0 ? 1 : y <= 0 ? 0 : NaN);
    const want = conv2dBackpropInput(dy, w, options).map((value, i) => (value + toGrad[i]!) * step(rectified[i]!));
    t.is(mismatch(inputGrad, want, { relative: 1e-7 }), null, name);
  }
});
