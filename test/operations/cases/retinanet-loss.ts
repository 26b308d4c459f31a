import type { BoxLossName, GroundTruth } from 'retinanet-ops';
import { BOX_LOSS_REFERENCES, retinanetLossReference } from '../../reference/retinanet-loss.js';
import { f32 } from '../../support/arrays.js';
import { pick, uniform } from '../../support/random.js';
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
import { coderScale, someAnchors, someCoderWeights, someGroundTruth, someThresholds } from '../inputs/anchors.js';
import { exampleOutputs, outputShapes, someOutputs, type Outputs } from '../inputs/outputs.js';

interface Options extends Outputs {
  groundTruth: GroundTruth;
  lossScale?: number;
  boxLoss?: BoxLossName;
  boxWeight?: number;
  coderWeights?: readonly number[];
}

const shared = new Float32Array(24);
const NAMES = Object.keys(BOX_LOSS_REFERENCES) as BoxLossName[];

const referenceOf = ({ anchors, ...options }: Options, at = options) =>
  retinanetLossReference({ ...options, anchors: boxesOf(anchors) }, { ...options, ...at, anchors: boxesOf(anchors) });

export default [
  operationCase<[options: Options]>({
    name: 'retinanetLoss',
    options: [
      ...['classLogits', 'boxDeltas', 'anchors', 'numClasses', ...MATCH_OPTIONS, 'groundTruth', 'alpha', 'gamma'],
      ...['labelSmoothing', 'boxLoss', 'beta', 'boxWeight', 'normalizer', 'lossScale', 'coderWeights', 'out'],
    ],
    rows: { edges: [0, 1, 3, 17, 64, 150, 400], large: 8000 },
    rounds: 80,
    inputs(next, count) {
      const anchors = someAnchors(next, count);
      const images = count === 0 ? 0 : 1 + Math.floor(4 * next());
      const numClasses = pick(next, [1, 3, 9]);
      return [
        {
          ...someOutputs(next, anchors, images, numClasses),
          groundTruth: someGroundTruth(next, images, numClasses, extentOf(anchors)),
          ...someThresholds(next),
          ...pick(next, [{}, { alpha: pick(next, [null, 0.25, uniform(next, numClasses, 0, 1)]) }]),
          ...pick(next, [{}, { gamma: pick(next, [0, 0.5, uniform(next, numClasses, 0, 5)]) }]),
          ...pick(next, [{}, { labelSmoothing: 0.1 }]),
          ...pick(next, [{}, { beta: pick(next, [1 / 9, 1]) }, ...NAMES.map((boxLoss) => ({ boxLoss }))]),
          ...pick(next, [{}, { boxWeight: pick(next, [0, 1, 2.5]) }]),
          ...pick(next, [
            {},
            { normalizer: pick(next, ['positives', 'positives-per-image', 'positives-per-image', 1]) },
          ]),
          ...someCoderWeights(next),
          ...pick(next, [{}, { lossScale: pick(next, [0.25, 1000, 2 ** 20]) }]),
        },
      ];
    },
    reference: (options) => referenceOf(options),
    // Targets are float32, and a difference of them is rounded: relative to coordinates of size 1, not to the difference.
    tolerance(key, { boxWeight = 1, lossScale = 1, ...options }) {
      const scale = boxWeight * lossScale * coderScale(options);
      if (key === 'boxGrad') return { relative: 1e-6, absolute: 1e-4 * scale };
      if (key === 'classGrad') return { relative: 2e-6 };
      return key === 'classLoss' ? { relative: 1e-6 } : { relative: 1e-5, absolute: 1e-6 };
    },
    outputs: () => ({ 'out.classGrad': '0.classLogits', 'out.boxGrad': '0.boxDeltas' }),
    gradients: {
      of: 'loss',
      by: { classGrad: '0.classLogits', boxGrad: '0.boxDeltas' },
      around: ([at], [moved]) => referenceOf(moved, at),
    },
    shapes({ groundTruth, ...outputs }) {
      const count = groundTruth.labels.length;
      return { ...outputShapes(outputs), '0.groundTruth.boxes': [count, 4], '0.groundTruth.labels': [count] };
    },
    example: () => [{ ...exampleOutputs(), groundTruth: exampleTruth() }],
    bad: [
      ...BAD_MATCHING,
      ...BAD_CODER,
      ...BAD_TRUTH.map(([groundTruth, code, message]): BadCall => [{ groundTruth }, code, message]),
      [0, null, 'ERR_DTYPE', /options, received null/],
      [{ groundTruth: undefined }, 'ERR_DTYPE', /groundTruth, received/],
      [{ anchors: f32(0, 0, 0, 1) }, 'ERR_BOX', /anchors, .* at row 0/],
      [{ boxDeltas: new Float32Array(12) }, 'ERR_SHAPE', /, received/],
      [{ boxDeltas: new Float32Array(25) }, 'ERR_SHAPE', /boxDeltas, received 25/],
      [{ numClasses: 1, classLogits: new Float32Array(6) }, 'ERR_LABEL', /groundTruth\.labels, received 1 at row 0/],
      [{ normalizer: null }, 'ERR_DTYPE', /normalizer, received null/],
      [{ normalizer: 'positives-per-images' }, 'ERR_DTYPE', /normalizer, received 'positives-per-images'/],
      [{ normalizer: -1 }, 'ERR_RANGE', /normalizer, received -1/],
      [{ normalizer: f32(3) }, 'ERR_DTYPE', /'positives' for normalizer, received a Float32Array/],
      [{ lossScale: 0 }, 'ERR_RANGE', /lossScale, received 0/],
      [{ lossScale: 1e-39 }, 'ERR_RANGE', /lossScale, received 1e-39/],
      [{ lossScale: 1e39 }, 'ERR_RANGE', /lossScale, received 1e\+39/],
      [{ lossScale: NaN }, 'ERR_RANGE', /lossScale, received NaN/],
      [{ lossScale: '8' }, 'ERR_DTYPE', /lossScale, received '8'/],
      [{ losScale: 8 }, 'ERR_OPTION', /'losScale' \(did you mean 'lossScale'\?\)/],
      [{ boxWeight: -1 }, 'ERR_RANGE', /boxWeight, received -1/],
      [{ beta: -1 }, 'ERR_RANGE', /beta, received -1/],
      [{ boxLoss: 'l2' }, 'ERR_OPTION', /'l1'.* for boxLoss, received 'l2'/],
      [{ boxLoss: 1 }, 'ERR_OPTION', /boxLoss, received 1/],
      [{ boxLoss: 'l1', beta: 1 }, 'ERR_OPTION', /boxLoss 'smooth-l1', .* for beta, received boxLoss 'l1'/],
      [{ gamma: -1 }, 'ERR_RANGE', /gamma, received -1/],
      [{ alpha: 2 }, 'ERR_RANGE', /alpha, received 2/],
      [{ alpha: [0.5] }, 'ERR_SHAPE', /2 elements \(one per class\) for alpha, received 1/],
      [{ gamma: [1, NaN] }, 'ERR_RANGE', /gamma, received NaN at row 1/],
      [{ out: { classGrad: new Float32Array(11) } }, 'ERR_SHAPE', /out\.classGrad, received 11/],
      [{ out: { boxGrad: new Float32Array(23) } }, 'ERR_SHAPE', /out\.boxGrad, received 23/],
      [{ out: { grad: f32() } }, 'ERR_OPTION', /'grad'/],
      [
        { out: { classGrad: shared.subarray(0, 12), boxGrad: shared } },
        'ERR_OPTION',
        /out\.boxGrad, received one over the same memory/,
      ],
    ],
  }),
];
