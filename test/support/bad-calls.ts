// The table of bad calls: what is spoilt, the code it must give, and what the message must name.
import type { ErrorCode } from 'retinanet-ops';
import { detached, f32, i32, validArguments, type Operation } from './calls.js';

export interface BadCall {
  name: Operation;
  args: unknown[];
  code: ErrorCode;
  message: RegExp;
}

const rows: BadCall[] = [];

/** The valid arguments with one at `index` replaced; an object of options replaces names within. */
function bad(name: Operation, index: number, value: unknown, code: ErrorCode, message: RegExp): void {
  const args = validArguments(name);
  args[index] = value;
  rows.push({ name, args, code, message });
}

/** The valid arguments with options changed (the last argument is the options). */
function option(name: Operation, given: object, code: ErrorCode, message: RegExp): void {
  const args = validArguments(name);
  const last = args.length - 1;
  args[last] = { ...(args[last] as object), ...given };
  rows.push({ name, args, code, message });
}

const FOCAL = ['sigmoidFocalLoss', 'sigmoidFocalLossBackward', 'sigmoidFocalLossValueAndGrad'] as const;
const SMOOTH = ['smoothL1Loss', 'smoothL1LossBackward', 'smoothL1LossValueAndGrad'] as const;
const ASSIGN = ['assignAnchors', 'assignAnchorsBatch', 'retinanetLoss'] as const;

