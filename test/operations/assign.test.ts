import test from 'ava';
import fc from 'fast-check';
import { assignAnchors } from 'retinanet-ops';
import { unmatched } from '../reference/assign.js';
import { bits, mismatch } from '../support/compare.js';
import { f32, goldenCases, i32, type Packed } from '../support/goldens.js';
import { integers, random, randomBoxes, reorder, shuffled } from '../support/random.js';

interface GoldenCase {
  name: string;
  anchors: Packed;
  gt: Packed;
  /** Boxes that overlap nothing. */
  unmatched: number[];
  runs: { high: number; low: number; lowQuality: boolean; matches: Packed }[];
}

test('matches are those of torchvision to the bit, ties and duplicates included', (t) => {
  for (const golden of goldenCases<GoldenCase>('matcher.json')) {
    const anchors = f32(golden.anchors);
    const gt = f32(golden.gt);
    const labels = Int32Array.from({ length: gt.length / 4 }, (_, g) => 7 * g);
    for (const { high, low, lowQuality, matches } of golden.runs) {
      const got = assignAnchors(anchors, gt, labels, {
        positiveThreshold: high,
        negativeThreshold: low,
        allowLowQualityMatches: lowQuality,
      });
      const where = `${golden.name}, ${high} ${low} ${lowQuality}`;
      t.is(mismatch(got.matches, i32(matches)), null, where);
      t.is(
        mismatch(
          got.labels,
          i32(matches).map((match) => (match >= 0 ? labels[match]! : match)),
        ),
        null,
        where,
      );
      t.deepEqual(got.unmatchedGt, unmatched(i32(matches), labels.length), where);
      t.true(
        golden.unmatched.every((g) => got.unmatchedGt.includes(g)),
        where,
      );
    }
  }
});

const settings = fc.record({
  a: fc.integer({ min: 0, max: 150 }),
  g: fc.integer({ min: 0, max: 12 }),
  regions: fc.integer({ min: 0, max: 4 }),
  seed: fc.integer(),
  whole: fc.boolean(),
  duplicates: fc.boolean(),
  thresholds: fc.constantFrom([0.5, 0.4], [0.7, 0.3], [0.5, 0.5], [0.3, 0.05], [1, 0.2]),
  allowLowQualityMatches: fc.boolean(),
  ignoreIof: fc.constantFrom(0.5, 0.3, 0.9),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

function build(s: Settings) {
  const next = random(s.seed);
  const extent = s.whole ? 24 : 60;
  const boxes = (count: number, smallest: number) => randomBoxes(next, count, extent, smallest, extent / 2, s.whole);
  const anchors = boxes(s.a, 3);
  const gt = boxes(s.g, 4);
  if (s.duplicates && s.g > 1) gt.copyWithin(4 * (s.g - 1), 0, 4);
  if (s.duplicates && s.a > 1) anchors.copyWithin(4 * (s.a - 1), 0, 4);
  const options = {
    positiveThreshold: s.thresholds[0],
    negativeThreshold: s.thresholds[1],
    allowLowQualityMatches: s.allowLowQualityMatches,
    ignoreBoxes: boxes(s.regions, 6),
    ignoreIof: s.ignoreIof,
  };
  return { anchors, gt, labels: integers(next, s.g, 0, 80), options };
}

test('a permutation of the anchors permutes the answer', (t) => {
  fc.assert(
    fc.property(settings, (s) => {
      const { anchors, gt, labels, options } = build(s);
      const order = shuffled(random(s.seed + 1), s.a);
      const plain = assignAnchors(anchors, gt, labels, options);
      const moved = assignAnchors(reorder(anchors, order, 4), gt, labels, options);
      t.is(bits(moved.matches), bits(reorder(plain.matches, order, 1)));
      t.is(bits(moved.labels), bits(reorder(plain.labels, order, 1)));
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('a box that reaches no anchor matches nothing and is listed', (t) => {
  const anchors = new Float32Array([0, 0, 10, 10, 20, 20, 30, 30]);
  const touching = new Float32Array([10, 0, 20, 10, 1, 1, 9, 9, 500, 500, 510, 510]);
  for (const allowLowQualityMatches of [true, false]) {
    const got = assignAnchors(anchors, touching, new Int32Array([4, 5, 6]), { allowLowQualityMatches });
    t.deepEqual([...got.matches], [1, -1]);
    t.deepEqual([...got.labels], [5, -1]);
    t.deepEqual([...got.unmatchedGt], [0, 2]);
  }
});

test('a low-quality match gives an anchor back its own best box', (t) => {
  // Both boxes have their best overlap with the one anchor; it goes to the better of them.
  const anchors = new Float32Array([0, 0, 10, 10, 90, 90, 99, 99]);
  const gt = new Float32Array([0, 0, 3, 10, 5, 0, 9, 10]);
  const got = assignAnchors(anchors, gt, new Int32Array([1, 2]));
  t.deepEqual([...got.matches], [1, -1]);
  t.deepEqual([...got.unmatchedGt], [0]);
});

test('ignore regions turn background to ignored and leave foreground alone', (t) => {
  const anchors = new Float32Array([0, 0, 10, 10, 20, 0, 30, 10, 40, 0, 50, 10, 60, 0, 70, 10]);
  const gt = new Float32Array([0, 0, 10, 10]);
  const ignoreBoxes = new Float32Array([-5, -5, 25, 15, 40, 0, 44, 10, 60, 0, 70, 100]);
  const got = assignAnchors(anchors, gt, new Int32Array([3]), { ignoreBoxes });
  t.deepEqual([...got.labels], [3, -2, -1, -2]);
  t.deepEqual([...got.matches], [0, -2, -1, -2]);
  const looser = assignAnchors(anchors, gt, new Int32Array([3]), { ignoreBoxes, ignoreIof: 0.4 });
  t.deepEqual([...looser.labels], [3, -2, -2, -2]);
  const noBoxes = assignAnchors(anchors, new Float32Array(0), new Int32Array(0), { ignoreBoxes });
  t.deepEqual([...noBoxes.labels], [-2, -2, -1, -2]);
});

test('an image without objects is background everywhere, whatever the thresholds', (t) => {
  const anchors = Float32Array.of(0, 0, 10, 10, 5, 5, 15, 15);
  const empty = assignAnchors(anchors, new Float32Array(0), new Int32Array(0), { negativeThreshold: 0 });
  t.deepEqual(empty.labels, Int32Array.of(-1, -1));
});
