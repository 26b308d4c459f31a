// Anchors, pictures and objects of cases that have some.
import { AnchorGrid, type Anchors, type GroundTruth } from 'retinanet-ops';
import { integers, pick, randomBoxes } from '../../support/random.js';
import type { BadCall, Next } from '../driver/case.js';

export const countOf = (anchors: Anchors): number =>
  anchors instanceof AnchorGrid ? anchors.count : anchors.length / 4;
export const boxesOf = (anchors: Anchors): Float32Array => (anchors instanceof AnchorGrid ? anchors.boxes() : anchors);

/** A grid of about so many anchors, on one to three levels. */
export function someGrid(next: Next, count: number): AnchorGrid {
  const strides = pick(next, [[16], [8, 16], [8, 16, 32]]);
  const scales = pick(next, [[1], [1, 2 ** (1 / 3)]]);
  const aspectRatios = pick(next, [[1], [0.5, 1, 2], [0.4, 0.6, 1, 1.5, 2.5]]);
  const cells = count / (scales.length * aspectRatios.length);
  const side = strides[0]! * Math.sqrt(cells);
  const imageHeight = Math.max(1, Math.floor(side * (0.6 + 0.4 * next())));
  const imageWidth = Math.max(1, Math.ceil((side * side) / imageHeight));
  const conventions = pick(next, [{}, { ...someConventions(next, imageHeight, imageWidth, strides) }]);
  return new AnchorGrid({ imageHeight, imageWidth, strides, scales, aspectRatios, ...conventions });
}

/** Other frameworks' ways to make anchors, and ways that none has. */
export function someConventions(next: Next, imageHeight: number, imageWidth: number, strides: readonly number[]) {
  const featureSizes = strides.map((stride): [number, number] => [
    Math.max(1, Math.ceil(imageHeight / stride) + integers(next, 1, -1, 2)[0]!),
    Math.max(1, Math.ceil(imageWidth / stride) + integers(next, 1, -1, 2)[0]!),
  ]);
  return {
    ...pick(next, [{}, { centerOffset: pick(next, [0, 0, 0.3, 1]) }]),
    ...pick(next, [{}, { featureSizes }]),
    ...pick(next, [{}, { rounding: 'half-to-even' as const }]),
    ...pick(next, [{}, { order: 'ratio-major' as const }]),
    ...pick(next, [{}, { strides: strides.map((s): [number, number] => [s, s * pick(next, [1, 1.5, 0.9])]) }]),
  };
}

/** Weights of the box coder, or none. */
export const someCoderWeights = (next: Next) =>
  pick(next, [{}, { coderWeights: pick(next, [[10, 10, 5, 5], [1.5, 0.75, 2, 1.25]]) }]); // prettier-ignore

/** By how much the weights of the box coder enlarge deltas, and what their rounding differs by. */
export const coderScale = ({ coderWeights = [1] }: { coderWeights?: ArrayLike<number> }): number =>
  Math.max(...Array.from(coderWeights));

export const BAD_CODER: readonly BadCall[] = [
  [{ coderWeights: [1, 1, 1] }, 'ERR_SHAPE', /4 elements \(of dx, dy, dw and dh\) for coderWeights, received 3/],
  [{ coderWeights: [1, 0, 1, 1] }, 'ERR_RANGE', /coderWeights, received 0 at row 1/],
  [{ coderWeights: [1, 1, 1, NaN] }, 'ERR_RANGE', /coderWeights, received NaN at row 3/],
  [{ coderWeights: 10 }, 'ERR_DTYPE', /an array of numbers for coderWeights, received 10/],
];

/** The sides of what the anchors stand on. */
export const extentOf = (anchors: Anchors): number =>
  anchors instanceof AnchorGrid ? Math.max(anchors.imageHeight, anchors.imageWidth, 24) : 60;

/** About so many as a grid, or so many as a list, two of them equal. */
export function someAnchors(next: Next, count: number): Anchors {
  if (count > 0 && next() < 0.5) return someGrid(next, count);
  const anchors = randomBoxes(next, count, 60, 3, 30, next() < 0.5);
  if (count > 1 && next() < 0.5) anchors.copyWithin(4 * (count - 1), 0, 4);
  return anchors;
}

/** Boxes on the same picture, at times two equal ones and one that overlaps nothing. */
export function someObjects(next: Next, count: number, extent: number): Float32Array {
  const boxes = randomBoxes(next, count, extent, 3, extent / 2, next() < 0.5);
  if (count > 1 && next() < 0.3) boxes.copyWithin(4 * (count - 1), 0, 4);
  if (count > 0 && next() < 0.3) boxes.set([-900, -900, -800, -800], 4 * Math.floor(next() * count));
  return boxes;
}

