import { smoothL1Reference } from '../../reference/smooth-l1.js';
import { detached, f32 } from '../../support/arrays.js';
import { pick, uniform } from '../../support/random.js';
import { LOSS_OPTIONS, lossCases, someWeights } from '../driver/loss.js';

interface Options {
  beta?: number;
  weights?: Float32Array;
  anchorWeights?: Float32Array;
}

export default lossCases<Float32Array, Options>({
  name: 'smoothL1Loss',
  options: ['beta', ...LOSS_OPTIONS],
  rows: { edges: [0, 1, 2, 3, 5, 8, 15, 17, 33, 200], large: 70_000 },
  inputs(next, rows) {
    const columns = pick(next, [1, 3, 4]);
    const [predictions, targets] = [uniform(next, rows * columns, -2, 2), uniform(next, rows * columns, -2, 2)];
    return [predictions, targets, { beta: pick(next, [0, 1 / 9, 1, 2.5]), ...someWeights(next, rows) }];
  },
  reference: smoothL1Reference,
  // A difference of two float32 numbers is rounded once, and divided by beta.
  tolerance: (of, _predictions, _targets, { beta = 1 }) => ({
    relative: 1e-6,
    absolute: of === 'grad' ? 4e-7 / Math.max(beta, 0.1) : 4e-7,
  }),
  slopes: { absolute: 1e-5 },
  shapes(predictions, _targets, { weights, anchorWeights = weights }) {
    const rows = anchorWeights?.length ?? predictions.length;
    const shape = anchorWeights === undefined ? [rows] : [rows, predictions.length / rows || 1];
    return { 0: shape, 1: shape, '2.weights': [rows], '2.anchorWeights': [rows], '2.gradOutput': shape };
  },
  example: () => [f32(0.1, 0.2, -0.1, 0.3, 0, 0, 0.5, -0.5, 1, -1, 0.2, 0.1), new Float32Array(12), {}],
  bad: [
    [0, new Int32Array(12), 'ERR_DTYPE', /predictions, received an Int32Array/],
    [1, new Float32Array(11), 'ERR_SHAPE', /12 elements like predictions for targets, received 11/],
    [1, detached(new Float32Array(12)), 'ERR_DTYPE', /targets, .*detached/],
    [2, 7, 'ERR_DTYPE', /options, received 7/],
    [{ Beta: 1 }, 'ERR_OPTION', /'Beta' \(did you mean 'beta'\?\)/],
    [{ beta: -1 }, 'ERR_RANGE', /beta, received -1/],
    [{ beta: NaN }, 'ERR_RANGE', /beta, received NaN/],
    [{ beta: '1' }, 'ERR_DTYPE', /beta, received '1'/],
    [{ normalizer: 0 }, 'ERR_RANGE', /normalizer, received 0/],
    [{ normalizer: 'positives' }, 'ERR_DTYPE', /normalizer, received 'positives'/],
    [{ weights: new Float32Array(5) }, 'ERR_SHAPE', /one weight per row of 12 predictions for weights, received 5/],
    [{ weights: f32(1, 1, -1) }, 'ERR_RANGE', /weights, received -1 at row 2/],
    [{ weights: null }, 'ERR_DTYPE', /weights, received null/],
    [{ reduction: 'none', out: new Float32Array(13) }, 'ERR_SHAPE', /12 elements for out, received 13/],
    [{ reduction: 'none', out: new Uint8Array(48) }, 'ERR_DTYPE', /out, received a Uint8Array/],
    [
      { weights: f32(1, 1, 1), anchorWeights: f32(1, 1, 1) },
      'ERR_OPTION',
      /weights alone, .* anchorWeights, received both/,
    ],
  ],
});
