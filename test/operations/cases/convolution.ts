import {
  convolutionReference,
  filterGradReference,
  inputGradReference,
  outputSize,
  type ConvolutionOptions,
} from '../../reference/convolution.js';
import { f32, i32 } from '../../support/arrays.js';
import type { Tolerance } from '../../support/compare.js';
import { pick, uniform } from '../../support/random.js';
import { operationCase, type BadCall, type Next } from '../driver/case.js';
import { randomGeometry } from '../inputs/convolution.js';

type Args<Options = ConvolutionOptions> = [Float32Array, Float32Array, Options];
type ForwardOptions = ConvolutionOptions & { bias?: Float32Array; activation?: string };

const GEOMETRY = ['inputShape', 'filterShape', 'strides', 'dilations', 'pad', 'out'];
const rows = { edges: [0, 1, 2, 3, 4, 5, 7, 9, 12, 16], large: 48 };

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const outputShape = (options: ConvolutionOptions) => [
  options.inputShape[0]!,
  ...outputSize(options),
  options.filterShape[3]!,
];

/** A sum's terms without their signs: what its rounding errors are relative to. */
function roundedSums(
  reference: (a: Float32Array, b: Float32Array) => Float64Array,
  a: Float32Array,
  b: Float32Array,
): Tolerance {
  const absolute = (values: Float32Array) => values.map(Math.abs);
  return { relative: 1e-6, scale: reference(absolute(a), absolute(b)) };
}

const random = (next: Next, shape: readonly number[]) => uniform(next, size(shape), -1, 1);

const example: ConvolutionOptions = { inputShape: [1, 3, 4, 2], filterShape: [2, 2, 2, 3] };
const badGeometries: BadCall[] = [
  [{ inputShape: undefined }, 'ERR_DTYPE', /an array of numbers for inputShape, received undefined/],
  [{ inputShape: [3, 4, 2] }, 'ERR_SHAPE', /4 elements \[images, height, width, channels\] for inputShape, received 3/],
  [{ inputShape: [1, 0, 4, 2] }, 'ERR_RANGE', /inputShape, received 0 at row 1/],
  [{ inputShape: [1, 3, 4, 2.5] }, 'ERR_RANGE', /inputShape, received 2.5 at row 3/],
  [{ inputShape: [-1, 3, 4, 2] }, 'ERR_RANGE', /inputShape, received -1 at row 0/],
  [{ inputShape: [1, 1e9, 4, 2] }, 'ERR_RANGE', /inputShape, received 1000000000 at row 1/],
  [{ inputShape: ['1', 3, 4, 2] }, 'ERR_DTYPE', /inputShape, received '1' at row 0/],
  [{ filterShape: [2, 2, 3, 3] }, 'ERR_SHAPE', /2 channels, as inputShape has, for filterShape, received 3/],
  [
    { filterShape: [4, 2, 2, 3] },
    'ERR_SHAPE',
    /no larger than the padded image for filterShape, received one of 4 x 2/,
  ],
  [{ dilations: [3, 1] }, 'ERR_SHAPE', /no larger than the padded image for filterShape, received one of 4 x 2/],
  [{ strides: 0 }, 'ERR_RANGE', /strides, received 0/],
  [{ strides: [1, 1.5] }, 'ERR_RANGE', /strides, received 1.5 at row 1/],
  [{ strides: [1, 1, 1] }, 'ERR_SHAPE', /2 elements \[rows, columns\] for strides, received 3/],
  [{ dilations: '2' }, 'ERR_DTYPE', /dilations, received '2'/],
  [{ pad: 'full' }, 'ERR_OPTION', /'same', 'valid', .* for pad, received 'full'/],
  [{ pad: -1 }, 'ERR_RANGE', /pad, received -1/],
  [{ pad: [1, 1] }, 'ERR_DTYPE', /an array of numbers for pad\[0\], received 1/],
  [{ pad: [[0, 1], [2]] }, 'ERR_SHAPE', /2 elements \[left, right\] for pad\[1\], received 1/],
  [{ padding: 'same' }, 'ERR_OPTION', /'padding'/],
  [{ out: i32(0) }, 'ERR_DTYPE', /out, received an Int32Array/],
  [{ out: f32(0) }, 'ERR_SHAPE', /elements for out, received 1/],
];