for (const name of FOCAL) {
  bad(name, 0, [1, 2, 3, 4, 5, 6], 'ERR_DTYPE', /a Float32Array for logits, received an Array/);
  bad(name, 0, new Float64Array(6), 'ERR_DTYPE', /a Float32Array for logits, received a Float64Array/);
  bad(name, 0, undefined, 'ERR_DTYPE', /logits, received undefined/);
  bad(name, 0, detached(new Float32Array(6)), 'ERR_DTYPE', /logits, .*detached/);
  bad(name, 0, new Float32Array(7), 'ERR_SHAPE', /logits, received 7 elements/);
  bad(
    name,
    1,
    new Uint8Array(3),
    'ERR_DTYPE',
    /an Int32Array \[N\] or a Float32Array .* targets, received a Uint8Array/,
  );
  bad(name, 1, null, 'ERR_DTYPE', /targets, received null/);
  bad(name, 1, i32(0, 5, 1), 'ERR_LABEL', /below 2.* targets, received 5 at row 1/);
  bad(name, 1, i32(0, 1, -3), 'ERR_LABEL', /targets, received -3 at row 2/);
  bad(name, 1, new Float32Array(5), 'ERR_SHAPE', /6 elements for targets, received 5/);
  bad(name, 1, f32(0, 1, 0, 1.5, 0, 0), 'ERR_RANGE', /\[0, 1\] for targets, received 1.5 at row 3/);
  bad(name, 1, f32(0, 1, 0, 0, 0, NaN), 'ERR_RANGE', /targets, received NaN at row 5/);
  bad(name, 2, null, 'ERR_DTYPE', /an object for options, received null/);
  bad(name, 2, [], 'ERR_DTYPE', /options, received an Array/);
  bad(name, 2, 'mean', 'ERR_DTYPE', /options, received 'mean'/);
  option(name, { gama: 2 }, 'ERR_OPTION', /'gama' \(did you mean 'gamma'\?\)/);
  option(name, { num_classes: 2 }, 'ERR_OPTION', /'num_classes' \(did you mean 'numClasses'\?\)/);
  option(name, { alpha: 1.25 }, 'ERR_RANGE', /\[0, 1\] for alpha, received 1.25/);
  option(name, { alpha: -0.5 }, 'ERR_RANGE', /alpha, received -0.5/);
  option(name, { alpha: NaN }, 'ERR_RANGE', /alpha, received NaN/);
  option(name, { alpha: {} }, 'ERR_DTYPE', /a number or an array of numbers \[K\] for alpha, received an object/);
  option(name, { alpha: '25' }, 'ERR_DTYPE', /an array of numbers \[K\] for alpha, received '25'/);
  option(name, { alpha: [0.5, '0.5'] }, 'ERR_DTYPE', /a finite number for alpha, received '0.5' at row 1/);
  option(name, { alpha: new BigInt64Array(2) }, 'ERR_DTYPE', /a finite number for alpha, received 0n at row 0/);
  option(name, { alpha: [] }, 'ERR_SHAPE', /2 elements one a class for alpha, received 0/);
  option(name, { alpha: [0.5, 1.5] }, 'ERR_RANGE', /\[0, 1\] for alpha, received 1.5 at row 1/);
  option(name, { gamma: null }, 'ERR_DTYPE', /gamma, received null/);
  option(name, { gamma: [1, 2, 3] }, 'ERR_SHAPE', /2 elements one a class for gamma, received 3/);
  option(name, { gamma: Float64Array.of(1, 1e39) }, 'ERR_RANGE', /gamma, received 1e\+39 at row 1/);
  option(name, { alpha: f32(0.5, 0.5, 0.5) }, 'ERR_SHAPE', /2 elements one a class for alpha, received 3/);
  option(name, { alpha: f32(0.5, -1) }, 'ERR_RANGE', /alpha, received -1 at row 1/);
  option(name, { gamma: -1 }, 'ERR_RANGE', /gamma, received -1/);
  option(name, { gamma: NaN }, 'ERR_RANGE', /gamma, received NaN/);
  option(name, { gamma: Infinity }, 'ERR_RANGE', /gamma, received Infinity/);
  option(name, { gamma: 2n }, 'ERR_DTYPE', /gamma, received 2n/);
  option(name, { gamma: f32(1, NaN) }, 'ERR_RANGE', /gamma, received NaN at row 1/);
  option(name, { normalizer: 0 }, 'ERR_RANGE', /normalizer, received 0/);
  option(name, { normalizer: 'positive' }, 'ERR_DTYPE', /'positives' for normalizer, received 'positive'/);
  option(name, { reduction: 'avg' }, 'ERR_OPTION', /'sum', 'mean', 'none' for reduction, received 'avg'/);
  option(name, { labelSmoothing: 2 }, 'ERR_RANGE', /\[0, 1\] for labelSmoothing, received 2/);
  for (const weights of ['weights', 'anchorWeights']) {
    const named = (text: string): RegExp => new RegExp(`for ${weights}, received ${text}$`);
    option(name, { [weights]: f32(1, 1) }, 'ERR_SHAPE', named('2'));
    option(name, { [weights]: f32(1, Infinity, 1) }, 'ERR_RANGE', named('Infinity at row 1'));
    option(name, { [weights]: [1, 1, 1] }, 'ERR_DTYPE', named('an Array'));
  }
  option(name, { numClasses: 0 }, 'ERR_RANGE', /numClasses, received 0/);
  option(name, { numClasses: 1.5 }, 'ERR_RANGE', /an integer .* numClasses, received 1.5/);
  option(name, { numClasses: 4 }, 'ERR_SHAPE', /3 rows of 4 elements for logits, received 6 elements/);
  option(name, { numClasses: 2 ** 53 }, 'ERR_RANGE', /numClasses, received 9007199254740992/);
  option(name, { backend: 'gpu' }, 'ERR_OPTION', /'auto', 'cpu', 'cuda' for backend, received 'gpu'/);
  option(name, { out: new Float32Array(5), reduction: 'none' }, 'ERR_SHAPE', /6 elements for out, received 5/);
  option(name, { out: new Float64Array(6), reduction: 'none' }, 'ERR_DTYPE', /out, received a Float64Array/);
}
option('sigmoidFocalLoss', { out: new Float32Array(6) }, 'ERR_OPTION', /out, received reduction 'sum'/);
option('sigmoidFocalLoss', { gradOutput: 1 }, 'ERR_OPTION', /'gradOutput'/);
option(
  'sigmoidFocalLossBackward',
  { gradOutput: f32(1, 1, 1, 1, 1, 1) },
  'ERR_DTYPE',
  /gradOutput, received a Float32Array/,
);
option('sigmoidFocalLossBackward', { gradOutput: null }, 'ERR_DTYPE', /gradOutput, received null/);
option('sigmoidFocalLossBackward', { gradOutput: NaN }, 'ERR_RANGE', /gradOutput, received NaN/);
option('sigmoidFocalLossBackward', { gradOutput: f32(1), reduction: 'none' }, 'ERR_SHAPE', /6 elements for gradOutput/);
option('sigmoidFocalLossValueAndGrad', { out: { grads: new Float32Array(6) } }, 'ERR_OPTION', /did you mean 'grad'/);
option('sigmoidFocalLossValueAndGrad', { out: { losses: new Float32Array(6) } }, 'ERR_OPTION', /out\.losses, .*'sum'/);
const twice = new Float32Array(6);
option(
  'sigmoidFocalLossValueAndGrad',
  { reduction: 'none', out: { losses: twice, grad: twice } },
  'ERR_OPTION',
  /out\.grad, received one over the same memory/,
);

