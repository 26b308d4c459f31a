import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateDetections, type Detections } from 'retinanet-ops/retinanet';
import { averagePrecision } from '../reference/average-precision.js';
import { f32, f64, goldenCases, i32, type Packed } from '../support/goldens.js';

type Box = [x1: number, y1: number, x2: number, y2: number];

/** One image's objects: label, box and, for detections, a score. */
type Row = [label: number, box: Box, score?: number];

function ragged(images: Row[][]): Detections {
  const rows = images.flat();
  const offsets = [0];
  for (const image of images) offsets.push((offsets.at(-1) ?? 0) + image.length);
  return {
    boxes: Float32Array.from(rows.flatMap(([, box]) => box)),
    labels: Int32Array.from(rows, ([label]) => label),
    scores: Float32Array.from(rows, ([, , score]) => score ?? 0),
    offsets: Int32Array.from(offsets),
  };
}

function evaluate(detections: Row[][], truth: Row[][], numClasses = 1, options = {}) {
  const classNames = Array.from({ length: numClasses }, (_, k) => `class ${String(k)}`);
  return evaluateDetections(ragged(detections), { ...ragged(truth), classNames }, options);
}

const A: Box = [0, 0, 10, 10];
const B: Box = [20, 20, 40, 40];
const NOWHERE: Box = [80, 80, 90, 90];

test('perfect detections have AP 1, none has AP 0', (t) => {
  t.is(evaluate([[[0, A, 0.9]], [[0, B, 0.8]]], [[[0, A]], [[0, B]]]).meanAp, 1);
  t.is(evaluate([[], []], [[[0, A]], [[0, B]]]).meanAp, 0);
});

test('AP by hand: right, wrong, right over two true boxes', (t) => {
  const { meanAp, classes } = evaluate(
    [
      [
        [0, A, 0.9],
        [0, NOWHERE, 0.8],
        [0, B, 0.7],
      ],
    ],
    [
      [
        [0, A],
        [0, B],
      ],
    ],
  );
  // Precision 1 up to recall 0.5 (51 of the 101 points), 2/3 beyond.
  t.true(Math.abs(meanAp - (51 + 50 * (2 / 3)) / 101) < 1e-12);
  t.deepEqual([classes[0]?.numGroundTruth, classes[0]?.numDetections], [2, 3]);
});

test('a true box is claimed once, by the better score; the second claim is false', (t) => {
  const { meanAp } = evaluate(
    [
      [
        [0, A, 0.6],
        [0, A, 0.9],
      ],
    ],
    [
      [
        [0, A],
        [0, B],
      ],
    ],
  );
  t.true(Math.abs(meanAp - 51 / 101) < 1e-12);
});

test('boxes match within their own image and class only', (t) => {
  t.is(evaluate([[], [[0, A, 0.9]]], [[[0, A]], []]).meanAp, 0);
  const { meanAp, classes } = evaluate([[[1, A, 0.9]]], [[[0, A]]], 3);
  t.is(meanAp, 0);
  t.is(classes[0]?.ap, 0);
  t.true(Number.isNaN(classes[1]?.ap), 'a class without ground truth has no AP and stays out of the mean');
});

test('the overlap threshold includes its own value', (t) => {
  const half: Box = [0, 0, 10, 5];
  t.is(evaluate([[[0, half, 0.9]]], [[[0, A]]]).meanAp, 1);
  t.is(evaluate([[[0, half, 0.9]]], [[[0, A]]], 1, { iouThreshold: 0.51 }).meanAp, 0);
});

test('no ground truth at all gives NaN, not a crash', (t) => {
  t.true(Number.isNaN(evaluate([[]], [[]]).meanAp));
});

test('a score that is no number ranks last', (t) => {
  const truth: Row[][] = [[[0, A]]];
  // Precision 1/2 at recall 1.
  t.is(evaluate([[[0, A, NaN], [0, NOWHERE, 0.9]]], truth).meanAp, 0.5); // prettier-ignore
  t.is(evaluate([[[0, A, NaN], [0, NOWHERE, -Infinity]]], truth).meanAp, 0.5); // prettier-ignore
  t.is(evaluate([[[0, NOWHERE, NaN], [0, A, 0.1]]], truth).meanAp, 1); // prettier-ignore
  t.is(evaluate([[[0, A, NaN], [0, NOWHERE, 0.9]]], truth, 1, { maxDetections: 1 }).meanAp, 0); // prettier-ignore
  t.is(evaluate([[[0, NOWHERE, Infinity], [0, A, Infinity]]], truth).meanAp, 0.5); // prettier-ignore
});

interface GoldenCase {
  classes: number;
  iouThreshold: number;
  maxDetections: number;
  trueBoxes: Packed;
  trueLabels: Packed;
  trueOffsets: Packed;
  boxes: Packed;
  labels: Packed;
  scores: Packed;
  offsets: Packed;
  ap: Packed;
}

test('random sets have the AP of the official COCO tool, and that of its rules by themselves', (t) => {
  let classes = 0;
  for (const golden of goldenCases<GoldenCase>('coco-eval.json')) {
    const { iouThreshold, maxDetections } = golden;
    const classNames = Array.from({ length: golden.classes }, (_, k) => String(k));
    const truth = {
      boxes: f32(golden.trueBoxes),
      labels: i32(golden.trueLabels),
      offsets: i32(golden.trueOffsets),
      classNames,
    };
    const detections = {
      boxes: f32(golden.boxes),
      labels: i32(golden.labels),
      scores: f32(golden.scores),
      offsets: i32(golden.offsets),
    };
    const result = evaluateDetections(detections, truth, { iouThreshold, maxDetections });
    for (const [label, expected] of f64(golden.ap).entries()) {
      const { ap } = result.classes[label]!;
      const reference = averagePrecision(detections, truth, label, iouThreshold, maxDetections);
      t.true(Object.is(ap, expected) || Math.abs(ap - expected) < 1e-12, `${String(ap)}, tool ${String(expected)}`);
      t.true(Object.is(ap, reference) || Math.abs(ap - reference) < 1e-12, `${String(ap)}, rules ${String(reference)}`);
      classes++;
    }
  }
  t.true(classes > 200);
});

const folder = join(process.env.RETINANET_OPS_TEST_DATA ?? join('..', 'shared', 'data'), 'coco_eval_oracle');
const withData = existsSync(folder) ? test : test.skip;

interface CocoBox {
  image_id: number;
  category_id: number;
  bbox: [x: number, y: number, width: number, height: number];
  score?: number;
}

withData('AP50 of 100 COCO images equals the official COCO tool (.696973)', (t) => {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;
  const truth = read('sampled_gts_bbox_area.json') as {
    images: { id: number }[];
    categories: { id: number; name: string }[];
    annotations: CocoBox[];
  };
  const found = read('cocoapi_results.json') as CocoBox[];
  // The COCO tool ranks equal scores by image id.
  const imageIds = truth.images.map(({ id }) => id).sort((a, b) => a - b);
  const byImage = (boxes: CocoBox[]) =>
    ragged(
      imageIds.map((id) =>
        boxes
          .filter((box) => box.image_id === id)
          .map(({ category_id, bbox: [x, y, w, h], score }) => [
            truth.categories.findIndex((category) => category.id === category_id),
            [x, y, x + w, y + h],
            score ?? 0,
          ]),
      ),
    );
  const classNames = truth.categories.map(({ name }) => name);
  const { meanAp } = evaluateDetections(byImage(found), { ...byImage(truth.annotations), classNames });
  t.is(meanAp.toFixed(6), '0.696973');
});
