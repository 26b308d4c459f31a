import test from 'ava';
import { evaluateVoc, type CocoBox, type CocoResult, type CocoTruth } from 'retinanet-ops/retinanet';
import { vocPrecision } from '../reference/coco-numbers.js';
import { randomSet } from './sets.js';

const A: CocoBox = [0, 0, 10, 10];
const B: CocoBox = [20, 20, 20, 20];
const NOWHERE: CocoBox = [80, 80, 10, 10];

function evaluate(
  found: [bbox: CocoBox, score: number][],
  real: [bbox: CocoBox, iscrowd?: 1][],
  iouThreshold?: number,
) {
  const at = { image_id: 1, category_id: 1 };
  const truth: CocoTruth = {
    images: [{ id: 1 }],
    categories: [{ id: 1 }],
    annotations: real.map(([bbox, iscrowd]) => ({ ...at, bbox, iscrowd })),
  };
  const results = found.map(([bbox, score]): CocoResult => ({ ...at, bbox, score }));
  const { AP, AP11 } = evaluateVoc(results, truth, { iouThreshold });
  return [AP, AP11];
}

function close(t: { true(value: boolean, message: string): void }, received: number[], expected: number[]): void {
  const isClose = received.every((value, i) => Math.abs(value - expected[i]!) < 1e-12);
  t.true(isClose, `${received.join(', ')}, not ${expected.join(', ')}`);
}

test('AP by hand: right, wrong, right over two true boxes', (t) => {
  // Precision 1 up to recall 1/2 (6 of the 11 levels), 2/3 beyond.
  close(t, evaluate([[A, 0.9], [NOWHERE, 0.8], [B, 0.7]], [[A], [B]]), [1 / 2 + 1 / 3, (6 + 5 * (2 / 3)) / 11]); // prettier-ignore
});

test('a second claim of a box is false, even where another box is near enough', (t) => {
  const left: CocoBox = [0, 0, 10, 10];
  const right: CocoBox = [2, 0, 10, 10];
  // Both detections overlap the left box most; the second one reaches the right box at .7, which COCO would let it claim.
  close(t, evaluate([[left, 0.9], [[0.5, 0, 10, 10], 0.8]], [[left], [right]]), [1 / 2, 6 / 11]); // prettier-ignore
});

test('difficult boxes count as nothing, found or not, however often', (t) => {
  close(t, evaluate([[A, 0.9], [A, 0.8], [B, 0.7]], [[A, 1], [B]]), [1, 1]); // prettier-ignore
  close(t, evaluate([[B, 0.7]], [[A, 1], [B]]), [1, 1]);
  close(t, evaluate([[A, 0.9]], [[A, 1]]), [-1, -1]);
});

test('the overlap threshold includes its own value', (t) => {
  const half: CocoBox = [0, 0, 10, 5];
  close(t, evaluate([[half, 0.9]], [[A]]), [1, 1]);
  close(t, evaluate([[half, 0.9]], [[A]], 0.51), [0, 0]);
});

test('equal scores rank as they came', (t) => {
  close(t, evaluate([[A, 0.5], [NOWHERE, 0.5]], [[A]]), [1, 1]); // prettier-ignore
  close(t, evaluate([[NOWHERE, 0.5], [A, 0.5]], [[A]]), [0.5, 0.5]); // prettier-ignore
});

test('random sets have the AP that follows from the rules one by one', (t) => {
  let known = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { truth, results } = randomSet(seed);
    const iouThreshold = [0.5, 0.3, 0.75][seed % 3]!;
    const { classes } = evaluateVoc(results, truth, { iouThreshold });
    for (const { id, AP, AP11 } of classes) {
      const expected = vocPrecision(truth, results, id, iouThreshold);
      close(t, [AP, AP11], expected ? [expected.AP, expected.AP11] : [-1, -1]);
      if (expected) known++;
    }
  }
  t.true(known > 200);
});