for (const name of SMOOTH) {
  bad(name, 0, new Int32Array(12), 'ERR_DTYPE', /predictions, received an Int32Array/);
  bad(name, 1, new Float32Array(11), 'ERR_SHAPE', /12 elements like predictions for targets, received 11/);
  bad(name, 1, detached(new Float32Array(12)), 'ERR_DTYPE', /targets, .*detached/);
  bad(name, 2, 7, 'ERR_DTYPE', /options, received 7/);
  option(name, { Beta: 1 }, 'ERR_OPTION', /'Beta' \(did you mean 'beta'\?\)/);
  option(name, { beta: -1 }, 'ERR_RANGE', /beta, received -1/);
  option(name, { beta: NaN }, 'ERR_RANGE', /beta, received NaN/);
  option(name, { beta: '1' }, 'ERR_DTYPE', /beta, received '1'/);
  option(name, { normalizer: 0 }, 'ERR_RANGE', /normalizer, received 0/);
  option(name, { normalizer: 'positives' }, 'ERR_DTYPE', /normalizer, received 'positives'/);
  option(name, { weights: new Float32Array(5) }, 'ERR_SHAPE', /one a row of 12 predictions for weights, received 5/);
  option(name, { weights: f32(1, 1, -1) }, 'ERR_RANGE', /weights, received -1 at row 2/);
  option(name, { weights: null }, 'ERR_DTYPE', /weights, received null/);
  option(name, { reduction: 'none', out: new Float32Array(13) }, 'ERR_SHAPE', /12 elements for out, received 13/);
  option(name, { reduction: 'none', out: new Uint8Array(48) }, 'ERR_DTYPE', /out, received a Uint8Array/);
}

for (const name of [...FOCAL, ...SMOOTH]) {
  option(
    name,
    { weights: f32(1, 1, 1), anchorWeights: f32(1, 1, 1) },
    'ERR_OPTION',
    /weights alone, whose former name it is, for anchorWeights, received both/,
  );
}

for (const name of ASSIGN) {
  option(
    name,
    { positiveThreshold: 0.3 },
    'ERR_RANGE',
    /at most positiveThreshold = 0.3 for negativeThreshold, received 0.4/,
  );
  option(name, { positiveThreshold: 0 }, 'ERR_RANGE', /positiveThreshold, received 0/);
  option(name, { positiveThreshold: 1e-60, negativeThreshold: 0 }, 'ERR_RANGE', /positiveThreshold, received 1e-60/);
  option(name, { negativeThreshold: -0.1 }, 'ERR_RANGE', /negativeThreshold, received -0.1/);
  option(name, { allowLowQualityMatches: 1 }, 'ERR_DTYPE', /a boolean for allowLowQualityMatches, received 1/);
  option(name, { ignoreIof: NaN }, 'ERR_RANGE', /ignoreIof, received NaN/);
  option(name, { positiveTreshold: 0.5 }, 'ERR_OPTION', /did you mean 'positiveThreshold'/);
}
bad('assignAnchors', 0, {}, 'ERR_DTYPE', /an AnchorGrid or a Float32Array \[A, 4\] for anchors, received an object/);
bad('assignAnchors', 0, null, 'ERR_DTYPE', /anchors, received null/);
bad('assignAnchors', 0, f32(0, 0, 10), 'ERR_SHAPE', /four values a box for anchors, received 3 values/);
bad('assignAnchors', 0, f32(0, 0, 1, 1, 5, 5, 5, 9), 'ERR_BOX', /anchors, received \[5, 5, 5, 9\] at row 1/);
bad(
  'assignAnchors',
  1,
  f32(0, 0, 1, 1, 5, 5, 4, 9),
  'ERR_BOX',
  /x2 > x1 and y2 > y1 for gtBoxes, received .* at row 1/,
);
bad('assignAnchors', 1, f32(0, 0, 1, NaN, 5, 5, 6, 9), 'ERR_BOX', /gtBoxes, received \[0, 0, 1, NaN\] at row 0/);
bad('assignAnchors', 1, f32(0, 0, 1, 1, 5, 5, Infinity, 9), 'ERR_BOX', /gtBoxes, received .*Infinity.* at row 1/);
bad('assignAnchors', 2, i32(1), 'ERR_SHAPE', /2 elements one a box for gtLabels, received 1/);
bad('assignAnchors', 2, i32(1, -1), 'ERR_LABEL', /gtLabels, received -1 at row 1/);
bad('assignAnchors', 2, f32(1, 1), 'ERR_DTYPE', /an Int32Array for gtLabels, received a Float32Array/);
option('assignAnchors', { ignoreBoxes: f32(1, 1, 1, 1) }, 'ERR_BOX', /ignoreBoxes, received \[1, 1, 1, 1\] at row 0/);
option('assignAnchors', { out: { labels: new Int32Array(2) } }, 'ERR_SHAPE', /3 elements for out\.labels, received 2/);
option(
  'assignAnchors',
  { out: { matches: new Float32Array(3) } },
  'ERR_DTYPE',
  /out\.matches, received a Float32Array/,
);
option('assignAnchors', { out: new Int32Array(3) }, 'ERR_DTYPE', /an object for out, received an Int32Array/);
const both = new Int32Array(4);
option(
  'assignAnchors',
  { out: { labels: both.subarray(0, 3), matches: both.subarray(1) } },
  'ERR_OPTION',
  /out\.matches, received one over the same memory/,
);

