import test from 'ava';
import fc from 'fast-check';
import { boxIou, clipBoxes, decodeBoxes, encodeBoxes } from 'retinanet-ops';
import { clip, decode, encode, iouMatrix } from '../reference/boxes.js';
import { bits, mismatch } from '../support/compare.js';
import { f32, f64, goldenCases, type Packed } from '../support/goldens.js';
import { random, randomBoxes, uniform } from '../support/random.js';

interface GoldenCase {
  anchors: Packed;
  boxes: Packed;
  deltas: Packed;
  weights: number[];
  encodedByWeights: Packed;
  decodedByWeights: Packed;
  encoded: Packed;
  decoded: Packed;
  height: number;
  width: number;
  clipped: Packed;
  iou: Packed;
}

const rows = (count: number, row: (i: number) => number[]) => Array.from({ length: count }, (_, i) => row(i)).flat();

test('coding, clipping and overlaps are those of torchvision', (t) => {
  for (const golden of goldenCases<GoldenCase>('box-coder.json')) {
    const anchors = f32(golden.anchors);
    const boxes = f32(golden.boxes);
    // float32 centres of coordinates up to `extent` against the smallest anchor, 4 pixels
    const absolute = golden.height * 2 ** -23;
    t.is(mismatch(encodeBoxes(anchors, boxes), f64(golden.encoded), { relative: 1e-6, absolute }), null);
    const decoded = f64(golden.decoded);
    // a corner is a difference of centre and half size: errors are relative to the larger of both
    const scale = decoded.map((_, i) => Math.max(...decoded.slice(i - (i % 4), i - (i % 4) + 4).map(Math.abs)));
    const deltas = f32(golden.deltas);
    t.is(mismatch(decodeBoxes(anchors, deltas), decoded, { relative: 1e-6, absolute: 1e-6, scale }), null);
    const coderWeights = golden.weights;
    const byWeights = f64(golden.encodedByWeights);
    t.is(
      mismatch(encodeBoxes(anchors, boxes, { coderWeights }), byWeights, { relative: 1e-6, absolute: 10 * absolute }),
      null,
    );
    const weighted = deltas.map((delta, i) => delta * coderWeights[i % 4]!);
    t.is(
      mismatch(decodeBoxes(anchors, weighted, { coderWeights }), f64(golden.decodedByWeights), {
        ...{ relative: 2e-6, absolute: 1e-6, scale },
      }),
      null,
    );
    const clipped = clipBoxes(Float32Array.from(decoded), { height: golden.height, width: golden.width });
    t.is(bits(clipped), bits(f32(golden.clipped)));
    t.is(bits(boxIou(anchors.subarray(0, 64), boxes.subarray(0, 36))), bits(f32(golden.iou)));
  }
});

const pairs = fc.record({ n: fc.integer({ min: 0, max: 30 }), seed: fc.integer(), whole: fc.boolean() });

test('coding and clipping keep to the float64 reference, and decoding undoes encoding', (t) => {
  fc.assert(
    fc.property(pairs, ({ n, seed, whole }) => {
      const next = random(seed);
      const anchors = randomBoxes(next, n, 640, 8, 300, whole);
      const boxes = randomBoxes(next, n, 640, 6, 300, whole);
      const encoded = encodeBoxes(anchors, boxes);
      t.is(
        mismatch(
          encoded,
          rows(n, (i) => encode(anchors, i, boxes, i)),
          { relative: 1e-6, absolute: 5e-5 },
        ),
        null,
      );
      t.is(mismatch(decodeBoxes(anchors, encoded), boxes, { absolute: 1e-3 }), null);
      const deltas = uniform(next, 4 * n, -3, 6);
      const decoded = decodeBoxes(anchors, deltas);
      const want = rows(n, (i) => decode(anchors, i, deltas, i));
      t.is(mismatch(decoded, want, { relative: 1e-6, absolute: 0.01 }), null);
      const clipped = clipBoxes(decoded, { height: 300, width: 500 });
      t.is(
        mismatch(
          clipped,
          rows(n, (i) => clip([...decoded.subarray(4 * i, 4 * i + 4)], 300, 500)),
        ),
        null,
      );
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('log sizes past log(1000 / 16) are clipped, infinite ones too', (t) => {
  const anchors = new Float32Array([0, 0, 16, 32]);
  for (const big of [4.2, 50, 1e30, Infinity]) {
    const decoded = decodeBoxes(anchors, new Float32Array([0, 0, big, big]));
    t.is(mismatch(decoded, [8 - 500, 16 - 1000, 8 + 500, 16 + 1000], { relative: 1e-6 }), null);
  }
});

test('overlaps are the documented float32 formula to the bit', (t) => {
  fc.assert(
    fc.property(pairs, fc.integer({ min: 0, max: 20 }), ({ n, seed, whole }, m) => {
      const next = random(seed);
      const a = randomBoxes(next, n, 40, 2, 30, whole);
      const b = randomBoxes(next, m, 40, 2, 30, whole);
      const got = boxIou(a, b);
      t.is(bits(got), bits(iouMatrix(a, b)));
      const mirrored = boxIou(b, a);
      for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) t.is(got[i * m + j], mirrored[j * n + i]);
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('whole boxes on exact overlaps; touching boxes have none', (t) => {
  const one = new Float32Array([0, 0, 10, 10]);
  for (let k = 1; k <= 10; k++) t.is(boxIou(one, new Float32Array([0, 0, k, 10]))[0], Math.fround(k / 10));
  t.deepEqual([...boxIou(one, new Float32Array([10, 0, 20, 10, 0, 10, 10, 20, -5, -5, 0, 0]))], [0, 0, 0]);
});
