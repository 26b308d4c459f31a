// Convolutions on the native backend beside float64, on the instruction set that RETINANET_OPS_CPU names: what the operations on
// typed arrays have not, depthwise ones above all. Prints one line of JSON.
import * as tf from '@tensorflow/tfjs-core';
import { backendInfo, setNumThreads } from 'retinanet-ops';
import { useNativeBackend } from 'retinanet-ops/tfjs';
import { GEOMETRIES, randomGeometry } from '../../operations/inputs/convolution.js';
import { convolutionReference, outputSize, type ConvolutionOptions } from '../../reference/convolution.js';
import { channelsOf, depthwiseReference } from '../../reference/depthwise.js';
import { bits, mismatch } from '../../support/compare.js';
import { random, uniform } from '../../support/random.js';

const wrong: string[] = [];
let checked = 0;

function check(
  title: string,
  got: tf.Tensor | ArrayLike<number>,
  want: ArrayLike<number>,
  scale: ArrayLike<number> = want,
): void {
  const values = 'dataSync' in got ? got.dataSync() : got;
  const sentence = mismatch(values, want, { relative: 1e-6, scale });
  if (sentence !== null) wrong.push(`${title}: ${sentence}`);
  checked++;
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const absolute = (values: Float32Array) => values.map(Math.abs);
type Attributes = tf.NamedAttrMap;
const kernel = (name: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs as Attributes);

/** tfjs' explicit padding has images and channels too. */
function attributes({ strides = 1, dilations = 1, pad = 'valid' }: ConvolutionOptions) {
  return { strides, dilations, pad: typeof pad === 'object' ? [[0, 0], ...pad, [0, 0]] : pad, dataFormat: 'NHWC' };
}

/** `taken`: the channels that the reference computes, where it need not be all of one filter each. */
function checkDepthwise(
  title: string,
  of: ConvolutionOptions,
  multiplier: number,
  seed: number,
  taken?: readonly number[],
): void {
  const next = random(seed);
  const channels = of.inputShape[3]!;
  const [height, width] = of.filterShape as [number, number];
  const filterShape = [height, width, channels, multiplier];
  const outputShape = [of.inputShape[0]!, ...outputSize(of), channels * multiplier];
  const [x, w, dy] = [of.inputShape, filterShape, outputShape].map((shape) => uniform(next, size(shape), -1, 1)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const few = (values: Float32Array) => (taken === undefined ? values : channelsOf(values, channels, taken));
  const [inputs, filters, grads] = [few(x), few(w), few(dy)];
  const { inputShape } = of;
  const reference = depthwiseReference(
    taken === undefined ? of : { ...of, inputShape: [...inputShape.slice(0, 3), taken.length] },
    multiplier,
  );
  const name = `${title}, ${multiplier} filters a channel`;
  const attrs = attributes(of);
  const seen = [1, 2, 3].map((threads) => {
    setNumThreads(threads);
    return tf.tidy(() => {
      const [tx, tw, tdy] = [tf.tensor(x, [...of.inputShape]), tf.tensor(w, filterShape), tf.tensor(dy, outputShape)];
      const y = kernel('DepthwiseConv2dNative', { x: tx, filter: tw }, attrs);
      const dx = kernel(
        'DepthwiseConv2dNativeBackpropInput',
        { dy: tdy, filter: tw },
        { ...attrs, inputShape: of.inputShape },
      );
      const dw = kernel('DepthwiseConv2dNativeBackpropFilter', { x: tx, dy: tdy }, { ...attrs, filterShape });
      if (threads === 1) {
        const compare = (
          what: string,
          got: tf.Tensor,
          of: (a: Float32Array, b: Float32Array) => Float64Array,
          [a, b]: [Float32Array, Float32Array],
        ) => {
          check(name + what, few(got.dataSync<'float32'>()), of(a, b), of(absolute(a), absolute(b)));
        };
        compare('', y, reference.forward, [inputs, filters]);
        compare(', input gradient', dx, reference.inputGrad, [grads, filters]);
        compare(', filter gradient', dw, reference.filterGrad, [inputs, grads]);
      }
      return [y, dx, dw].map((tensor) => bits(tensor.dataSync())).join();
    });
  });
  setNumThreads(0);
  if (new Set(seen).size !== 1) wrong.push(`${name}: other bits with other numbers of threads`);
}

const ACTIVATIONS: Record<string, (value: number, channel: number) => number> = {
  linear: (v) => v,
  relu: (v) => Math.max(v, 0),
  relu6: (v) => Math.min(Math.max(v, 0), 6),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  elu: (v) => (v >= 0 ? v : Math.expm1(v)),
  leakyrelu: (v) => (v >= 0 ? v : 0.1 * v),
  prelu: (v, channel) => (v >= 0 ? v : (channel / 8) * v),
};

/** Biases of shapes that broadcast over an output [2, 5, 3, 5], of which some have as many values as there are channels. */
const BIASES = [null, [], [1], [5], [1, 1, 1, 5], [5, 1, 1], [3, 1], [5, 3, 5], [2, 1, 1, 5]];

function checkFused(name: 'FusedConv2D' | 'FusedDepthwiseConv2D'): void {
  const next = random(7);
  const outputShape = [2, 5, 3, 5];
  const inputShape = [2, 5, 3, name === 'FusedConv2D' ? 9 : 5];
  const filterShape = [3, 3, inputShape[3]!, name === 'FusedConv2D' ? 5 : 1];
  const [x, w] = [uniform(next, size(inputShape), -2, 2), uniform(next, size(filterShape), -2, 2)];
  const geometry = { inputShape, filterShape: [3, 3, inputShape[3]!, 5], pad: 'same' } as const;
  const reference = (a: Float32Array, b: Float32Array) =>
    name === 'FusedConv2D' ? convolutionReference(a, b, geometry) : depthwiseReference(geometry).forward(a, b);
  const [sums, terms] = [reference(x, w), reference(absolute(x), absolute(w))];
  const alpha = Float32Array.from({ length: 5 }, (_, channel) => channel / 8);
  for (const shape of BIASES) {
    const bias = shape === null ? null : uniform(next, size(shape), -2, 2);
    const added = (i: number): number => {
      if (bias === null || shape === null) return 0;
      let [rest, at, step] = [i, 0, 1];
      for (let axis = 3, own = shape.length - 1; own >= 0; axis--, own--) {
        if (shape[own] !== 1) at += (rest % outputShape[axis]!) * step;
        step *= shape[own]!;
        rest = Math.floor(rest / outputShape[axis]!);
      }
      return bias[at]!;
    };
    for (const [activation, activate] of Object.entries(ACTIVATIONS)) {
      tf.tidy(() => {
        const inputs = {
          ...{ x: tf.tensor(x, inputShape), filter: tf.tensor(w, filterShape) },
          ...(bias === null ? {} : { bias: tf.tensor(bias, shape ?? []) }),
          ...(activation === 'prelu' ? { preluActivationWeights: tf.tensor1d(alpha) } : {}),
        };
        const before = tf.memory().numTensors;
        const got = kernel(name, inputs, { ...attributes(geometry), activation, leakyreluAlpha: 0.1 });
        const title = `${name}, bias [${String(shape)}], ${activation}`;
        if (tf.memory().numTensors !== before + 1) wrong.push(`${title}: tensors are left`);
        const want = sums.map((sum, i) => activate(sum + added(i), i % 5));
        // Of an activation that is no steeper than 1.
        const scale = terms.map((term, i) => term + Math.abs(added(i)) + 1);
        check(title, got, want, scale);
      });
    }
  }
}

await useNativeBackend();
let seed = 0;
for (const [title, of] of Object.entries(GEOMETRIES)) checkDepthwise(title, of, 1 + (seed % 3), seed++);
for (let round = 0; round < 60; round++) {
  const of = randomGeometry(random(round), 2 + (round % 9));
  checkDepthwise(JSON.stringify(of), of, round % 3 === 0 ? 2 : 1, seed++);
}
// Filters' gradients in several parts, by rows and by channels; the last vector overlaps.
const wide = { inputShape: [3, 22, 19, 139], filterShape: [3, 3, 139, 1], pad: 'same' } as const;
const CHANNELS = [0, 63, 64, 79, 127, 128, 138];
checkDepthwise('many channels', wide, 1, seed++, CHANNELS);
checkDepthwise('many channels, stride 2', { ...wide, inputShape: [8, 32, 33, 139], strides: 2 }, 1, seed, CHANNELS);
// Filters of 3 x 3 that move by two: whatever the image and the pads leave at the edges, channels around the vectors' lanes.
const SIDES = [1, 2, 3, 4, 9, 38];
const PADS: NonNullable<ConvolutionOptions['pad']>[] = ['same', 'valid', 1, 2, 3, [[0, 2], [4, 1]], [[1, 0], [2, 5]]]; // prettier-ignore
for (const [i, height] of SIDES.entries()) {
  for (const [j, pad] of PADS.entries()) {
    const width = SIDES[(i + j) % SIDES.length]!;
    const channels = [4, 8, 16, 17, 33][(i + 2 * j) % 5]!;
    const of = { inputShape: [2, height, width, channels], filterShape: [3, 3, channels, 1], strides: 2, pad };
    if (outputSize(of).every((side) => side > 0)) checkDepthwise(JSON.stringify(of), of, 1 + (j % 2), seed++);
  }
}
checkFused('FusedConv2D');
checkFused('FusedDepthwiseConv2D');

// What tfjs' own kernels get wrong: pads of numbers and filters or strides that are not square; the last rows of wide strides.
const ones = (shape: [number, number, number, number]) => tf.ones<tf.Rank.R4>(shape);
const four = tf.conv2d(ones([1, 8, 8, 1]), ones([3, 3, 1, 1]), 4, 'same');
check('stride 4', four, [9, 9, 9, 9]);
const oblong = kernel(
  'Conv2D',
  { x: ones([1, 4, 6, 1]), filter: ones([1, 5, 1, 1]) },
  attributes({ inputShape: [], filterShape: [], pad: 1 }),
);
if (oblong.shape.join() !== '1,6,4,1') wrong.push(`an oblong filter: ${oblong.shape.join()}`);
check('an oblong filter', oblong, [0, 0, 0, 0, 4, 5, 5, 4, 4, 5, 5, 4, 4, 5, 5, 4, 4, 5, 5, 4, 0, 0, 0, 0]);

console.log(JSON.stringify({ instructionSet: backendInfo().cpu.instructionSet, checked, wrong: wrong.slice(0, 10) }));
