import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import { evaluateDetections, type Detections } from 'retinanet-ops/retinanet';

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

test('malformed input is refused with the row', (t) => {
  const truth = { ...ragged([[[0, A]]]), classNames: ['a'] };
  const refused = (detections: Detections, code: string, pattern: RegExp, options = {}) => {
    const error = t.throws(() => evaluateDetections(detections, truth, options), { instanceOf: RetinanetOpsError });
    t.is(error.code, code as typeof error.code);
    t.regex(error.message, pattern);
  };
  refused(ragged([[[1, A, 0.5]]]), 'ERR_LABEL', /detections\.labels .* got 1 at row 0/);
  refused(ragged([[], []]), 'ERR_SHAPE', /detections\.offsets must have 2 elements/);
  refused({ ...ragged([[[0, A]]]), offsets: Int32Array.of(0, 2) }, 'ERR_SHAPE', /must end at 1/);
  refused(ragged([[]]), 'ERR_RANGE', /iouThreshold/, { iouThreshold: 0 });
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
