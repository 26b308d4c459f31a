import type { HardNegativesOptions, OnlineHardExamplesOptions } from 'retinanet-ops';
import { hardExamplesReference, hardNegativesReference } from '../../reference/mining.js';
import { f32, i32 } from '../../support/arrays.js';
import { awkwardBoxes, integers, pick, uniform } from '../../support/random.js';
import { operationCase } from '../driver/case.js';

// Quarters: sums over classes are exact, so that equal losses are equal however they are added.
const quarters = (values: Float32Array) => values.map((v) => Math.round(v * 4) / 4);
const rows = { edges: [0, 1, 2, 17, 64, 200, 700], large: 60_000 };

export default [
  operationCase<[losses: Float32Array, labels: Int32Array, options: HardNegativesOptions]>({
    name: 'selectHardNegatives',
    options: ['ratio', 'minNegatives'],
    rows,
    rounds: 400,
    inputs: (next, count) => [
      quarters(uniform(next, count * pick(next, [1, 1, 4]), 0, 5)),
      integers(next, count, -2, 8).map((label) => (label > 1 ? -1 : label)),
      {
        ratio: pick(next, [undefined, 0, 0.07, 0.29, 1, 1.1, 2.5, 3, 100]),
        minNegatives: pick(next, [undefined, 0, 1, 7, 150, 2 ** 53 - 1]),
      },
    ],
    reference: (losses, labels, { ratio = 3, minNegatives }) =>
      hardNegativesReference(losses, labels, ratio, minNegatives),
    shapes: (losses, labels) => ({ 0: [labels.length, losses.length / labels.length || 1], 1: [labels.length] }),
    example: () => [f32(0.5, 3, 1), i32(1, -1, -1), {}],
    bad: [
      [0, new Float32Array(4), 'ERR_SHAPE', /losses, received 4 elements/],
      [0, f32(1, NaN, 1), 'ERR_RANGE', /losses, received NaN at row 1/],
      [1, i32(0, -1, -3), 'ERR_LABEL', /labels, received -3 at row 2/],
      [1, new Uint32Array(3), 'ERR_DTYPE', /labels, received a Uint32Array/],
      [{ ratio: -1 }, 'ERR_RANGE', /ratio, received -1/],
      [{ ratio: Infinity }, 'ERR_RANGE', /ratio, received Infinity/],
      [{ minNegatives: -1 }, 'ERR_RANGE', /an integer .* minNegatives, received -1/],
      [{ minNegatives: 0.5 }, 'ERR_RANGE', /minNegatives, received 0.5/],
      [{ minNegatives: null }, 'ERR_DTYPE', /minNegatives, received null/],
      [{ ration: 3 }, 'ERR_OPTION', /did you mean 'ratio'/],
    ],
  }),
  operationCase<[losses: Float32Array, boxes: Float32Array, options: OnlineHardExamplesOptions]>({
    name: 'onlineHardExamples',
    options: ['iouThreshold', 'count'],
    rows: { edges: rows.edges, large: 3000 },
    rounds: 200,
    inputs: (next, count) => [
      pick(next, [quarters, (values: Float32Array) => values])(uniform(next, count, 0, 9)),
      awkwardBoxes(next, count),
      { count: Math.floor(64 * next()), iouThreshold: pick(next, [undefined, 0.3, 0.7, 1]) },
    ],
    reference: (losses, boxes, { iouThreshold = 0.7, count }) =>
      hardExamplesReference(losses, boxes, iouThreshold, count),
    shapes: (losses) => ({ 0: [losses.length], 1: [losses.length, 4] }),
    example: () => [f32(0.5, 3, 1), f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44), { count: 2 }],
    bad: [
      [0, f32(1, 2), 'ERR_SHAPE', /3 elements \(one per box\) for losses, received 2/],
      [0, f32(1, 2, NaN), 'ERR_RANGE', /losses, received NaN at row 2/],
      [1, f32(0, 0, 1), 'ERR_SHAPE', /boxes, received 3 values/],
      [2, undefined, 'ERR_DTYPE', /options, received/],
      [{ count: undefined }, 'ERR_DTYPE', /count, received undefined/],
      [{ count: -1 }, 'ERR_RANGE', /count, received -1/],
      [{ iouThreshold: NaN }, 'ERR_RANGE', /iouThreshold, received NaN/],
      [{ maxOutput: 3 }, 'ERR_OPTION', /'maxOutput'/],
    ],
  }),
];
