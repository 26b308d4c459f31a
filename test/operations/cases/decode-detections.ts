import { AnchorGrid } from 'retinanet-ops';
import { decodeReference } from '../../reference/decode.js';
import { detached } from '../../support/arrays.js';
import { pick } from '../../support/random.js';
import { operationCase } from '../driver/case.js';
import { BAD_CODER, boxesOf, countOf, extentOf, someAnchors, someCoderWeights } from '../inputs/anchors.js';
import { exampleOutputs, outputShapes, someOutputs, type Outputs } from '../inputs/outputs.js';

interface Options extends Outputs {
  imageHeight?: number;
  imageWidth?: number;
  levelCounts?: number[];
  scoreThreshold?: number;
  topK?: number;
  iouThreshold?: number;
  maxDetections?: number;
  classAgnostic?: boolean;
  coderWeights?: readonly number[];
}

/** No box: every eleventh row or so has a delta that is not finite. */
const spoilt = (deltas: Float32Array, from: number) =>
  deltas.map((delta, i) => (i >= from && (i - from) % 47 === 0 ? [NaN, Infinity, -Infinity, -NaN][i % 4]! : delta));

export default [
  operationCase<[options: Options]>({
    name: 'decodeDetections',
    options: [
      ...['classLogits', 'boxDeltas', 'anchors', 'numClasses', 'imageHeight', 'imageWidth', 'scoreThreshold', 'topK'],
      ...['levelCounts', 'iouThreshold', 'classAgnostic', 'maxDetections', 'coderWeights'],
    ],
    rows: { edges: [0, 1, 3, 17, 64, 150, 400], large: 6000 },
    rounds: 80,
    inputs(next, count) {
      const anchors = someAnchors(next, count);
      const images = count === 0 ? 0 : Math.floor(4 * next());
      const outputs = someOutputs(next, anchors, images, pick(next, [1, 2, 5, 20]));
      const first = Math.floor(countOf(anchors) / 3);
      const size = { imageHeight: extentOf(anchors), imageWidth: extentOf(anchors) - 7 };
      const of = anchors instanceof AnchorGrid ? pick(next, [{}, size]) : size;
      const levels = { levelCounts: [first, countOf(anchors) - first] };
      return [
        {
          ...outputs,
          ...pick(next, [{}, { boxDeltas: spoilt(outputs.boxDeltas, Math.floor(40 * next())) }]),
          ...pick(next, [{}, { classLogits: outputs.classLogits.map((x) => Math.round(4 * x) / 4) }]),
          ...of,
          ...(anchors instanceof AnchorGrid ? {} : pick(next, [{}, levels])),
          ...pick(next, [{}, { scoreThreshold: pick(next, [0, 0.05, 0.3]), topK: pick(next, [1, 7, 60, 1000]) }]),
          ...pick(next, [{}, { iouThreshold: pick(next, [0.2, 0.5]), maxDetections: pick(next, [1, 5, 300]) }]),
          ...pick(next, [{}, { classAgnostic: true }]),
          ...someCoderWeights(next),
        },
      ];
    },
    reference: ({ anchors, ...options }) =>
      decodeReference({
        levelCounts: anchors instanceof AnchorGrid ? anchors.levels.map((level) => level.count) : [countOf(anchors)],
        ...(anchors instanceof AnchorGrid ? { imageHeight: anchors.imageHeight, imageWidth: anchors.imageWidth } : {}),
        ...options,
        anchors: boxesOf(anchors),
      }),
    tolerance: (key) => ({ scores: { relative: 1e-6 }, boxes: { relative: 1e-6, absolute: 2e-5 } })[key] ?? {},
    shapes: outputShapes,
    example: () => [{ ...exampleOutputs(), imageHeight: 40, imageWidth: 40 }],
    bad: [
      ...BAD_CODER,
      [0, undefined, 'ERR_DTYPE', /options, received/],
      [{ boxDeltas: new Float32Array(13) }, 'ERR_SHAPE', /3 anchors x 4 for boxDeltas, received 13/],
      [{ classLogits: new Float32Array(13) }, 'ERR_SHAPE', /classLogits, received 13 elements/],
      [{ numClasses: 3 }, 'ERR_SHAPE', /6 anchors x 3 classes for classLogits, received 12/],
      [{ imageHeight: undefined }, 'ERR_DTYPE', /imageHeight, received undefined/],
      [{ imageWidth: -1 }, 'ERR_RANGE', /imageWidth, received -1/],
      [{ scoreThreshold: 1.1 }, 'ERR_RANGE', /scoreThreshold, received 1.1/],
      [{ topK: 0 }, 'ERR_RANGE', /topK, received 0/],
      [{ topK: 2 ** 31 }, 'ERR_RANGE', /topK, received 2147483648/],
      [{ maxDetections: 0.5 }, 'ERR_RANGE', /maxDetections, received 0.5/],
      [{ levelCounts: [1, 1] }, 'ERR_SHAPE', /sum to 3 anchors for levelCounts, received a sum of 2/],
      [{ levelCounts: [4, -1] }, 'ERR_RANGE', /levelCounts, received -1 at row 1/],
      [{ levelCounts: { length: 1e12 } }, 'ERR_SHAPE', /levelCounts, received 1000000000000/],
      [{ classLogits: detached(new Float32Array(12)) }, 'ERR_DTYPE', /classLogits, .*detached/],
      [{ classAgnostic: 1 }, 'ERR_DTYPE', /a boolean for classAgnostic, received 1/],
      [{ maxDetection: 5 }, 'ERR_OPTION', /did you mean 'maxDetections'/],
    ],
  }),
];
