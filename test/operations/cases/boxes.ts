import type { Anchors } from 'retinanet-ops';
import { clip, decode, encode, iouMatrix } from '../../reference/boxes.js';
import { detached, f32 } from '../../support/arrays.js';
import { pick, randomBoxes, uniform } from '../../support/random.js';
import { operationCase, type BadCall } from '../driver/case.js';
import { BAD_CODER, boxesOf, coderScale, countOf, someAnchors, someCoderWeights } from '../inputs/anchors.js';

const rows = { edges: [0, 1, 2, 3, 5, 8, 15, 17, 33], large: 30_000 };
const eachRow = (count: number, row: (i: number) => number[]) => Array.from({ length: count }, (_, i) => row(i)).flat();
const shape = (boxes: Float32Array) => [boxes.length / 4, 4];
const [anchors, boxes] = [f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44), f32(0, 0, 9, 10, 6, 5, 21, 22)];

interface Coding {
  coderWeights?: readonly number[];
}

/** Bad calls of the operations on two arrays. */
const BAD: readonly BadCall[] = [
  [1, new Int32Array(12), 'ERR_DTYPE', /, received an Int32Array/],
  [1, new Float32Array(11), 'ERR_SHAPE', /, received 11/],
  [0, f32(NaN, 0, 1, 1), 'ERR_BOX', /received \[NaN, 0, 1, 1\] at row 0/],
  [{ out: new Float32Array(1) }, 'ERR_SHAPE', /for out, received 1/],
  [{ output: new Float32Array(12) }, 'ERR_OPTION', /did you mean 'out'/],
];

export default [
  operationCase<[anchors: Anchors, boxes: Float32Array, options: Coding]>({
    name: 'encodeBoxes',
    options: ['coderWeights', 'out'],
    rows,
    inputs(next, count) {
      const given = someAnchors(next, count);
      return [given, randomBoxes(next, countOf(given), 640, 6, 300, next() < 0.5), someCoderWeights(next)];
    },
    reference: (given, of, { coderWeights }) =>
      eachRow(of.length / 4, (i) => encode(boxesOf(given), i, of, i, coderWeights)),
    // Centres of coordinates up to 640 against anchors of a few pixels.
    tolerance: (_key, _anchors, _boxes, options) => ({ relative: 1e-6, absolute: 1e-4 * coderScale(options) }),
    outputs: () => ({ out: '1' }),
    shapes: (given, of) => ({ 0: shape(boxesOf(given)), 1: shape(of) }),
    example: () => [anchors.slice(), f32(...boxes, 3, 3, 30, 30), {}],
    bad: [...BAD, ...BAD_CODER, [1, new Float32Array(12), 'ERR_BOX', /boxes, received \[0, 0, 0, 0\] at row 0/]],
  }),
  operationCase<[anchors: Anchors, deltas: Float32Array, options: Coding]>({
    name: 'decodeBoxes',
    options: ['coderWeights', 'out'],
    rows,
    inputs(next, count) {
      const given = someAnchors(next, count);
      return [given, uniform(next, 4 * countOf(given), -3, 6), someCoderWeights(next)];
    },
    reference: (given, deltas, { coderWeights }) =>
      eachRow(deltas.length / 4, (i) => decode(boxesOf(given), i, deltas, i, coderWeights)),
    tolerance: () => ({ relative: 1e-6, absolute: 0.01 }),
    outputs: () => ({ out: '1' }),
    shapes: (given, deltas) => ({ 0: shape(boxesOf(given)), 1: shape(deltas) }),
    example: () => [anchors.slice(), f32(0.1, 0.2, -0.1, 0.3, 0, 0, 0.5, -0.5, 1, -1, 0.2, 0.1), {}],
    bad: [...BAD, ...BAD_CODER],
  }),
  operationCase<[boxes: Float32Array, options: { height: number; width: number }]>({
    name: 'clipBoxes',
    options: ['height', 'width', 'out'],
    rows,
    inputs: (next, count) => [
      uniform(next, 4 * count, -100, 700),
      { height: pick(next, [1, 300, 0.5]), width: pick(next, [1, 500, 333.25]) },
    ],
    reference: (of, { height, width }) =>
      eachRow(of.length / 4, (i) => clip([...of.subarray(4 * i, 4 * i + 4)], height, width)),
    outputs: () => ({ out: '0' }),
    shapes: (of) => ({ 0: shape(of) }),
    example: () => [boxes.slice(), { height: 8, width: 16 }],
    bad: [
      [0, f32(0, 0, 1), 'ERR_SHAPE', /four values per box for boxes, received 3 values/],
      [0, f32(0, 0, 1, Infinity), 'ERR_BOX', /boxes, received \[0, 0, 1, Infinity\] at row 0/],
      [1, undefined, 'ERR_DTYPE', /an object for options, received/],
      [{ height: undefined }, 'ERR_DTYPE', /height, received undefined/],
      [{ width: 0 }, 'ERR_RANGE', /width, received 0/],
      [{ width: 1e300 }, 'ERR_RANGE', /width, received 1e\+300/],
      [{ out: new Float32Array(4) }, 'ERR_SHAPE', /8 elements for out, received 4/],
    ],
  }),
  operationCase<[a: Float32Array, b: Float32Array, options: object]>({
    name: 'boxIou',
    options: ['out'],
    rows,
    inputs(next, count) {
      const whole = next() < 0.5;
      const others = Math.floor(next() * Math.min(count, 40));
      return [randomBoxes(next, count, 40, 2, 30, whole), randomBoxes(next, others, 40, 2, 30, whole), {}];
    },
    reference: iouMatrix,
    outputs: () => ({ out: null }),
    shapes: (a, b) => ({ 0: shape(a), 1: shape(b) }),
    example: () => [anchors.slice(), boxes.slice(), {}],
    bad: [
      ...BAD,
      [0, 'boxes', 'ERR_DTYPE', /a Float32Array for a, received 'boxes'/],
      [0, detached(f32(0, 0, 1, 1)), 'ERR_DTYPE', /for a, .*detached/],
    ],
  }),
];