/** The ground truth of a valid batch with some names changed. */
function truth(given: object, code: ErrorCode, message: RegExp): void {
  for (const name of ['assignAnchorsBatch', 'retinanetLoss'] as const) {
    const [, batch] = validArguments('assignAnchorsBatch');
    const groundTruth = { ...(batch as object), ...given };
    if (name === 'retinanetLoss') option(name, { groundTruth }, code, message);
    else bad(name, 1, groundTruth, code, message);
  }
}
truth({ offsets: i32(0, 2, 1) }, 'ERR_RANGE', /never fall \(after 2\) for groundTruth\.offsets, received 1 at row 2/);
truth({ offsets: i32(1, 1, 2) }, 'ERR_RANGE', /start at 0 for groundTruth\.offsets, received 1 at row 0/);
truth({ offsets: i32(0, 1, 3) }, 'ERR_SHAPE', /a last offset of 2, .* for groundTruth\.offsets, received 3/);
truth({ offsets: i32() }, 'ERR_SHAPE', /groundTruth\.offsets, received 0 elements/);
truth({ offsets: [0, 1, 2] }, 'ERR_DTYPE', /groundTruth\.offsets, received an Array/);
truth({ labels: i32(0) }, 'ERR_SHAPE', /groundTruth\.labels, received 1/);
truth({ labels: i32(0, -2) }, 'ERR_LABEL', /groundTruth\.labels, received -2 at row 1/);
truth({ boxes: new Float32Array(8) }, 'ERR_BOX', /groundTruth\.boxes, received \[0, 0, 0, 0\] at row 0/);
truth({ ignoreBoxes: f32(0, 0, 1, 1) }, 'ERR_OPTION', /together for groundTruth\.ignoreOffsets/);
truth(
  { ignoreBoxes: f32(0, 0, 1, 1), ignoreOffsets: i32(0, 1) },
  'ERR_SHAPE',
  /3 elements .*ignoreOffsets, received 2/,
);
truth({ box: f32() }, 'ERR_OPTION', /'box' \(did you mean 'boxes'\?\)/);
bad('assignAnchorsBatch', 1, undefined, 'ERR_DTYPE', /groundTruth, received undefined/);

