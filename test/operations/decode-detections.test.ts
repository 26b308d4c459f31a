import test from 'ava';
import { AnchorGrid, decodeDetections, type Detections } from 'retinanet-ops';
import { anchorBoxesReference, type GridConfig } from '../reference/anchors.js';
import { decodeReference } from '../reference/decode.js';
import { mismatch } from '../support/compare.js';
import { f32, goldenCases, i32, type Packed } from '../support/goldens.js';
import { random, shuffled, uniform } from '../support/random.js';

interface GoldenCase {
  imageHeight: number;
  imageWidth: number;
  numClasses: number;
  grid: Omit<GridConfig, 'imageHeight' | 'imageWidth'>;
  scoreThreshold: number;
  topK: number;
  iouThreshold: number;
  classAgnostic: boolean;
  maxDetections: number;
  logits: Packed;
  deltas: Packed;
  offsets: number[];
  boxes: Packed;
  scores: Packed;
  labels: Packed;
}

type Answer = Detections;
interface Wanted {
  boxes: ArrayLike<number>;
  scores: ArrayLike<number>;
  labels: ArrayLike<number>;
  offsets: ArrayLike<number>;
}

function differs(got: Answer, want: Wanted): string | null {
  return (
    mismatch(got.offsets, want.offsets) ??
    mismatch(got.labels, want.labels) ??
    mismatch(got.scores, want.scores, { relative: 1e-6 }) ??
    mismatch(got.boxes, want.boxes, { relative: 1e-6, absolute: 2e-5 })
  );
}

test('detections are those of torchvision and of the reference', (t) => {
  for (const golden of goldenCases<GoldenCase>('postprocess.json')) {
    const { imageHeight, imageWidth, numClasses, scoreThreshold, topK, iouThreshold, classAgnostic, maxDetections } =
      golden;
    const sizes = { imageHeight, imageWidth };
    const options = { ...sizes, numClasses, scoreThreshold, topK, iouThreshold, classAgnostic, maxDetections };
    const anchors = new AnchorGrid({ ...sizes, ...golden.grid });
    const [classLogits, boxDeltas] = [f32(golden.logits), f32(golden.deltas)];
    const got = decodeDetections({ classLogits, boxDeltas, anchors, ...options });
    const want = {
      boxes: f32(golden.boxes),
      scores: f32(golden.scores),
      labels: i32(golden.labels),
      offsets: golden.offsets,
    };
    t.is(differs(got, want), null);
    const levelCounts = anchors.levels.map((level) => level.count);
    t.is(
      differs(got, decodeReference({ classLogits, boxDeltas, anchors: anchors.boxes(), levelCounts, ...options })),
      null,
    );
  }
});

// Evenly spaced logits in random order: no two scores are equal, none lies within rounding of the threshold.
function heads(seed: number, images: number, count: number, numClasses: number) {
  const next = random(seed);
  const total = images * count * numClasses;
  const classLogits = Float32Array.from(shuffled(next, total), (i) => -6 + (8 * i) / total);
  return { classLogits, boxDeltas: uniform(next, images * count * 4, -0.4, 0.4) };
}

const grid = {
  imageHeight: 61,
  imageWidth: 90,
  strides: [16, 32],
  baseSizes: [32, 64],
  scales: [1],
  aspectRatios: [0.5, 1, 2],
};
const size = { imageHeight: 61, imageWidth: 90 };
const defaults = { scoreThreshold: 0.05, topK: 1000, iouThreshold: 0.5, maxDetections: 300 };

test('equal scores keep the order of anchors, then classes', (t) => {
  const anchors = new Float32Array([0, 0, 10, 10, 20, 0, 30, 10, 40, 0, 50, 10]);
  const got = decodeDetections({
    classLogits: new Float32Array(6),
    boxDeltas: new Float32Array(12),
    anchors,
    ...size,
    topK: 5,
  });
  t.deepEqual([...got.labels], [0, 1, 0, 1, 0]);
  t.deepEqual(
    [...got.boxes].filter((_, i) => i % 4 === 0),
    [0, 0, 20, 20, 40],
  );
});

test('the best candidates of many, equal ones among them', (t) => {
  const anchors = new AnchorGrid({ ...grid, imageHeight: 256, imageWidth: 320 });
  const levelCounts = anchors.levels.map((level) => level.count);
  const next = random(9);
  const numClasses = 20;
  const sizes = { imageHeight: 256, imageWidth: 320 };
  for (const steps of [1, 8, 1000]) {
    const classLogits = Float32Array.from({ length: anchors.count * numClasses }, (_, i) =>
      i % 97 === 0 ? NaN : Math.floor(steps * 4 * next()) / steps - 1,
    );
    const boxDeltas = uniform(next, anchors.count * 4, -0.4, 0.4);
    for (const topK of [1, 60, 2000]) {
      const options = { ...sizes, numClasses, scoreThreshold: 0.05, topK, iouThreshold: 0.5, maxDetections: 300 };
      const got = decodeDetections({ classLogits, boxDeltas, anchors, ...options });
      const sortable = classLogits.map((x) => (Number.isNaN(x) ? -30 : x));
      t.is(
        differs(
          got,
          decodeReference({ classLogits: sortable, boxDeltas, anchors: anchors.boxes(), levelCounts, ...options }),
        ),
        null,
      );
    }
  }
});

