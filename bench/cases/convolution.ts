// The layers of the compact RetinaNet at 256x192 and some of resnet50-fpn's, forward and both gradients, beside the peak of the
// vector units. What is counted is the definition's work, of which Winograd's F(2x2, 3x3) does 2.25 times less.
import { conv2d, conv2dBackpropFilter, conv2dBackpropInput } from 'retinanet-ops';
import { alignedFloats } from '#lib/runtime/allocate.js';
import {
  convolutionReference,
  filterGradReference,
  inputGradReference,
  outputSize,
} from '../../test/reference/convolution.js';
import { mismatch, type Tolerance } from '../../test/support/compare.js';
import { random, uniform } from '../../test/support/random.js';
import { asTensor, fail, type Case, type Settings } from '../case.js';

interface Layer {
  images: number;
  height: number;
  width: number;
  channels: number;
  filters: number;
  filter: number;
  stride: number;
}

const layer = (
  [images, height, width]: [number, number, number],
  [channels, filters]: [number, number],
  filter = 3,
  stride = 1,
): Layer => ({ images, height, width, channels, filters, filter, stride });

/** Of the compact network, batch 8: stem, stages and their shortcuts, subnets. */
const COMPACT = [
  layer([8, 256, 192], [3, 32], 4, 4),
  layer([8, 64, 48], [32, 32]),
  layer([8, 64, 48], [32, 64], 3, 2),
  layer([8, 64, 48], [32, 64], 2, 2),
  layer([8, 32, 24], [64, 64]),
  layer([8, 32, 24], [64, 96], 3, 2),
  layer([8, 16, 12], [96, 96]),
  layer([8, 32, 24], [48, 48]),
  layer([8, 32, 24], [48, 36]),
  layer([8, 8, 6], [128, 128]),
];
/** Of resnet50-fpn at 512x512, and the largest, the widest and the smallest of its 3 x 3 layers of many channels at 800x1088. */
const RESNET = [
  layer([1, 128, 128], [64, 64]),
  layer([1, 64, 64], [512, 128], 1),
  layer([1, 64, 64], [128, 512], 1),
  layer([1, 64, 64], [128, 128]),
  layer([1, 64, 64], [256, 256]),
  layer([1, 64, 64], [256, 512], 1, 2),
  layer([1, 100, 136], [256, 256]),
  layer([1, 25, 34], [512, 512]),
  layer([1, 13, 17], [256, 256]),
];

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const randomTensor = (next: () => number, shape: readonly number[]) => asTensor(uniform(next, size(shape), -1, 1));

/** The first `taken` of every `width` values. */
function columns(values: Float32Array, width: number, taken: number): Float32Array {
  const rows = values.length / width;
  return Float32Array.from({ length: rows * taken }, (_, i) => values[Math.floor(i / taken) * width + (i % taken)]!);
}

/** The reference would take a minute for all: it has two of the channels that a result is made of. */
const CHECKED = 2;

function layerCases(of: Layer, threads: number[]): Case[] {
  const { images, height, width, channels, filters, filter, stride } = of;
  const shape = {
    inputShape: [images, height, width, channels],
    filterShape: [filter, filter, channels, filters],
    ...{ strides: stride, pad: 'same' as const },
  };
  const outputShape = [images, ...outputSize(shape), filters];
  const few = { ...shape, filterShape: [filter, filter, channels, CHECKED] };
  const fewChannels = {
    ...shape,
    inputShape: [images, height, width, CHECKED],
    filterShape: [filter, filter, CHECKED, filters],
  };
  const flops = 2 * size(outputShape) * filter * filter * channels;
  const step = stride === 1 ? '' : `/${stride}`;
  const name = `convolution ${filter}x${filter}${step}, ${channels} to ${filters}, ${images} x ${height}x${width}`;

  const forms = {
    forward: (next: () => number) => {
      const [x, w] = [randomTensor(next, shape.inputShape), randomTensor(next, shape.filterShape)];
      const out = alignedFloats(size(outputShape));
      return {
        run: () => conv2d(x, w, { ...shape, out }),
        got: () => columns(out, filters, CHECKED),
        want: (a: typeof Math.abs) => convolutionReference(x.map(a), columns(w, filters, CHECKED).map(a), few),
      };
    },
    'input gradient': (next: () => number) => {
      const [dy, w] = [randomTensor(next, outputShape), randomTensor(next, shape.filterShape)];
      const out = alignedFloats(size(shape.inputShape));
      const fewOf = columns(w, channels * filters, CHECKED * filters);
      return {
        run: () => conv2dBackpropInput(dy, w, { ...shape, out }),
        got: () => columns(out, channels, CHECKED),
        want: (a: typeof Math.abs) => inputGradReference(dy.map(a), fewOf.map(a), fewChannels),
      };
    },
    'filter gradient': (next: () => number) => {
      const [x, dy] = [randomTensor(next, shape.inputShape), randomTensor(next, outputShape)];
      const out = alignedFloats(size(shape.filterShape));
      return {
        run: () => conv2dBackpropFilter(x, dy, { ...shape, out }),
        got: () => columns(out, filters, CHECKED),
        want: (a: typeof Math.abs) => filterGradReference(x.map(a), columns(dy, filters, CHECKED).map(a), few),
      };
    },
  };
  return Object.entries(forms).map(([form, prepare]) => ({
    name: `${name}, ${form}`,
    threads,
    prepare: () => {
      const { run, got, want } = prepare(random(flops));
      let isChecked = false;
      return {
        unit: 'FLOP',
        count: flops,
        limit: { kind: 'fma' },
        run,
        check: () => {
          if (isChecked) return;
          const tolerance: Tolerance = { relative: 1e-6, scale: want(Math.abs) };
          const wrong = mismatch(
            got(),
            want((value) => value),
            tolerance,
          );
          if (wrong) fail(`${name}, ${form}: ${wrong}`);
          isChecked = true;
        },
      };
    },
  }));
}

export function convolutionCases({ quick, threads }: Settings): Case[] {
  const layers = quick ? COMPACT.slice(0, 3) : [...COMPACT, ...RESNET];
  return layers.flatMap((of) => layerCases(of, [...new Set([1, threads])]));
}
