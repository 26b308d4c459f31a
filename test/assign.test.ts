import test from 'ava';
import fc from 'fast-check';
import { AnchorGrid, assignAnchors, assignAnchorsBatch, setNumThreads, type Assignment } from 'retinanet-ops';
import { assignReference, unmatched, type AssignReferenceOptions } from './reference/assign.js';
import { bits, mismatch } from './support/compare.js';
import { f32, goldenCases, i32, type Packed } from './support/goldens.js';
import { offset, shared } from './support/memory.js';
import { integers, random, randomBoxes, reorder, shuffled } from './support/random.js';

interface GoldenCase {
  name: string;
  anchors: Packed;
  gt: Packed;
  /** Boxes that overlap nothing. */
  unmatched: number[];
  runs: { high: number; low: number; lowQuality: boolean; matches: Packed }[];
}

function differs(got: Assignment, want: ReturnType<typeof assignReference>): string | null {
  const wrong = (name: string, a: ArrayLike<number>, b: ArrayLike<number>, absolute = 0) => {
    const sentence = mismatch(a, b, { absolute });
    return sentence === null ? null : `${name} ${sentence}`;
  };
  return (
    wrong('matches', got.matches, want.matches) ??
    wrong('labels', got.labels, want.labels) ??
    wrong('positives', got.positives, want.positives) ??
    wrong('numPositives', [got.numPositives], [want.positives.length]) ??
    wrong('unmatchedGt', got.unmatchedGt, want.unmatchedGt) ??
    wrong('boxTargets', got.boxTargets, want.boxTargets, 5e-5)
  );
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

test('assignment equals the exhaustive reference, ignore regions included', (t) => {
  fc.assert(
    fc.property(settings, (s) => {
      const { anchors, gt, labels, options } = build(s);
      t.is(differs(assignAnchors(anchors, gt, labels, options), assignReference(anchors, gt, labels, options)), null);
    }),
    { numRuns: 600, seed: 1 },
  );
});

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

const strides = [8, 16, 32, 64, 128];
const config = (imageHeight: number, imageWidth: number) => ({
  imageHeight,
  imageWidth,
  strides,
  baseSizes: strides.map((stride) => 4 * stride),
  scales: [1, 2 ** (1 / 3), 2 ** (2 / 3)],
  aspectRatios: [0.5, 1, 2],
});

test('a grid is its boxes, and equals the reference', (t) => {
  const next = random(3);
  for (const [height, width] of [
    [1, 1],
    [61, 90],
    [200, 333],
    [256, 192],
  ] as const) {
    const grid = new AnchorGrid(config(height, width));
    const anchors = grid.boxes();
    for (let round = 0; round < 6; round++) {
      const gt = randomBoxes(next, 1 + 4 * round, Math.max(height, width), 1, 120, round % 2 === 0);
      // boxes past every side of the image, tiny ones between the anchors' centres, one that reaches nothing
      gt.set([-30, -40, 20, 10], 0);
      if (round > 0)
        gt.set([width - 10, height - 10, width + 200, height + 300, 3, 3, 4, 4, 9000, 9000, 9010, 9010], 4);
      const labels = integers(next, gt.length / 4, 0, 9);
      const ignoreBoxes = randomBoxes(next, round, Math.max(height, width), 10, 90);
      for (const allowLowQualityMatches of [true, false]) {
        const options: AssignReferenceOptions = { allowLowQualityMatches, ignoreBoxes };
        const got = assignAnchors(grid, gt, labels, options);
        t.is(differs(got, assignReference(anchors, gt, labels, options)), null);
        t.deepEqual(got, assignAnchors(anchors, gt, labels, options));
      }
    }
  }
});

test('a batch is the loop over its images', (t) => {
  const next = random(4);
  const grid = new AnchorGrid(config(120, 150));
  for (const anchors of [grid, grid.boxes()]) {
    const counts = [3, 0, 1, 12, 0];
    const ignoreCounts = [0, 2, 1, 0, 0];
    const sums = (list: number[]) =>
      Int32Array.from([0, ...list].map((_, i) => list.slice(0, i).reduce((a, b) => a + b, 0)));
    const offsets = sums(counts);
    const boxes = randomBoxes(next, 16, 150, 5, 90);
    boxes.set([-900, -900, -800, -800], 4 * 5); // reaches no anchor
    const labels = integers(next, 16, 0, 5);
    const ignoreOffsets = sums(ignoreCounts);
    const ignoreBoxes = randomBoxes(next, 3, 150, 20, 90);
    const got = assignAnchorsBatch(
      anchors,
      { boxes, labels, offsets, ignoreBoxes, ignoreOffsets },
      { positiveThreshold: 0.6 },
    );
    const plain = assignAnchorsBatch(anchors, { boxes, labels, offsets });
    t.is(plain.labels.length, 5 * grid.count);
    const missed: number[] = [];
    for (let b = 0; b < 5; b++) {
      const [from, to] = [offsets[b]!, offsets[b + 1]!];
      const one = assignAnchors(anchors, boxes.subarray(4 * from, 4 * to), labels.subarray(from, to), {
        positiveThreshold: 0.6,
        ignoreBoxes: ignoreBoxes.subarray(4 * ignoreOffsets[b]!, 4 * ignoreOffsets[b + 1]!),
      });
      const span = got.matches.subarray(b * grid.count, (b + 1) * grid.count);
      t.is(
        mismatch(
          span,
          one.matches.map((match) => (match >= 0 ? match + from : match)),
        ),
        null,
      );
      t.is(bits(got.labels.subarray(b * grid.count, (b + 1) * grid.count)), bits(one.labels));
      const [first, last] = [got.positiveOffsets[b]!, got.positiveOffsets[b + 1]!];
      t.is(
        mismatch(
          got.positives.subarray(first, last),
          one.positives.map((p) => p + b * grid.count),
        ),
        null,
      );
      t.is(bits(got.boxTargets.subarray(4 * first, 4 * last)), bits(one.boxTargets));
      missed.push(...Array.from(one.unmatchedGt, (g) => g + from));
    }
    t.deepEqual([...got.unmatchedGt], missed);
    t.true(got.unmatchedGt.includes(5));
    t.is(got.numPositives, got.positives.length);
    t.is(got.positiveOffsets.length, 6);
    t.is(got.positiveOffsets[5], got.numPositives);
  }
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

test.serial('the same bits for every number of threads', (t) => {
  const next = random(5);
  const grid = new AnchorGrid(config(320, 416));
  const boxes = randomBoxes(next, 60, 400, 3, 200, true);
  const labels = integers(next, 60, 0, 9);
  const offsets = new Int32Array([0, 20, 20, 60]);
  const ignoreBoxes = randomBoxes(next, 4, 400, 20, 200);
  try {
    for (const anchors of [grid, grid.boxes()]) {
      const seen = new Set<string>();
      for (const threads of [1, 2, 3, 8]) {
        setNumThreads(threads);
        const one = assignAnchors(anchors, boxes, labels, { ignoreBoxes });
        const all = assignAnchorsBatch(anchors, { boxes, labels, offsets });
        const parts = [one, all].flatMap((r) => [r.labels, r.matches, r.positives, r.boxTargets, r.unmatchedGt]);
        seen.add(parts.map(bits).join(' '));
      }
      t.is(seen.size, 1);
    }
  } finally {
    setNumThreads(2);
  }
});

test('empty, shared and offset arrays', (t) => {
  const next = random(6);
  const anchors = randomBoxes(next, 80, 60);
  const gt = randomBoxes(next, 6, 60, 8);
  const labels = integers(next, 6, 0, 4);
  const ignoreBoxes = randomBoxes(next, 2, 60, 10);
  const want = assignAnchors(anchors, gt, labels, { ignoreBoxes });
  const offsets = new Int32Array([0, 2, 6]);
  const wantBatch = assignAnchorsBatch(anchors, { boxes: gt, labels, offsets });
  for (const place of [shared, offset]) {
    t.deepEqual(assignAnchors(place(anchors), place(gt), place(labels), { ignoreBoxes: place(ignoreBoxes) }), want);
    const batch = { boxes: place(gt), labels: place(labels), offsets: place(offsets) };
    t.deepEqual(assignAnchorsBatch(place(anchors), batch), wantBatch);
  }
  const [none, noLabels] = [new Float32Array(0), new Int32Array(0)];
  const background = assignAnchors(anchors, none, noLabels);
  t.true(background.labels.every((label) => label === -1) && background.matches.every((match) => match === -1));
  t.is(background.numPositives + background.positives.length + background.boxTargets.length, 0);
  t.is(background.unmatchedGt.length, 0);
  const noAnchors = assignAnchors(none, gt, labels);
  t.is(noAnchors.labels.length, 0);
  t.deepEqual([...noAnchors.unmatchedGt], [0, 1, 2, 3, 4, 5]);
  const noImages = assignAnchorsBatch(anchors, { boxes: none, labels: noLabels, offsets: new Int32Array([0]) });
  t.is(noImages.labels.length, 0);
  t.deepEqual([...noImages.positiveOffsets], [0]);
  const bare = assignAnchorsBatch(anchors, { boxes: none, labels: noLabels, offsets: new Int32Array([0, 0, 0]) });
  t.true(bare.labels.length === 160 && bare.labels.every((label) => label === -1));
});

test('an image without objects is background everywhere, whatever the thresholds', (t) => {
  const anchors = Float32Array.of(0, 0, 10, 10, 5, 5, 15, 15);
  const empty = assignAnchors(anchors, new Float32Array(0), new Int32Array(0), { negativeThreshold: 0 });
  t.deepEqual(empty.labels, Int32Array.of(-1, -1));
});
