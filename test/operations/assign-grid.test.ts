// The search on a grid leaves out cells, scales and ratios that cannot matter. Here it meets what could make that wrong: every
// case is compared to the exhaustive reference and to the search over the same anchors as a list.
import test from 'ava';
import fc from 'fast-check';
import { AnchorGrid, assignAnchors } from 'retinanet-ops';
import { fewerRuns } from './driver/calls.js';
import { assignReference } from '../reference/assign.js';
import { bits, mismatch } from '../support/compare.js';
import { integers, random } from '../support/random.js';

type Next = () => number;
type Sides = [width: number, height: number];

const pick = <T>(next: Next, from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
const { fround } = Math;

/** One box: centre and sides, by kind. */
const kinds = {
  ordinary: (next: Next, [w, h]: Sides) => [next() * w, next() * h, 4 + next() * w, 4 + next() * h],
  small: (next: Next, [w, h]: Sides) => [next() * w, next() * h, 0.5 + 6 * next(), 0.5 + 6 * next()],
  tiny: (next: Next, [w, h]: Sides) => [next() * w, next() * h, 1e-3 + 0.01 * next(), 1e-3 + 0.01 * next()],
  thin: (next: Next, [w, h]: Sides) => [next() * w, next() * h, w * (0.5 + next()), 0.1 + next()],
  whole: (next: Next, [w, h]: Sides) => [Math.round(next() * w), Math.round(next() * h), 2 * Math.ceil(next() * w), 2 * Math.ceil(next() * h)], // prettier-ignore
  covering: (next: Next, [w, h]: Sides) => [w / 2, h / 2, w * (1 + 3 * next()), h * (1 + 3 * next())],
  vast: (next: Next, [w, h]: Sides) => [w / 2, h / 2, 10 ** (3 + 30 * next()), 10 ** (3 + 30 * next())],
  outside: (next: Next, [w, h]: Sides) => [pick(next, [-0.6, 1.6]) * w, next() * h, w * 0.8 * next() + 1, 9],
  beyond: () => [-9e5, 7e5, 30, 40],
} satisfies Record<string, (next: Next, sides: Sides) => number[]>;
type Kind = keyof typeof kinds;

/** Boxes of the given kinds; some of them anchors, touching anchors, or copies of the box before. */
function boxesOf(next: Next, count: number, of: readonly Kind[], sides: Sides, anchors: Float32Array): Float32Array {
  const boxes: number[] = [];
  while (boxes.length < 4 * count) {
    const chance = next();
    const a = 4 * Math.floor((next() * anchors.length) / 4);
    const [x1, y1, x2, y2] = anchors.subarray(a, a + 4) as unknown as [number, number, number, number];
    const [x = 0, y = 0, width = 1, height = 1] = kinds[pick(next, of)](next, sides);
    const box =
      chance < 0.1 && boxes.length > 0
        ? boxes.slice(-4)
        : chance < 0.2
          ? [x1, y1, x2, y2]
          : chance < 0.25
            ? [x2, y1, fround(x2 + width), y2] // touches the anchor
            : chance < 0.3
              ? [x1, y1, fround((x1 + x2) / 2), y2] // half of it: an overlap of exactly .5, but for rounding
              : [x - width / 2, y - height / 2, x + width / 2, y + height / 2].map(fround);
    if (box[2]! > box[0]! && box[3]! > box[1]!) boxes.push(...box);
  }
  return Float32Array.from(boxes);
}

const cases = fc.record({
  imageHeight: fc.integer({ min: 1, max: 120 }),
  imageWidth: fc.integer({ min: 1, max: 120 }),
  strides: fc.array(fc.constantFrom(4, 5, 7.3, 8, 16, 23.7, 32, 64, 100), { minLength: 1, maxLength: 4 }),
  baseSizes: fc.array(fc.constantFrom(0.01, 1, 3, 8, 21.3, 32, 64, 256, 1000), { minLength: 4, maxLength: 4 }),
  scales: fc.constantFrom([1], [1, 2 ** (1 / 3), 2 ** (2 / 3)], [1, 1], [0.3, 1, 5]),
  aspectRatios: fc.constantFrom([1], [0.5, 1, 2], [0.1, 1, 10], [0.5, 0.7, 1, 1.4, 2, 3, 4]),
  zoom: fc.constantFrom(1, 1, 1, 2 ** -12, 3.1, 2 ** 17),
  kinds: fc.subarray(Object.keys(kinds) as Kind[], { minLength: 1 }),
  boxes: fc.integer({ min: 0, max: 24 }),
  regions: fc.integer({ min: 0, max: 3 }),
  thresholds: fc.constantFrom([0.5, 0.4], [0.5, 0.4], [0.7, 0.3], [0.5, 0.5], [0.3, 0.05], [1, 1], [0.5, 0], [1e-3, 1e-6], [1e-30, 0], [1e-40, 1e-60]), // prettier-ignore
  allowLowQualityMatches: fc.boolean(),
  ignoreIof: fc.constantFrom(0.5, 0.3, 1, 1e-20, 1e-44),
  centerOffset: fc.constantFrom(0.5, 0.5, 0, 0, 0.3, 1),
  stretch: fc.constantFrom(1, 1, 0.7, 1.6),
  moreCells: fc.option(fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 3 })), { nil: undefined }),
  rounding: fc.constantFrom('none' as const, 'half-to-even' as const),
  order: fc.constantFrom('scale-major' as const, 'ratio-major' as const),
  seed: fc.integer(),
});

