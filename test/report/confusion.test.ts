// What is taken for what: by hand, and against a plain implementation.
import test from 'ava';
import { confusionMatrix, type CocoResult, type CocoTruth } from 'retinanet-ops/retinanet';
import { random } from '../support/random.js';

type Box = [x: number, y: number, width: number, height: number];
const object = (image_id: number, category_id: number, bbox: Box, iscrowd: 0 | 1 = 0) => ({
  ...{ image_id, category_id, bbox, iscrowd },
});
const found = (image_id: number, category_id: number, bbox: Box, score: number): CocoResult => ({
  ...{ image_id, category_id, bbox, score },
});
const truthOf = (annotations: CocoTruth['annotations'], images = 2): CocoTruth => ({
  images: Array.from({ length: images }, (_, i) => ({ id: i + 1 })),
  categories: [
    { id: 1, name: 'cat' },
    { id: 2, name: 'dog' },
  ],
  annotations,
});
const rows = ({ counts }: { counts: Int32Array }) => [0, 3, 6].map((row) => [...counts.subarray(row, row + 3)]);

test('objects by row, what they were found as by column, background last', (t) => {
  const truth = truthOf([
    object(1, 1, [0, 0, 10, 10]),
    object(1, 2, [50, 0, 10, 10]),
    object(2, 2, [0, 0, 10, 10]),
    object(2, 1, [50, 50, 10, 10]),
  ]);
  const detections = [
    found(1, 1, [0, 0, 10, 9], 0.9), // the cat
    found(1, 1, [50, 0, 10, 10], 0.8), // a dog, taken for a cat
    found(1, 2, [50, 0, 10, 9], 0.7), // the dog is gone by now: nothing there
    found(2, 2, [0, 0, 10, 10], 0.4), // too low a score
    found(2, 2, [100, 0, 10, 10], 0.5), // just enough, nothing there
  ];
  const matrix = confusionMatrix(detections, truth);
  t.deepEqual(matrix.classes, ['cat', 'dog']);
  t.deepEqual(rows(matrix), [
    [1, 0, 1],
    [1, 0, 1],
    [0, 2, 0],
  ]);
  t.is(rows(confusionMatrix(detections, truth, { scoreThreshold: 0.4 }))[1]![1], 1);
  t.deepEqual(rows(confusionMatrix(detections, truth, { iouThreshold: 0.95 }))[0], [0, 0, 2]);
});

test('the better score claims first, and of what it overlaps the most; alike, its own class', (t) => {
  const truth = truthOf([
    object(1, 1, [0, 0, 10, 10]),
    object(1, 2, [0, 0, 10, 8]),
    object(2, 1, [0, 0, 8, 8]),
    object(2, 2, [0, 0, 8, 8]),
  ]);
  const best = confusionMatrix([found(1, 1, [0, 0, 10, 8], 0.9), found(1, 2, [0, 0, 10, 8], 0.8)], truth);
  t.deepEqual(rows(best), [
    [0, 1, 1],
    [1, 0, 1],
    [0, 0, 0],
  ]);
  for (const category of [1, 2]) {
    const alike = rows(confusionMatrix([found(2, category, [0, 0, 8, 8], 0.9)], truth));
    t.is(alike[category - 1]![category - 1], 1);
  }
});

test('crowds are neither missed nor found, and what lies in them is not wrong', (t) => {
  const truth = truthOf([object(1, 1, [0, 0, 100, 100], 1), object(1, 2, [10, 10, 10, 10])]);
  const detections = [
    found(1, 2, [10, 10, 10, 10], 0.9), // the dog in the crowd
    found(1, 1, [40, 40, 10, 10], 0.9), // the crowd
    found(1, 2, [60, 40, 10, 10], 0.9), // the crowd, whatever it is of
    found(1, 1, [95, 0, 10, 10], 0.8), // half of it within
    found(1, 1, [96, 0, 10, 10], 0.8), // less
  ];
  t.deepEqual(rows(confusionMatrix(detections, truth)), [
    [0, 0, 0],
    [0, 1, 0],
    [1, 0, 0],
  ]);
});

test('no detections, no objects, neither', (t) => {
  const one = truthOf([object(1, 1, [0, 0, 10, 10])]);
  t.deepEqual(rows(confusionMatrix([], one))[0], [0, 0, 1]);
  t.deepEqual(rows(confusionMatrix([found(1, 2, [0, 0, 9, 9], 1)], truthOf([])))[2], [0, 1, 0]);
  t.is(Math.max(...confusionMatrix([], truthOf([])).counts), 0);
});

/** The definition, image by image, with nothing sorted twice and nothing remembered. */
function plain(detections: CocoResult[], truth: CocoTruth, threshold: number, smallest: number): number[] {
  const counts = new Array<number>(9).fill(0);
  const shared = (a: Box, b: Box) =>
    Math.max(0, Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]));
  for (const { id } of truth.images) {
    const all = truth.annotations.filter(({ image_id }) => image_id === id);
    const crowds = all.filter(({ iscrowd }) => iscrowd === 1);
    let free = all.filter(({ iscrowd }) => iscrowd !== 1);
    const here = detections.filter(({ image_id, score }) => image_id === id && score >= smallest);
    for (const { bbox, category_id } of here.sort((a, b) => b.score - a.score)) {
      const area = bbox[2] * bbox[3];
      const iou = (b: Box) => shared(bbox, b) / (area + b[2] * b[3] - shared(bbox, b));
      const best = free.reduce((most, one) => Math.max(most, iou(one.bbox)), 0);
      const taken = free.find((one) => iou(one.bbox) === best);
      if (taken && best >= threshold) {
        free = free.filter((one) => one !== taken);
        counts[3 * (Number(taken.category_id) - 1) + Number(category_id) - 1]!++;
      } else if (!crowds.some((crowd) => shared(bbox, crowd.bbox) / area >= threshold)) {
        counts[6 + Number(category_id) - 1]!++;
      }
    }
    for (const { category_id } of free) counts[3 * (Number(category_id) - 1) + 2]!++;
  }
  return counts;
}

test('a plain implementation counts the same', (t) => {
  const next = random(7);
  const whole = (most: number) => Math.floor(most * next());
  const box = (): Box => [60 * next(), 60 * next(), 8 + 40 * next(), 8 + 40 * next()];
  let confused = 0;
  for (let round = 0; round < 60; round++) {
    const truth = truthOf(
      Array.from({ length: whole(40) }, () => object(1 + whole(4), 1 + whole(2), box(), next() < 0.1 ? 1 : 0)),
      4,
    );
    const detections = Array.from({ length: whole(120) }, () => found(1 + whole(4), 1 + whole(2), box(), next()));
    const options = { iouThreshold: 0.2 + 0.5 * next(), scoreThreshold: 0.5 * next() };
    const { counts } = confusionMatrix(detections, truth, options);
    t.deepEqual([...counts], plain([...detections], truth, options.iouThreshold, options.scoreThreshold));
    confused += counts[1]! + counts[3]!;
  }
  t.true(confused > 50);
});