/** Objects of so many images, some without any; half the time with regions to ignore. */
export function someGroundTruth(next: Next, images: number, numClasses: number, extent: number, most = 5): GroundTruth {
  const ragged = (longest: number) => {
    const counts = integers(next, images, -1, longest + 1).map((count) => Math.max(count, 0));
    return Int32Array.from([0, ...counts]).map((_, b) => counts.subarray(0, b).reduce((sum, count) => sum + count, 0));
  };
  const [offsets, ignoreOffsets] = [ragged(most), ragged(2)];
  const count = offsets[images]!;
  return {
    boxes: someObjects(next, count, extent),
    labels: integers(next, count, 0, numClasses),
    offsets,
    ...pick(next, [
      {},
      { ignoreBoxes: randomBoxes(next, ignoreOffsets[images]!, extent, 6, extent / 2), ignoreOffsets },
    ]),
  };
}

/** What all operations that match anchors have in common. */
export const MATCH_OPTIONS = ['positiveThreshold', 'negativeThreshold', 'allowLowQualityMatches', 'ignoreIof'] as const;

export function someThresholds(next: Next) {
  const [positiveThreshold, negativeThreshold] = pick(next, [
    [0.5, 0.4],
    [0.7, 0.3],
    [0.5, 0.5],
    [0.3, 0.05],
    [1, 0.2],
  ] as const);
  const thresholds = { positiveThreshold, negativeThreshold, allowLowQualityMatches: next() < 0.5 };
  return pick(next, [{}, { ...thresholds, ignoreIof: pick(next, [0.5, 0.3, 0.9]) }]);
}

export const BAD_MATCHING: readonly BadCall[] = [
  [{ positiveThreshold: 0.3 }, 'ERR_RANGE', /at most positiveThreshold = 0.3 for negativeThreshold, received 0.4/],
  [{ positiveThreshold: 0 }, 'ERR_RANGE', /positiveThreshold, received 0/],
  [{ positiveThreshold: 1e-60, negativeThreshold: 0 }, 'ERR_RANGE', /positiveThreshold, received 1e-60/],
  [{ negativeThreshold: -0.1 }, 'ERR_RANGE', /negativeThreshold, received -0.1/],
  [{ allowLowQualityMatches: 1 }, 'ERR_DTYPE', /a boolean for allowLowQualityMatches, received 1/],
  [{ ignoreIof: NaN }, 'ERR_RANGE', /ignoreIof, received NaN/],
  [{ positiveTreshold: 0.5 }, 'ERR_OPTION', /did you mean 'positiveThreshold'/],
];

/** Two images with an object in each, and bad calls by what is wrong in it. */
export const exampleTruth = (): GroundTruth => ({
  boxes: Float32Array.of(0, 0, 9, 10, 6, 5, 21, 22),
  labels: Int32Array.of(1, 0),
  offsets: Int32Array.of(0, 1, 2),
});

const i32 = (...values: number[]) => Int32Array.from(values);
const f32 = (...values: number[]) => Float32Array.from(values);
type BadTruth = Extract<BadCall, [object, unknown, unknown]>;
export const BAD_TRUTH: readonly BadTruth[] = (
  [
    [{ offsets: i32(0, 2, 1) }, 'ERR_RANGE', /never fall \(after 2\) for groundTruth\.offsets, received 1 at row 2/],
    [{ offsets: i32(1, 1, 2) }, 'ERR_RANGE', /start at 0 for groundTruth\.offsets, received 1 at row 0/],
    [{ offsets: i32(0, 1, 3) }, 'ERR_SHAPE', /a last offset of 2, .* for groundTruth\.offsets, received 3/],
    [{ offsets: i32() }, 'ERR_SHAPE', /groundTruth\.offsets, received 0 elements/],
    [{ offsets: [0, 1, 2] }, 'ERR_DTYPE', /groundTruth\.offsets, received an Array/],
    [{ labels: i32(0) }, 'ERR_SHAPE', /groundTruth\.labels, received 1/],
    [{ labels: i32(0, -2) }, 'ERR_LABEL', /groundTruth\.labels, received -2 at row 1/],
    [{ boxes: new Float32Array(8) }, 'ERR_BOX', /groundTruth\.boxes, received \[0, 0, 0, 0\] at row 0/],
    [{ ignoreBoxes: f32(0, 0, 1, 1) }, 'ERR_OPTION', /together for groundTruth\.ignoreOffsets/],
    [{ ignoreBoxes: f32(0, 0, 1, 1), ignoreOffsets: i32(0, 1) }, 'ERR_SHAPE', /3 elements .*ignoreOffsets, received 2/],
    [{ box: f32() }, 'ERR_OPTION', /'box' \(did you mean 'boxes'\?\)/],
  ] as const
).map(([given, code, message]): BadTruth => [{ ...exampleTruth(), ...given }, code, message]);
