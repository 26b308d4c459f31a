import { focalLossReference } from '../../reference/focal-loss.js';
import { detached, f32, i32 } from '../../support/arrays.js';
import { integers, pick, uniform } from '../../support/random.js';
import { focalCases, focalInputs } from '../inputs/focal-loss.js';
import type { BadCall } from '../driver/case.js';
import { LOSS_OPTIONS, lossCases, someWeights } from '../driver/loss.js';

interface Options {
  numClasses?: number;
  alpha?: number | Float32Array | null;
  gamma?: number | Float32Array;
  labelSmoothing?: number;
  weights?: Float32Array;
}

const twice = new Float32Array(6);

export default lossCases<Int32Array | Float32Array, Options>({
  name: 'sigmoidFocalLoss',
  options: ['numClasses', 'alpha', 'gamma', 'labelSmoothing', ...LOSS_OPTIONS],
  rows: { edges: [0, 1, 2, 3, 7, 16, 33, 40], large: 40_000 },
  rounds: 200,
  inputs(next, rows) {
    const numClasses = pick(next, [1, 2, 3, 8, 17, 20]);
    if (next() < 0.25) {
      const { logits, targets, options } = focalInputs(next, pick(next, focalCases), rows, numClasses);
      return [logits, targets, { ...options, ...someWeights(next, rows) }];
    }
    const extent = pick(next, [1, 6, 20, 100]);
    const logits = uniform(next, rows * numClasses, -extent, extent);
    const soft = uniform(next, rows * numClasses, -0.2, 1.1).map((t) => Math.min(Math.max(t, 0), 1));
    return [
      logits,
      pick<Int32Array | Float32Array>(next, [integers(next, rows, -2, numClasses), soft]),
      {
        numClasses,
        alpha: pick(next, [null, 0, 0.25, 0.5, 0.99, 1, uniform(next, numClasses, 0, 1)]),
        gamma: pick(next, [0, 0.5, 1, 2, 5, 5 * next(), uniform(next, numClasses, 0, 5)]),
        labelSmoothing: pick(next, [0, 0, 0.1, 0.5]),
        ...someWeights(next, rows),
      },
    ];
  },
  reference: (logits, targets, { numClasses = logits.length / targets.length, ...options }) =>
    focalLossReference(logits, targets, { numClasses, ...options }),
  tolerance: () => ({ relative: 1e-6 }),
  positives: true,
  shapes(logits, targets, { numClasses = 1 }) {
    const shape = [logits.length / numClasses, numClasses];
    const rows = shape.slice(0, 1);
    return {
      0: shape,
      1: targets instanceof Int32Array ? rows : shape,
      '2.weights': rows,
      '2.anchorWeights': rows,
      '2.gradOutput': shape,
    };
  },
  example: () => [f32(0.5, -1, 2, -3, 0.25, 1), i32(1, -1, -2), {}],
  bad: [
    [0, [1, 2, 3, 4, 5, 6], 'ERR_DTYPE', /a Float32Array for logits, received an Array/],
    [0, new Float64Array(6), 'ERR_DTYPE', /a Float32Array for logits, received a Float64Array/],
    [0, undefined, 'ERR_DTYPE', /logits, received undefined/],
    [0, detached(new Float32Array(6)), 'ERR_DTYPE', /logits, .*detached/],
    [0, new Float32Array(7), 'ERR_SHAPE', /logits, received 7 elements/],
    [1, new Uint8Array(3), 'ERR_DTYPE', /an Int32Array \[N\] or a Float32Array .* targets, received a Uint8Array/],
    [1, null, 'ERR_DTYPE', /targets, received null/],
    [1, i32(0, 5, 1), 'ERR_LABEL', /below 2.* targets, received 5 at row 1/],
    [1, i32(0, 1, -3), 'ERR_LABEL', /targets, received -3 at row 2/],
    [1, new Float32Array(5), 'ERR_SHAPE', /6 elements for targets, received 5/],
    [1, f32(0, 1, 0, 1.5, 0, 0), 'ERR_RANGE', /\[0, 1\] for targets, received 1.5 at row 3/],
    [1, f32(0, 1, 0, 0, 0, NaN), 'ERR_RANGE', /targets, received NaN at row 5/],
    [2, null, 'ERR_DTYPE', /an object for options, received null/],
    [2, [], 'ERR_DTYPE', /options, received an Array/],
    [2, 'mean', 'ERR_DTYPE', /options, received 'mean'/],
    [{ gama: 2 }, 'ERR_OPTION', /'gama' \(did you mean 'gamma'\?\)/],
    [{ num_classes: 2 }, 'ERR_OPTION', /'num_classes' \(did you mean 'numClasses'\?\)/],
    [{ alpha: 1.25 }, 'ERR_RANGE', /\[0, 1\] for alpha, received 1.25/],
    [{ alpha: -0.5 }, 'ERR_RANGE', /alpha, received -0.5/],
    [{ alpha: NaN }, 'ERR_RANGE', /alpha, received NaN/],
    [{ alpha: {} }, 'ERR_DTYPE', /a number or an array of numbers \[K\] for alpha, received an object/],
    [{ alpha: '25' }, 'ERR_DTYPE', /an array of numbers \[K\] for alpha, received '25'/],
    [{ alpha: [0.5, '0.5'] }, 'ERR_DTYPE', /a finite number for alpha, received '0.5' at row 1/],
    [{ alpha: new BigInt64Array(2) }, 'ERR_DTYPE', /a finite number for alpha, received 0n at row 0/],
    [{ alpha: [] }, 'ERR_SHAPE', /2 elements \(one per class\) for alpha, received 0/],
    [{ alpha: [0.5, 1.5] }, 'ERR_RANGE', /\[0, 1\] for alpha, received 1.5 at row 1/],
    [{ gamma: null }, 'ERR_DTYPE', /gamma, received null/],
    [{ gamma: [1, 2, 3] }, 'ERR_SHAPE', /2 elements \(one per class\) for gamma, received 3/],
    [{ gamma: Float64Array.of(1, 1e39) }, 'ERR_RANGE', /gamma, received 1e\+39 at row 1/],
    [{ alpha: f32(0.5, 0.5, 0.5) }, 'ERR_SHAPE', /2 elements \(one per class\) for alpha, received 3/],
    [{ alpha: f32(0.5, -1) }, 'ERR_RANGE', /alpha, received -1 at row 1/],
    [{ gamma: -1 }, 'ERR_RANGE', /gamma, received -1/],
    [{ gamma: NaN }, 'ERR_RANGE', /gamma, received NaN/],
    [{ gamma: Infinity }, 'ERR_RANGE', /gamma, received Infinity/],
    [{ gamma: 2n }, 'ERR_DTYPE', /gamma, received 2n/],
    [{ gamma: f32(1, NaN) }, 'ERR_RANGE', /gamma, received NaN at row 1/],
    [{ normalizer: 0 }, 'ERR_RANGE', /normalizer, received 0/],
    [{ normalizer: 'positive' }, 'ERR_DTYPE', /'positives' for normalizer, received 'positive'/],
    [{ reduction: 'avg' }, 'ERR_OPTION', /'sum', 'mean', 'none' for reduction, received 'avg'/],
    [{ labelSmoothing: 2 }, 'ERR_RANGE', /\[0, 1\] for labelSmoothing, received 2/],
    [{ numClasses: 0 }, 'ERR_RANGE', /numClasses, received 0/],
    [{ numClasses: 1.5 }, 'ERR_RANGE', /an integer .* numClasses, received 1.5/],
    [{ numClasses: 4 }, 'ERR_SHAPE', /3 rows of 4 elements for logits, received 6 elements/],
    [{ numClasses: 2 ** 53 }, 'ERR_RANGE', /numClasses, received 9007199254740992/],
    [{ backend: 'gpu' }, 'ERR_OPTION', /'auto', 'cpu', 'cuda' for backend, received 'gpu'/],
    [{ out: new Float32Array(5), reduction: 'none' }, 'ERR_SHAPE', /6 elements for out, received 5/],
    [{ out: new Float64Array(6), reduction: 'none' }, 'ERR_DTYPE', /out, received a Float64Array/],
    ...['weights', 'anchorWeights'].flatMap((weights): BadCall[] => {
      const named = (text: string) => new RegExp(`for ${weights}, received ${text}$`);
      return [
        [{ [weights]: f32(1, 1) }, 'ERR_SHAPE', named('2')],
        [{ [weights]: f32(1, Infinity, 1) }, 'ERR_RANGE', named('Infinity at row 1')],
        [{ [weights]: [1, 1, 1] }, 'ERR_DTYPE', named('an Array')],
      ];
    }),
    [
      { weights: f32(1, 1, 1), anchorWeights: f32(1, 1, 1) },
      'ERR_OPTION',
      /weights alone, whose former name it is, for anchorWeights, received both/,
    ],
  ],
  badOf: {
    value: [
      [{ out: new Float32Array(6) }, 'ERR_OPTION', /out, received reduction 'sum'/],
      [{ gradOutput: 1 }, 'ERR_OPTION', /'gradOutput'/],
    ],
    backward: [
      [{ gradOutput: f32(1, 1, 1, 1, 1, 1) }, 'ERR_DTYPE', /gradOutput, received a Float32Array/],
      [{ gradOutput: null }, 'ERR_DTYPE', /gradOutput, received null/],
      [{ gradOutput: NaN }, 'ERR_RANGE', /gradOutput, received NaN/],
      [{ gradOutput: 3.5e38 }, 'ERR_RANGE', /gradOutput, received 3.5e\+38/],
      [{ normalizer: 1e-309 }, 'ERR_RANGE', /normalizer, received 1e-309/],
      [{ gradOutput: f32(1), reduction: 'none' }, 'ERR_SHAPE', /6 elements for gradOutput/],
    ],
    both: [
      [{ out: { grads: new Float32Array(6) } }, 'ERR_OPTION', /did you mean 'grad'/],
      [{ out: { losses: new Float32Array(6) } }, 'ERR_OPTION', /out\.losses, .*'sum'/],
      [
        { reduction: 'none', out: { losses: twice, grad: twice } },
        'ERR_OPTION',
        /out\.grad, received one over the same memory/,
      ],
    ],
  },
});
