// The class losses of training, with what each can be told, against plain float64 formulas and finite differences.
import test from 'ava';
import { AnchorGrid, assignAnchorsBatch, type ErrorCode, type GroundTruth, RetinanetOpsError } from 'retinanet-ops';
import {
  createRetinaNet,
  type LossName,
  type LossOptions,
  trainRetinaNet,
  useNativeBackend,
} from 'retinanet-ops/retinanet';
import { Check } from '#lib/arguments/check.js';
import { classLossOf } from '#lib/retinanet/training/class-losses.js';
import { detectionLoss } from '#lib/retinanet/training/losses.js';
import { random, uniform } from '../support/random.js';
import { squares } from './scenes.js';

const numClasses = 2;
const anchors = new AnchorGrid({ imageHeight: 32, imageWidth: 32, strides: [8], baseSizes: [12] });
const truth: GroundTruth = {
  boxes: Float32Array.of(4, 4, 18, 17, 14, 12, 30, 30, 2, 3, 16, 20),
  labels: Int32Array.of(0, 1, 1),
  offsets: Int32Array.of(0, 2, 3, 3), // the last image has no objects
};
const images = 3;
const rows = images * anchors.count;
const next = random(3);
const classLogits = uniform(next, rows * numClasses, -4, 3);
const boxDeltas = uniform(next, rows * 4, -0.5, 0.5);
const { labels } = assignAnchorsBatch(anchors, truth);

const lossOf = (name: LossName, options: LossOptions, logits = classLogits) =>
  detectionLoss(
    { classLoss: classLossOf(new Check('test'), name, options), boxLoss: 'smooth-l1', normalizer: 'positives' },
    { classLogits: logits, boxDeltas, anchors, truth, numClasses, coderWeights: [1, 1, 1, 1] },
  );

const logSigmoid = (x: number) => -Math.log1p(Math.exp(-Math.abs(x))) + Math.min(x, 0);

/** Sum of `formula` of the logit of being right, over all that is not ignored. */
function sum(formula: (x: number, isPositive: boolean) => number): number {
  let total = 0;
  for (const [i, label] of labels.entries()) {
    for (let k = 0; k < numClasses && label !== -2; k++) {
      const x = classLogits[i * numClasses + k]!;
      total += formula(label === k ? x : -x, label === k);
    }
  }
  return total;
}

const weight = (alpha: number | null | undefined, isPositive: boolean) =>
  alpha === null || alpha === undefined ? 1 : isPositive ? alpha : 1 - alpha;
const focal = (alpha: number | null, gamma: number) =>
  sum((x, isPositive) => -weight(alpha, isPositive) * (1 / (1 + Math.exp(x))) ** gamma * logSigmoid(x));
const star = (alpha: number | null, gamma: number, beta: number) =>
  sum((x, isPositive) => (-weight(alpha, isPositive) * logSigmoid(gamma * x + beta)) / gamma);

const CASES: [LossName, LossOptions, () => number][] = [
  ['focal', {}, () => focal(0.25, 2)],
  ['focal', { alpha: 0.5, gamma: 0.5 }, () => focal(0.5, 0.5)],
  ['focal', { alpha: null, gamma: 5 }, () => focal(null, 5)],
  ['cross-entropy', {}, () => focal(null, 0)],
  ['balanced-cross-entropy', {}, () => focal(0.75, 0)],
  ['balanced-cross-entropy', { alpha: 0.9 }, () => focal(0.9, 0)],
  ['focal-star', {}, () => star(0.25, 2, 1)],
  ['focal-star', { alpha: null, gamma: 4, beta: 0 }, () => star(null, 4, 0)],
];
for (const [name, options, expected] of CASES) {
  test(`${name} ${JSON.stringify(options)} is the paper's formula`, (t) => {
    const { classLoss } = lossOf(name, options);
    t.true(Math.abs(classLoss / expected() - 1) < 1e-6, `${classLoss}, ${expected()}`);
  });
}