for (const name of ['encodeBoxes', 'decodeBoxes', 'boxIou'] as const) {
  bad(name, 1, new Int32Array(12), 'ERR_DTYPE', /, received an Int32Array/);
  bad(name, 1, new Float32Array(11), 'ERR_SHAPE', /, received 11/);
  bad(name, 0, f32(NaN, 0, 1, 1), 'ERR_BOX', /received \[NaN, 0, 1, 1\] at row 0/);
  option(name, { out: new Float32Array(1) }, 'ERR_SHAPE', /for out, received 1/);
  option(name, { output: new Float32Array(12) }, 'ERR_OPTION', /did you mean 'out'/);
}
bad('encodeBoxes', 1, new Float32Array(12), 'ERR_BOX', /boxes, received \[0, 0, 0, 0\] at row 0/);
bad('clipBoxes', 0, f32(0, 0, 1), 'ERR_SHAPE', /four values a box for boxes, received 3 values/);
bad('clipBoxes', 0, f32(0, 0, 1, Infinity), 'ERR_BOX', /boxes, received \[0, 0, 1, Infinity\] at row 0/);
bad('clipBoxes', 1, undefined, 'ERR_DTYPE', /an object for options, received/);
option('clipBoxes', { height: undefined }, 'ERR_DTYPE', /height, received undefined/);
option('clipBoxes', { width: 0 }, 'ERR_RANGE', /width, received 0/);
option('clipBoxes', { width: 1e300 }, 'ERR_RANGE', /width, received 1e\+300/);
option('clipBoxes', { out: new Float32Array(4) }, 'ERR_SHAPE', /8 elements for out, received 4/);
bad('boxIou', 0, 'boxes', 'ERR_DTYPE', /a Float32Array for a, received 'boxes'/);
bad('boxIou', 0, detached(f32(0, 0, 1, 1)), 'ERR_DTYPE', /for a, .*detached/);

bad('nms', 1, f32(0.5, NaN, 0.25), 'ERR_RANGE', /scores, received NaN at row 1/);
bad('nms', 1, f32(0.5), 'ERR_SHAPE', /3 elements one a box for scores, received 1/);
bad('nms', 0, f32(0, 0, 1, Infinity), 'ERR_BOX', /boxes, received .* at row 0/);
option('nms', { iouThreshold: 1.5 }, 'ERR_RANGE', /iouThreshold, received 1.5/);
option('nms', { maxOutput: -1 }, 'ERR_RANGE', /maxOutput, received -1/);
option('nms', { maxOutput: 2n }, 'ERR_DTYPE', /maxOutput, received 2n/);
option('nms', { classes: i32(0) }, 'ERR_SHAPE', /3 elements one a box for classes, received 1/);
option('nms', { classes: [0, 1, 2] }, 'ERR_DTYPE', /classes, received an Array/);
option('nms', { iou_threshold: 0.5 }, 'ERR_OPTION', /did you mean 'iouThreshold'/);

bad('decodeDetections', 0, undefined, 'ERR_DTYPE', /options, received/);
option(
  'decodeDetections',
  { boxDeltas: new Float32Array(13) },
  'ERR_SHAPE',
  /3 anchors x 4 for boxDeltas, received 13/,
);
option('decodeDetections', { classLogits: new Float32Array(13) }, 'ERR_SHAPE', /classLogits, received 13 elements/);
option('decodeDetections', { numClasses: 3 }, 'ERR_SHAPE', /6 anchors x 3 classes for classLogits, received 12/);
option('decodeDetections', { imageHeight: undefined }, 'ERR_DTYPE', /imageHeight, received undefined/);
option('decodeDetections', { imageWidth: -1 }, 'ERR_RANGE', /imageWidth, received -1/);
option('decodeDetections', { scoreThreshold: 1.1 }, 'ERR_RANGE', /scoreThreshold, received 1.1/);
option('decodeDetections', { topK: 0 }, 'ERR_RANGE', /topK, received 0/);
option('decodeDetections', { topK: 2 ** 31 }, 'ERR_RANGE', /topK, received 2147483648/);
option('decodeDetections', { maxDetections: 0.5 }, 'ERR_RANGE', /maxDetections, received 0.5/);
option(
  'decodeDetections',
  { levelCounts: [1, 1] },
  'ERR_SHAPE',
  /sum to 3 anchors for levelCounts, received a sum of 2/,
);
option('decodeDetections', { levelCounts: [4, -1] }, 'ERR_RANGE', /levelCounts, received -1 at row 1/);
option('decodeDetections', { levelCounts: { length: 1e12 } }, 'ERR_SHAPE', /levelCounts, received 1000000000000/);
option('decodeDetections', { classLogits: detached(new Float32Array(12)) }, 'ERR_DTYPE', /classLogits, .*detached/);
option('decodeDetections', { classAgnostic: 1 }, 'ERR_DTYPE', /a boolean for classAgnostic, received 1/);
option('decodeDetections', { maxDetection: 5 }, 'ERR_OPTION', /did you mean 'maxDetections'/);

