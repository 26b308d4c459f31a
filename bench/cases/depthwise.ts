// Depthwise layers of 3 x 3, batches of a detector's and single images of MobileNetV2's, forward and both gradients, beside the peak
// of the vector units and PyTorch's two layouts.
import { Check } from '#lib/arguments/check.js';
import { convolutionShape } from '#lib/operations/convolution-geometry.js';
import { alignedFloats } from '#lib/runtime/allocate.js';
import { plan } from '#lib/runtime/plan.js';
import { outputSize } from '../../test/reference/convolution.js';
import { channelsOf, depthwiseReference } from '../../test/reference/depthwise.js';
import { mismatch } from '../../test/support/compare.js';
import { random, uniform } from '../../test/support/random.js';
import { asTensor, fail, type Case, type Settings } from '../case.js';
import type { Answer } from '../peers/torchvision.js';

type Shape = [images: number, height: number, width: number, channels: number];

const LAYERS: [Shape, stride: number][] = [
  [[8, 96, 128, 32], 1],
  [[8, 96, 128, 32], 2],
  [[8, 48, 64, 96], 1],
  [[8, 48, 64, 96], 2],
  [[8, 24, 32, 192], 1],
  [[8, 12, 16, 384], 1],
  [[1, 112, 112, 32], 1],
  [[1, 112, 112, 96], 2],
  [[1, 56, 56, 144], 1],
  [[1, 28, 28, 192], 1],
  [[1, 14, 14, 384], 1],
  [[1, 14, 14, 576], 2],
  [[1, 7, 7, 960], 1],
];
const LAYOUTS = ['NCHW', 'channels_last'];
/** Of PyTorch's results so many values are compared. */
const SAMPLES = 997;

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function layerCases(inputShape: Shape, stride: number, threads: number[]): Case[] {
  const channels = inputShape[3];
  const of = { inputShape, filterShape: [3, 3, channels, 1], strides: stride, pad: 1 };
  const shape = convolutionShape(inputShape, of.filterShape, { strides: stride, dilations: 1, pad: 1 });
  const outputShape = [inputShape[0], ...outputSize(of), channels];
  const flops = 2 * size(outputShape) * 9;
  const few = [0, channels - 1];
  const reference = depthwiseReference({ ...of, inputShape: [...inputShape.slice(0, 3), few.length] });
  const [x, w, dy] = [inputShape, of.filterShape, outputShape].map((each, i) => () => {
    return asTensor(uniform(random(flops + i), size(each), -1, 1));
  }) as [() => Float32Array, () => Float32Array, () => Float32Array];
  const forms = {
    forward: {
      ...{ arrays: [x, w], result: outputShape, reference: reference.forward },
      run: (input: Float32Array, filter: Float32Array, output: Float32Array) => {
        const fields = { bias: null, clamped: false, low: -Infinity, high: Infinity };
        plan(
          new Check('depthwise'),
          'depthwiseConvolution',
          { ...shape, input, filter, ...fields, output },
          () => undefined,
        ).runSync();
      },
    },
    'input gradient': {
      ...{ arrays: [dy, w], result: inputShape, reference: reference.inputGrad },
      run: (outputGrad: Float32Array, filter: Float32Array, inputGrad: Float32Array) => {
        plan(
          new Check('depthwise'),
          'depthwiseInputGrad',
          { ...shape, outputGrad, filter, inputGrad },
          () => undefined,
        ).runSync();
      },
    },
    'filter gradient': {
      ...{ arrays: [x, dy], result: of.filterShape, reference: reference.filterGrad },
      run: (input: Float32Array, outputGrad: Float32Array, filterGrad: Float32Array) => {
        plan(
          new Check('depthwise'),
          'depthwiseFilterGrad',
          { ...shape, input, outputGrad, filterGrad },
          () => undefined,
        ).runSync();
      },
    },
  };
  return Object.entries(forms).map(([form, { arrays, result, reference, run }]): Case => {
    const [images, height, width] = inputShape;
    const step = stride === 1 ? '' : `/${stride}`;
    const name = `depthwise convolution 3x3${step}, ${channels}, ${images} x ${height}x${width}, ${form}`;
    return {
      name,
      threads,
      prepare: (_, torchvision) => {
        const [a, b] = arrays.map((make) => make()) as [Float32Array, Float32Array];
        const out = alignedFloats(size(result));
        const every = Math.max(1, Math.floor(out.length / SAMPLES));
        const compare = (what: string, got: ArrayLike<number>, want: ArrayLike<number>, scale: ArrayLike<number>) => {
          const wrong = mismatch(got, want, { relative: 1e-6, scale });
          if (wrong) fail(`${name}${what}: ${wrong}`);
        };
        const check = () => {
          const [fewA, fewB] = [channelsOf(a, channels, few), channelsOf(b, channels, few)];
          const scale = reference(fewA.map(Math.abs), fewB.map(Math.abs));
          compare('', channelsOf(out, channels, few), reference(fewA, fewB), scale);
        };
        const checkPeer = (answer: Answer) => {
          const theirs = answer['samples'] as number[];
          const ours = theirs.map((_value, i) => out[i * every]!);
          const terms = form === 'filter gradient' ? size(outputShape) / channels : 9;
          compare(", PyTorch's", theirs, ours, new Float32Array(theirs.length).fill(terms));
        };
        const parameters = { form, shape: inputShape, outputShape, stride, every };
        return {
          unit: 'FLOP',
          count: flops,
          limit: { kind: 'fma' },
          run: () => {
            run(a, b, out);
          },
          check,
          peers: LAYOUTS.flatMap((layout) =>
            torchvision.peer('depthwise', () => ({ a, b }), { ...parameters, layout }, flops, checkPeer, layout),
          ),
        };
      },
    };
  });
}

export function depthwiseCases({ quick, threads }: Settings): Case[] {
  const layers = quick ? LAYERS.slice(-3) : LAYERS;
  return layers.flatMap(([shape, stride]) => layerCases(shape, stride, [...new Set([1, threads])]));
}