test('the best topK of a level get in, however many there are and whatever shares their scores', (t) => {
  const anchors = anchorBoxesReference(grid);
  const { classLogits, boxDeltas } = heads(11, 2, anchors.length / 4, 40);
  const coarse = classLogits.map((v) => Math.round(4 * v) / 4); // many equal scores
  for (const logits of [classLogits, coarse]) {
    for (const topK of [1, 7, 100, 999, 2500]) {
      const options = { ...size, ...defaults, numClasses: 40, topK };
      const want = decodeReference({
        classLogits: logits,
        boxDeltas,
        ...options,
        anchors,
        levelCounts: [anchors.length / 4],
      });
      t.is(differs(decodeDetections({ classLogits: logits, boxDeltas, anchors, ...options }), want), null);
    }
  }
});

test('a NaN is not a box, however sure the network is', (t) => {
  const anchors = Float32Array.of(2, 2, 12, 12, 20, 20, 40, 50);
  const classLogits = Float32Array.of(3, 0);
  const boxDeltas = Float32Array.of(NaN, NaN, NaN, NaN, 0, 0, 0, 0);
  const none = decodeDetections({ classLogits, boxDeltas: boxDeltas.fill(NaN), anchors, ...size });
  t.deepEqual([...none.offsets], [0, 0]);
  boxDeltas.fill(0, 4);
  const one = decodeDetections({ classLogits, boxDeltas, anchors, ...size, topK: 1, maxDetections: 1 });
  t.deepEqual(one, {
    boxes: Float32Array.of(20, 20, 40, 50),
    scores: Float32Array.of(0.5),
    labels: Int32Array.of(0),
    offsets: Int32Array.of(0, 1),
  });
});

test('a row without a finite box is as if it were not there, wherever it stands', (t) => {
  const anchors = new AnchorGrid(grid);
  const levelCounts = anchors.levels.map((level) => level.count);
  const { count } = anchors;
  // A width of 3e38 times 64 pixels overflows; clipped to the image, infinities would be plausible numbers, and decoding clips
  // dw = Infinity by itself.
  const spoils = [NaN, -NaN, Infinity, -Infinity, 3e38, -3e38].flatMap((value) =>
    [0, 1, 2, 3].filter((side) => side < 2 || !Number.isFinite(value)).map((side) => [side, value] as const),
  );
  for (const numClasses of [1, 3]) {
    const { classLogits, boxDeltas } = heads(21 + numClasses, 2, count, numClasses);
    const absent = classLogits.slice();
    const poisoned = boxDeltas.slice();
    for (let row = 0; row < 2 * count; row += 1 + (row % 3)) {
      const [side, value] = spoils[row % spoils.length]!;
      poisoned[4 * row + side] = value;
      classLogits.fill(30 + (row % 7), row * numClasses, (row + 1) * numClasses); // all better than the others
      absent.fill(-Infinity, row * numClasses, (row + 1) * numClasses);
    }
    for (const given of [
      {},
      { topK: 1 },
      { topK: 7 },
      { maxDetections: 3 },
      { classAgnostic: true },
      { scoreThreshold: 0 },
    ]) {
      for (const source of [anchors, anchors.boxes()]) {
        const options = { ...size, ...defaults, levelCounts, numClasses, ...given };
        const got = decodeDetections({ classLogits, boxDeltas: poisoned, anchors: source, ...options });
        const want = decodeDetections({ classLogits: absent, boxDeltas, anchors: source, ...options });
        t.true(want.scores.length > 0);
        t.deepEqual(got, want);
        t.is(
          differs(got, decodeReference({ classLogits, boxDeltas: poisoned, ...options, anchors: anchors.boxes() })),
          null,
        );
      }
    }
  }
});

test('dw and dh beyond the clipping are boxes as long as they are finite', (t) => {
  const anchors = Float32Array.of(20, 20, 30, 30);
  const boxDeltas = Float32Array.of(0, 0, 3e38, -3e38);
  const { boxes } = decodeDetections({ classLogits: Float32Array.of(1), boxDeltas, anchors, ...size });
  t.deepEqual([...boxes], [0, 25, 90, 25]);
});