const IMAGES = /24 elements \[images, height, width, channels\] for input, received 2/;
const FILTERS = /24 elements \[height, width, channels, filters\] for filter, received 2/;
const OUTPUTS = /18 elements \[images, output height, output width, filters\] for outputGrad, received 2/;

export default [
  operationCase<Args<ForwardOptions>>({
    name: 'conv2d',
    cpuOnly: true,
    options: [...GEOMETRY, 'bias', 'activation'],
    rows,
    inputs(next, rows) {
      const geometry = randomGeometry(next, rows);
      const bias = pick(next, [{}, { bias: uniform(next, geometry.filterShape[3]!, -1, 1) }]);
      const activation = pick(next, [{}, { activation: pick(next, ['linear', 'relu', 'relu6']) }]);
      const options = { ...geometry, ...bias, ...activation };
      return [random(next, geometry.inputShape), random(next, geometry.filterShape), options];
    },
    reference: convolutionReference,
    tolerance: (_, a, b, { bias, ...geometry }) =>
      roundedSums(
        (x, w) => convolutionReference(x, w, { ...geometry, bias: bias?.map(Math.abs), activation: 'linear' }),
        a,
        b,
      ),
    outputs: () => ({ out: null }),
    shapes: () => ({}),
    example: () => [new Float32Array(24), new Float32Array(24), { ...example }],
    bad: [
      ...badGeometries,
      [0, f32(1, 2), 'ERR_SHAPE', IMAGES],
      [0, i32(1, 2), 'ERR_DTYPE', /a Float32Array for input, received an Int32Array/],
      [1, f32(1, 2), 'ERR_SHAPE', FILTERS],
      [{ bias: f32(1, 2) }, 'ERR_SHAPE', /3 elements \(one per filter\) for bias, received 2/],
      [{ activation: 'gelu' }, 'ERR_OPTION', /'linear', 'relu', 'relu6' for activation, received 'gelu'/],
    ],
  }),
  operationCase<Args>({
    name: 'conv2dBackpropInput',
    cpuOnly: true,
    options: GEOMETRY,
    rows,
    inputs(next, rows) {
      const geometry = randomGeometry(next, rows);
      return [random(next, outputShape(geometry)), random(next, geometry.filterShape), geometry];
    },
    reference: inputGradReference,
    tolerance: (_, a, b, options) => roundedSums((dy, w) => inputGradReference(dy, w, options), a, b),
    outputs: () => ({ out: null }),
    shapes: () => ({}),
    example: () => [new Float32Array(18), new Float32Array(24), { ...example }],
    bad: [...badGeometries, [0, f32(1, 2), 'ERR_SHAPE', OUTPUTS], [1, f32(1, 2), 'ERR_SHAPE', FILTERS]],
  }),
  operationCase<Args>({
    name: 'conv2dBackpropFilter',
    cpuOnly: true,
    options: GEOMETRY,
    rows,
    inputs(next, rows) {
      const geometry = randomGeometry(next, rows);
      return [random(next, geometry.inputShape), random(next, outputShape(geometry)), geometry];
    },
    reference: filterGradReference,
    tolerance: (_, a, b, options) => roundedSums((x, dy) => filterGradReference(x, dy, options), a, b),
    outputs: () => ({ out: null }),
    shapes: () => ({}),
    example: () => [new Float32Array(24), new Float32Array(18), { ...example }],
    bad: [...badGeometries, [0, f32(1, 2), 'ERR_SHAPE', IMAGES], [1, f32(1, 2), 'ERR_SHAPE', OUTPUTS]],
  }),
];