bad('retinanetLoss', 0, null, 'ERR_DTYPE', /options, received null/);
option('retinanetLoss', { groundTruth: undefined }, 'ERR_DTYPE', /groundTruth, received/);
option('retinanetLoss', { anchors: f32(0, 0, 0, 1) }, 'ERR_BOX', /anchors, .* at row 0/);
option('retinanetLoss', { boxDeltas: new Float32Array(12) }, 'ERR_SHAPE', /, received/);
option('retinanetLoss', { boxDeltas: new Float32Array(25) }, 'ERR_SHAPE', /boxDeltas, received 25/);
option(
  'retinanetLoss',
  { numClasses: 1, classLogits: new Float32Array(6) },
  'ERR_LABEL',
  /groundTruth\.labels, received 1 at row 0/,
);
option('retinanetLoss', { normalizer: null }, 'ERR_DTYPE', /normalizer, received null/);
option('retinanetLoss', { normalizer: -1 }, 'ERR_RANGE', /normalizer, received -1/);
option('retinanetLoss', { boxWeight: -1 }, 'ERR_RANGE', /boxWeight, received -1/);
option('retinanetLoss', { beta: -1 }, 'ERR_RANGE', /beta, received -1/);
option('retinanetLoss', { gamma: -1 }, 'ERR_RANGE', /gamma, received -1/);
option('retinanetLoss', { alpha: 2 }, 'ERR_RANGE', /alpha, received 2/);
option('retinanetLoss', { alpha: [0.5] }, 'ERR_SHAPE', /2 elements one a class for alpha, received 1/);
option('retinanetLoss', { gamma: [1, NaN] }, 'ERR_RANGE', /gamma, received NaN at row 1/);
option('retinanetLoss', { out: { classGrad: new Float32Array(11) } }, 'ERR_SHAPE', /out\.classGrad, received 11/);
option('retinanetLoss', { out: { boxGrad: new Float32Array(23) } }, 'ERR_SHAPE', /out\.boxGrad, received 23/);
option('retinanetLoss', { out: { grad: f32() } }, 'ERR_OPTION', /'grad'/);
const shared = new Float32Array(24);
option(
  'retinanetLoss',
  { out: { classGrad: shared.subarray(0, 12), boxGrad: shared } },
  'ERR_OPTION',
  /out\.boxGrad, received one over the same memory/,
);

bad('selectHardNegatives', 0, new Float32Array(4), 'ERR_SHAPE', /losses, received 4 elements/);
bad('selectHardNegatives', 0, f32(1, NaN, 1), 'ERR_RANGE', /losses, received NaN at row 1/);
bad('selectHardNegatives', 1, i32(0, -1, -3), 'ERR_LABEL', /labels, received -3 at row 2/);
bad('selectHardNegatives', 1, new Uint32Array(3), 'ERR_DTYPE', /labels, received a Uint32Array/);
option('selectHardNegatives', { ratio: -1 }, 'ERR_RANGE', /ratio, received -1/);
option('selectHardNegatives', { ratio: Infinity }, 'ERR_RANGE', /ratio, received Infinity/);
option('selectHardNegatives', { minNegatives: -1 }, 'ERR_RANGE', /an integer .* minNegatives, received -1/);
option('selectHardNegatives', { minNegatives: 0.5 }, 'ERR_RANGE', /minNegatives, received 0.5/);
option('selectHardNegatives', { minNegatives: null }, 'ERR_DTYPE', /minNegatives, received null/);
option('selectHardNegatives', { ration: 3 }, 'ERR_OPTION', /did you mean 'ratio'/);
bad('onlineHardExamples', 0, f32(1, 2), 'ERR_SHAPE', /3 elements one a box for losses, received 2/);
bad('onlineHardExamples', 0, f32(1, 2, NaN), 'ERR_RANGE', /losses, received NaN at row 2/);
bad('onlineHardExamples', 1, f32(0, 0, 1), 'ERR_SHAPE', /boxes, received 3 values/);
bad('onlineHardExamples', 2, undefined, 'ERR_DTYPE', /options, received/);
option('onlineHardExamples', { count: undefined }, 'ERR_DTYPE', /count, received undefined/);
option('onlineHardExamples', { count: -1 }, 'ERR_RANGE', /count, received -1/);
option('onlineHardExamples', { iouThreshold: NaN }, 'ERR_RANGE', /iouThreshold, received NaN/);
option('onlineHardExamples', { maxOutput: 3 }, 'ERR_OPTION', /'maxOutput'/);

export const badCalls: readonly BadCall[] = rows;