const WITH_GRADIENT: [LossName, LossOptions][] = [
  ...CASES.map(([name, options]): [LossName, LossOptions] => [name, options]),
  ['ohem', { count: 20, iouThreshold: 0.5 }],
  ['ohem', { count: 16, ratio: 3 }],
  ['hard-negatives', { ratio: 2, minNegatives: 5 }],
];
for (const [name, options] of WITH_GRADIENT) {
  test(`${name} ${JSON.stringify(options)} has the gradient that finite differences have`, (t) => {
    const { classGrad } = lossOf(name, options);
    const direction = uniform(random(8), classLogits.length, -1, 1);
    const slope = classGrad.reduce((total, g, i) => total + g * direction[i]!, 0);
    const step = 2 ** -12; // small enough that no other examples are chosen
    const at = (side: number) =>
      lossOf(
        name,
        options,
        classLogits.map((x, i) => x + side * step * direction[i]!),
      ).classLoss;
    const difference = (at(1) - at(-1)) / (2 * step);
    t.true(Math.abs(slope - difference) < 2e-3 * Math.abs(difference) + 1e-3, `${slope}, ${difference}`);
  });
}

/** Rows of an image that take part. */
function chosen(name: LossName, options: LossOptions, image: number) {
  const { classGrad } = lossOf(name, options);
  const all = Array.from({ length: anchors.count }, (_, i) => image * anchors.count + i);
  const taken = all.filter((i) => classGrad[i * numClasses] !== 0);
  const positives = taken.filter((i) => labels[i]! >= 0).length;
  return { positives, negatives: taken.filter((i) => labels[i] === -1).length, of: all };
}

test('mining keeps as many examples as it is told to', (t) => {
  const numPositive = (image: number) =>
    labels.subarray(image * anchors.count, (image + 1) * anchors.count).filter((label) => label >= 0).length;
  for (const image of [0, 1]) {
    const { positives, negatives } = chosen('hard-negatives', { ratio: 2 }, image);
    t.is(positives, numPositive(image));
    t.is(negatives, 2 * positives);
  }
  t.is(chosen('hard-negatives', { ratio: 2 }, 2).negatives, 0);
  t.is(chosen('hard-negatives', { ratio: 2, minNegatives: 5 }, 2).negatives, 5);
  const few = chosen('ohem', { count: 6, iouThreshold: 1 }, 0);
  t.true(few.positives + few.negatives <= 6 && few.negatives > 0, JSON.stringify(few));
  const balanced = chosen('ohem', { count: 8, iouThreshold: 1, ratio: 3 }, 0);
  t.is(balanced.positives, Math.min(2, numPositive(0)));
  t.is(balanced.negatives, 3 * balanced.positives);
  t.is(chosen('ohem', { count: 8, iouThreshold: 1, ratio: 3 }, 2).negatives, 3);
});

test('a network that has diverged is told of by its loss, whatever is mined', (t) => {
  const lost = new Float32Array(classLogits.length).fill(NaN);
  for (const name of ['ohem', 'hard-negatives', 'focal-star'] as const)
    t.true(Number.isNaN(lossOf(name, {}, lost).classLoss));
});

test('options of another loss, and bad values, are refused by name', async (t) => {
  await useNativeBackend();
  const size = { imageHeight: 64, imageWidth: 64 };
  const net = createRetinaNet({ ...size, numClasses: 3, pyramidChannels: 8, subnetDepth: 0 });
  const refused = async (loss: LossName, lossOptions: unknown, code: ErrorCode, message: RegExp) => {
    const training = trainRetinaNet(net, squares(2, 64, 64), {
      steps: 1,
      loss,
      lossOptions: lossOptions as LossOptions,
    });
    const error = await t.throwsAsync(training, { instanceOf: RetinanetOpsError });
    t.is(error.code, code);
    t.regex(error.message, message);
  };
  await refused('cross-entropy', { gamma: 2 }, 'ERR_OPTION', /lossOptions \(of loss 'cross-entropy'\).*'gamma'/);
  await refused('ohem', { count: 0 }, 'ERR_RANGE', /lossOptions\.count/);
  await refused('focal', { alpha: 1.5 }, 'ERR_RANGE', /lossOptions\.alpha/);
  await refused('focal', 3, 'ERR_DTYPE', /lossOptions/);
});
