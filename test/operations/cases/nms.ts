import { nmsReference } from '../../reference/nms.js';
import { f32, i32 } from '../../support/arrays.js';
import { awkwardBoxes, integers, pick, uniform } from '../../support/random.js';
import { operationCase } from '../driver/case.js';

interface Options {
  iouThreshold?: number;
  maxOutput?: number;
  classes?: Int32Array;
}
type Args = [boxes: Float32Array, scores: Float32Array, options: Options];

export default [
  operationCase<Args>({
    name: 'nms',
    options: ['iouThreshold', 'maxOutput', 'classes'],
    rows: { edges: [0, 1, 2, 7, 40, 120, 300, 700], large: 3000 },
    rounds: 400,
    inputs(next, rows) {
      const levels = pick(next, [1, 4, 200, 1e6]);
      const numClasses = pick(next, [1, 3, 80, 1e6]);
      return [
        awkwardBoxes(next, rows),
        uniform(next, rows, -1, 1).map((v) => Math.round(v * levels) / levels),
        {
          iouThreshold: pick(next, [0, 1e-6, 0.001, 0.2, 0.3, 0.499, 0.5, 0.501, 0.7, 1, next()]),
          ...pick(next, [{}, { classes: integers(next, rows, -numClasses, numClasses) }]),
          ...pick(next, [{}, {}, { maxOutput: Math.floor(next() * 1.2 * rows) }]),
        },
      ];
    },
    reference: (boxes, scores, { iouThreshold = 0.5, classes, maxOutput }) =>
      nmsReference(boxes, scores, iouThreshold, classes).slice(0, maxOutput),
    shapes: (_boxes, scores) => ({ 0: [scores.length, 4], 1: [scores.length], '2.classes': [scores.length] }),
    example: () => [f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44), f32(0.5, 0.25, 0.75), {}],
    bad: [
      [1, f32(0.5, NaN, 0.25), 'ERR_RANGE', /scores, received NaN at row 1/],
      [1, f32(0.5), 'ERR_SHAPE', /3 elements \(one per box\) for scores, received 1/],
      [0, f32(0, 0, 1, Infinity), 'ERR_BOX', /boxes, received .* at row 0/],
      [{ iouThreshold: 1.5 }, 'ERR_RANGE', /iouThreshold, received 1.5/],
      [{ maxOutput: -1 }, 'ERR_RANGE', /maxOutput, received -1/],
      [{ maxOutput: 2n }, 'ERR_DTYPE', /maxOutput, received 2n/],
      [{ classes: i32(0) }, 'ERR_SHAPE', /3 elements \(one per box\) for classes, received 1/],
      [{ classes: [0, 1, 2] }, 'ERR_DTYPE', /classes, received an Array/],
      [{ iou_threshold: 0.5 }, 'ERR_OPTION', /did you mean 'iouThreshold'/],
    ],
  }),
];
