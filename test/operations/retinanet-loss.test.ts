import test from 'ava';
import { AnchorGrid, retinanetLoss, assignAnchorsBatch, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { bits, mismatch } from '../support/compare.js';
import { integers, random, randomBoxes, uniform } from '../support/random.js';

const size = { imageHeight: 60, imageWidth: 70 };
const grid = new AnchorGrid({ ...size, strides: [16, 32], baseSizes: [32, 64], scales: [1, 2 ** (1 / 3)] });
const A = grid.count;

function build(seed: number, counts: readonly number[], numClasses: number, regions = false) {
  const next = random(seed);
  const offsets = Int32Array.from([0, ...counts].map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0)));
  const total = offsets[counts.length]!;
  const ignore = {
    ignoreBoxes: randomBoxes(next, counts.length, 60, 20, 50),
    ignoreOffsets: Int32Array.from({ length: counts.length + 1 }, (_, i) => i),
  };
  return {
    classLogits: uniform(next, counts.length * A * numClasses, -5, 3),
    boxDeltas: uniform(next, counts.length * A * 4, -1, 1),
    groundTruth: {
      boxes: randomBoxes(next, total, 60, 10, 50),
      labels: integers(next, total, 0, numClasses),
      offsets,
      ...(regions ? ignore : {}),
    },
    numClasses,
  };
}

test('lossScale multiplies gradients and not losses', (t) => {
  const c = build(8, [3, 0, 2], 4);
  const plain = retinanetLoss({ ...c, anchors: grid });
  const scaled = retinanetLoss({ ...c, anchors: grid, lossScale: 4096 });
  t.deepEqual([scaled.loss, scaled.classLoss, scaled.boxLoss], [plain.loss, plain.classLoss, plain.boxLoss]);
  for (const name of ['classGrad', 'boxGrad'] as const) {
    t.true(plain[name].some((v) => v !== 0));
    t.is(bits(scaled[name]), bits(plain[name].map((v) => 4096 * v)), name);
  }
});

test('its pieces are the single operations', (t) => {
  const c = build(2, [3, 0, 2], 4);
  const got = retinanetLoss({ ...c, anchors: grid });
  const assignment = assignAnchorsBatch(grid, c.groundTruth);
  const focal = sigmoidFocalLossValueAndGrad(c.classLogits, assignment.labels, {
    numClasses: 4,
    normalizer: 'positives',
  });
  t.is(got.numPositives, assignment.numPositives);
  t.is(mismatch([got.classLoss], [focal.loss], { relative: 1e-12 }), null);
  t.is(mismatch(got.classGrad, focal.grad, { relative: 1.2e-7 }), null);
  const positive = new Set(assignment.positives);
  t.true(got.boxGrad.every((v, i) => positive.has(Math.floor(i / 4)) || v === 0));
});

test('ignored anchors have no influence, background has no box gradient', (t) => {
  const c = build(3, [4, 1], 3, true);
  const want = retinanetLoss({ ...c, anchors: grid });
  const { labels } = assignAnchorsBatch(grid, c.groundTruth);
  t.true(labels.some((label) => label === -2));
  const poisoned = {
    ...c,
    classLogits: c.classLogits.map((v, i) => (labels[Math.floor(i / 3)] === -2 ? NaN : v)),
    boxDeltas: c.boxDeltas.map((v, i) => (labels[Math.floor(i / 4)]! < 0 ? NaN : v)),
  };
  const got = retinanetLoss({ ...poisoned, anchors: grid });
  t.is(got.loss, want.loss);
  t.is(bits(got.classGrad), bits(want.classGrad));
  t.is(bits(got.boxGrad), bits(want.boxGrad));
});

test('a batch without any object: loss of the background alone, divided by one', (t) => {
  const c = build(4, [0, 0], 2);
  const got = retinanetLoss({ ...c, anchors: grid });
  t.deepEqual([got.numPositives, got.boxLoss, got.loss], [0, 0, got.classLoss]);
  t.true(got.boxGrad.every((v) => v === 0));
  t.is(got.classLoss, retinanetLoss({ ...c, anchors: grid, normalizer: 1 }).classLoss);
});

test('without anchors nothing tells the number of classes, and every label fits', (t) => {
  const none = new Float32Array(0);
  const groundTruth = { boxes: Float32Array.of(0, 0, 1, 1), labels: Int32Array.of(3), offsets: Int32Array.of(0, 1) };
  const empty = { classLogits: none, boxDeltas: none, anchors: none, groundTruth };
  t.is(retinanetLoss(empty).loss, 0);
  t.throws(() => retinanetLoss({ ...empty, numClasses: 2 }), { code: 'ERR_LABEL' });
});
