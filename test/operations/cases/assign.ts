import type { Anchors, AssignOptions, GroundTruth, MatchOptions } from 'retinanet-ops';
import { assignBatchReference, assignReference } from '../../reference/assign.js';
import { f32, i32 } from '../../support/arrays.js';
import { integers, pick } from '../../support/random.js';
import { operationCase, type BadCall } from '../driver/case.js';
import {
  BAD_CODER,
  BAD_MATCHING,
  BAD_TRUTH,
  boxesOf,
  exampleTruth,
  extentOf,
  MATCH_OPTIONS,
} from '../inputs/anchors.js';
import {
  coderScale,
  someAnchors,
  someCoderWeights,
  someGroundTruth,
  someObjects,
  someThresholds,
} from '../inputs/anchors.js';

const example = () => f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44);
const rows = { edges: [0, 1, 2, 17, 64, 150, 700], large: 40_000 };
interface Coding {
  coderWeights?: ArrayLike<number>;
}
const toleranceBy = (key: string, options: Coding) =>
  key === 'boxTargets' ? { absolute: 5e-5 * coderScale(options) } : {};
const both = new Int32Array(4);

export default [
  operationCase<[anchors: Anchors, gtBoxes: Float32Array, gtLabels: Int32Array, options: AssignOptions]>({
    name: 'assignAnchors',
    options: [...MATCH_OPTIONS, 'coderWeights', 'ignoreBoxes', 'out'],
    rows,
    rounds: 600,
    inputs(next, count) {
      const anchors = someAnchors(next, count);
      const extent = extentOf(anchors);
      const objects = count > 1000 ? 60 : Math.floor(13 * next());
      const regions = someObjects(next, Math.floor(5 * next()), extent);
      return [
        anchors,
        someObjects(next, objects, extent),
        integers(next, objects, 0, 80),
        { ...someThresholds(next), ...someCoderWeights(next), ...pick(next, [{}, { ignoreBoxes: regions }]) },
      ];
    },
    reference: (anchors, gtBoxes, gtLabels, options) => assignReference(boxesOf(anchors), gtBoxes, gtLabels, options),
    tolerance: (key, _anchors, _boxes, _labels, options) => toleranceBy(key, options),
    outputs: () => ({ 'out.labels': null, 'out.matches': null }),
    shapes: (anchors, _gtBoxes, gtLabels, { ignoreBoxes }) => ({
      0: [boxesOf(anchors).length / 4, 4],
      1: [gtLabels.length, 4],
      2: [gtLabels.length],
      '3.ignoreBoxes': [(ignoreBoxes?.length ?? 0) / 4, 4],
    }),
    example: () => [example(), exampleTruth().boxes, exampleTruth().labels, {}],
    bad: [
      ...BAD_MATCHING,
      ...BAD_CODER,
      [0, {}, 'ERR_DTYPE', /an AnchorGrid or a Float32Array \[A, 4\] for anchors, received an object/],
      [0, null, 'ERR_DTYPE', /anchors, received null/],
      [0, f32(0, 0, 10), 'ERR_SHAPE', /four values per box for anchors, received 3 values/],
      [0, f32(0, 0, 1, 1, 5, 5, 5, 9), 'ERR_BOX', /anchors, received \[5, 5, 5, 9\] at row 1/],
      [1, f32(0, 0, 1, 1, 5, 5, 4, 9), 'ERR_BOX', /x2 > x1 and y2 > y1 for gtBoxes, received .* at row 1/],
      [1, f32(0, 0, 1, NaN, 5, 5, 6, 9), 'ERR_BOX', /gtBoxes, received \[0, 0, 1, NaN\] at row 0/],
      [1, f32(0, 0, 1, 1, 5, 5, Infinity, 9), 'ERR_BOX', /gtBoxes, received .*Infinity.* at row 1/],
      [2, i32(1), 'ERR_SHAPE', /2 elements \(one per box\) for gtLabels, received 1/],
      [2, i32(1, -1), 'ERR_LABEL', /gtLabels, received -1 at row 1/],
      [2, f32(1, 1), 'ERR_DTYPE', /an Int32Array for gtLabels, received a Float32Array/],
      [{ ignoreBoxes: f32(1, 1, 1, 1) }, 'ERR_BOX', /ignoreBoxes, received \[1, 1, 1, 1\] at row 0/],
      [{ out: { labels: new Int32Array(2) } }, 'ERR_SHAPE', /3 elements for out\.labels, received 2/],
      [{ out: { matches: new Float32Array(3) } }, 'ERR_DTYPE', /out\.matches, received a Float32Array/],
      [{ out: new Int32Array(3) }, 'ERR_DTYPE', /an object for out, received an Int32Array/],
      [
        { out: { labels: both.subarray(0, 3), matches: both.subarray(1) } },
        'ERR_OPTION',
        /out\.matches, received one over the same memory/,
      ],
    ],
  }),
  operationCase<[anchors: Anchors, groundTruth: GroundTruth, options: MatchOptions & Coding]>({
    name: 'assignAnchorsBatch',
    options: [...MATCH_OPTIONS, 'coderWeights', 'out'],
    rows,
    rounds: 100,
    inputs(next, count) {
      const anchors = someAnchors(next, count);
      const truth = someGroundTruth(next, Math.floor(6 * next()), 80, extentOf(anchors), count > 1000 ? 40 : 8);
      return [anchors, truth, { ...someThresholds(next), ...someCoderWeights(next) }];
    },
    reference: (anchors, groundTruth, options) => assignBatchReference(boxesOf(anchors), groundTruth, options),
    tolerance: (key, _anchors, _truth, options) => toleranceBy(key, options),
    outputs: () => ({ 'out.labels': null, 'out.matches': null }),
    shapes: (anchors, { labels }) => ({
      0: [boxesOf(anchors).length / 4, 4],
      '1.boxes': [labels.length, 4],
      '1.labels': [labels.length],
    }),
    example: () => [example(), exampleTruth(), {}],
    bad: [
      ...BAD_MATCHING,
      ...BAD_CODER,
      ...BAD_TRUTH.map(([groundTruth, code, message]): BadCall => [1, groundTruth, code, message]),
      [1, undefined, 'ERR_DTYPE', /groundTruth, received undefined/],
    ],
  }),
];