function check(c: typeof cases extends fc.Arbitrary<infer T> ? T : never): string | null {
  // Zooming moves everything to magnitudes at which float32 resolves it worse or better. An image's sides are integers.
  const zoom = (value: number) => value * c.zoom;
  const [imageHeight, imageWidth] = [Math.ceil(zoom(c.imageHeight)), Math.ceil(zoom(c.imageWidth))];
  const strides = c.strides.map((stride) => Math.max(zoom(stride), Math.max(imageHeight, imageWidth) / 30));
  const baseSizes = c.baseSizes.slice(0, strides.length).map((size) => Math.min(zoom(size), 2 ** 19));
  // Half sides below half a pixel would round to nothing.
  const smallest = Math.min(...baseSizes) * Math.min(...c.scales) * Math.sqrt(Math.min(...c.aspectRatios));
  const { centerOffset, moreCells, aspectRatios, scales, order, stretch } = c;
  const cells = (side: number, stride: number, more: number) =>
    Math.max(1, Math.min(Math.ceil(side / stride) + more, Math.floor(2 ** 25 / stride)));
  const grid = new AnchorGrid({
    ...{ imageHeight, imageWidth, baseSizes, scales, aspectRatios, centerOffset, order },
    strides: strides.map((stride) => (stretch === 1 ? stride : [stride, stride * stretch])),
    rounding: smallest > 2.1 ? c.rounding : 'none',
    ...(moreCells && {
      featureSizes: strides.map((stride): [number, number] => [
        cells(imageHeight, stride, moreCells[0]),
        cells(imageWidth, stride * stretch, moreCells[1]),
      ]),
    }),
  });
  const next = random(c.seed);
  const anchors = grid.boxes();
  const gt = boxesOf(next, c.boxes, c.kinds, [imageWidth, imageHeight], anchors);
  const labels = integers(next, c.boxes, 0, 80);
  const options = {
    positiveThreshold: c.thresholds[0],
    negativeThreshold: c.thresholds[1],
    allowLowQualityMatches: c.allowLowQualityMatches,
    ignoreBoxes: boxesOf(next, c.regions, c.kinds, [imageWidth, imageHeight], anchors),
    ignoreIof: c.ignoreIof,
  };
  const want = assignReference(anchors, gt, labels, options);
  const got = assignAnchors(grid, gt, labels, options);
  const listed = assignAnchors(anchors, gt, labels, options);
  for (const name of ['matches', 'labels', 'positives', 'unmatchedGt'] as const) {
    for (const [form, result] of [
      ['grid', got],
      ['list', listed],
    ] as const) {
      const wrong = mismatch(result[name], want[name]);
      if (wrong !== null) return `${form}: ${name} ${wrong}`;
    }
  }
  return bits(got.boxTargets) === bits(listed.boxTargets) ? null : 'boxTargets differ between grid and list';
}

test('a grid of any shape equals the exhaustive reference, whatever the boxes', (t) => {
  fc.assert(
    fc.property(cases, (c) => {
      const wrong = check(c);
      if (wrong !== null) throw new Error(wrong);
    }),
    { numRuns: fewerRuns(1500), seed: 7 },
  );
  t.pass();
});

test('rows longer than a block, cells of more anchors than a block, thousands of boxes', (t) => {
  const next = random(8);
  const grids = [
    { imageHeight: 3, imageWidth: 1500, strides: [1, 2], baseSizes: [4, 9], scales: [1], aspectRatios: [0.5, 1] },
    {
      imageHeight: 20,
      imageWidth: 9,
      strides: [9],
      baseSizes: [8],
      scales: Array.from({ length: 50 }, (_, i) => 0.5 + i / 25),
      aspectRatios: Array.from({ length: 45 }, (_, i) => 0.3 + i / 30),
    },
    { imageHeight: 96, imageWidth: 128 },
  ];
  for (const [i, options] of grids.entries()) {
    const grid = new AnchorGrid(options);
    const anchors = grid.boxes();
    const sides: Sides = [options.imageWidth, options.imageHeight];
    const gt = boxesOf(next, i === 2 ? 2500 : 60, ['ordinary', 'small', 'tiny', 'whole'], sides, anchors);
    const labels = integers(next, gt.length / 4, 0, 80);
    const want = assignReference(anchors, gt, labels);
    for (const given of [grid, anchors]) {
      const got = assignAnchors(given, gt, labels);
      t.is(mismatch(got.matches, want.matches), null);
      t.is(mismatch(got.unmatchedGt, want.unmatchedGt), null);
    }
  }
});

test('a list of a hundred thousand anchors, in any order', (t) => {
  const next = random(9);
  const grid = new AnchorGrid({ imageHeight: 600, imageWidth: 1000 });
  const anchors = grid.boxes();
  t.true(anchors.length / 4 > 1e5);
  const gt = boxesOf(next, 12, ['ordinary', 'small', 'tiny', 'thin'], [1000, 600], anchors);
  const labels = integers(next, 12, 0, 80);
  const want = assignReference(anchors, gt, labels);
  t.is(mismatch(assignAnchors(grid, gt, labels).matches, want.matches), null);
  t.is(mismatch(assignAnchors(anchors, gt, labels).matches, want.matches), null);
  // Neighbours in the list from all over the picture.
  const rows = Array.from(want.matches, (_, i) => (i * 7919) % want.matches.length);
  const mixed = Float32Array.from({ length: anchors.length }, (_, i) => anchors[4 * rows[i >> 2]! + (i & 3)]!);
  const matches = Int32Array.from(rows, (row) => want.matches[row]!);
  t.is(mismatch(assignAnchors(mixed, gt, labels).matches, matches), null);
});
