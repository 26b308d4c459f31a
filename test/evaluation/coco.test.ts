import test, { type ExecutionContext } from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cocoResults,
  cocoTruth,
  evaluateCoco,
  evaluateDetections,
  type CocoBox,
  type CocoNumbers,
  type CocoResult,
  type CocoTruth,
} from 'retinanet-ops/retinanet';
import { cocoNumbers } from '../reference/coco-numbers.js';
import { dataFolder } from '../support/coco.js';
import { goldenCases } from '../support/goldens.js';
import { randomSet } from './sets.js';

const KEYS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl'] as const;

function near(t: ExecutionContext, received: CocoNumbers, expected: CocoNumbers, tolerance: number, of: string): void {
  for (const key of KEYS) {
    const difference = Math.abs(received[key] - expected[key]);
    t.true(difference <= tolerance, `${of}: ${key} is ${String(received[key])}, not ${String(expected[key])}`);
  }
}

interface Golden {
  truth: CocoTruth;
  results: CocoResult[];
  numbers: CocoNumbers & { classes: ({ id: number } & CocoNumbers)[] };
}

test('random sets have the numbers of the official COCO tool, over all classes and of each', (t) => {
  let [unknown, known] = [0, 0];
  for (const [i, { truth, results, numbers }] of goldenCases<Golden>('coco-numbers.json').entries()) {
    const evaluation = evaluateCoco(results, truth);
    near(t, evaluation, numbers, 1e-12, `set ${String(i)}`);
    t.deepEqual(evaluation.classes.map(({ id }) => id), numbers.classes.map(({ id }) => id)); // prettier-ignore
    for (const [k, expected] of numbers.classes.entries()) {
      near(t, evaluation.classes[k]!, expected, 1e-12, `set ${String(i)}, class ${String(expected.id)}`);
      for (const key of KEYS) {
        if (expected[key] < 0) unknown++;
        else known++;
      }
    }
  }
  t.true(unknown > 100 && known > 500);
});

test('random sets have the numbers that follow from the rules one by one', (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const { truth, results } = randomSet(seed);
    const evaluation = evaluateCoco(results, truth);
    near(t, evaluation, cocoNumbers(truth, results), 1e-12, `seed ${String(seed)}`);
    const { id, ...numbers } = evaluation.classes[seed % evaluation.classes.length]!;
    near(t, numbers, cocoNumbers(truth, results, id), 1e-12, `seed ${String(seed)}, class ${String(id)}`);
  }
});

const folder = join(dataFolder, 'coco_eval_oracle');
const withData = existsSync(folder) ? test : test.skip;

withData('100 COCO images have the twelve numbers of the official tool', (t) => {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;
  const truth = read('sampled_gts_bbox_area.json') as CocoTruth;
  const evaluation = evaluateCoco(read('cocoapi_results.json') as CocoResult[], truth);
  t.deepEqual(
    KEYS.map((key) => evaluation[key].toFixed(6)),
    ['0.503647', '0.696973', '0.571667', '0.593252', '0.557991', '0.489363']
      .concat(['0.386813', '0.593680', '0.595353', '0.654764', '0.603130', '0.553744']), // prettier-ignore
  );
  t.is(evaluation.classes.length, truth.categories.length);
});

const BOX: CocoBox = [0, 0, 10, 10];
const object = { image_id: 1, category_id: 1, bbox: BOX };
const truthOf = (...annotations: CocoTruth['annotations']): CocoTruth => ({
  images: [{ id: 1 }, { id: 2 }],
  categories: [{ id: 1, name: 'cat' }, { id: 2 }],
  annotations,
});

test('where there is no object that counts the numbers are -1, as in the tool', (t) => {
  const nothing = evaluateCoco([{ ...object, score: 1 }], truthOf({ ...object, iscrowd: 1 }));
  t.deepEqual(KEYS.map((key) => nothing[key]), KEYS.map(() => -1)); // prettier-ignore
  const { APs, APm, classes } = evaluateCoco([], truthOf(object));
  t.deepEqual([APs, APm, classes[0]!.APs, classes[1]!.AP], [0, -1, 0, -1]);
  t.deepEqual(classes.map(({ name, numGroundTruth }) => [name, numGroundTruth]), [['cat', 1], ['2', 0]]); // prettier-ignore
  t.deepEqual(classes.map(({ precision }) => precision.length), [1010, 0]); // prettier-ignore
});

test('a match with an annotation whose id is 0 is one', (t) => {
  t.is(evaluateCoco([{ ...object, score: 1 }], truthOf({ ...object, id: 0 })).AP, 1);
});

test('equal scores rank by the id of their image, numbers by size', (t) => {
  const images = [{ id: 10 }, { id: 9 }];
  const truth = { ...truthOf({ ...object, image_id: 9 }), images };
  const results = [10, 9].map((id) => ({ ...object, image_id: id, score: 0.5 }));
  t.is(evaluateCoco(results, truth).AP50, 1);
  t.is(evaluateCoco(results, { ...truthOf({ ...object, image_id: 10 }), images }).AP50, 0.5);
});

test('any number of detections in a crowd count as nothing, by the share of their own area', (t) => {
  const crowd = { ...object, bbox: [100, 100, 80, 80] as CocoBox, iscrowd: true };
  const inside = (x: number): CocoResult => ({ ...object, bbox: [x, 120, 10, 10], score: 0.9 });
  const right = { ...object, score: 0.5 };
  t.is(evaluateCoco([inside(110), inside(140), right], truthOf(object, crowd)).AP, 1);
  t.is(evaluateCoco([inside(110), inside(96), right], truthOf(object, crowd)).AP50, 1);
  t.is(evaluateCoco([inside(110), inside(94), right], truthOf(object, crowd)).AP50, 0.5);
});

test('annotated data sets and detections of this package go in', (t) => {
  const truth = cocoTruth(
    ['cat', 'dog'],
    [
      { file: 'a.jpg', width: 99, height: 99, ignore: [[50, 50, 90, 90]], boxes: [{ class: 'dog', box: [0, 0, 10, 20] }] },
      { file: 'b.jpg', width: 99, height: 99, ignore: [], boxes: [{ class: 'cat', box: [1, 2, 4, 8], difficult: true }] },
    ],
  ); // prettier-ignore
  t.deepEqual(truth.images[1], { id: 2, file_name: 'b.jpg', width: 99, height: 99 });
  t.deepEqual(truth.annotations.map(({ image_id, category_id, bbox, iscrowd }) => [image_id, category_id, bbox, iscrowd]), [
    [1, 2, [0, 0, 10, 20], 0],
    [1, 1, [50, 50, 40, 40], 1],
    [1, 2, [50, 50, 40, 40], 1],
    [2, 1, [1, 2, 3, 6], 1],
  ]); // prettier-ignore
  const detections = {
    boxes: Float32Array.of(0, 0, 10, 20, /**/ 60, 60, 70, 70, /**/ 1, 2, 4, 8),
    scores: Float32Array.of(0.5, 0.75, 0.875),
    labels: Int32Array.of(1, 1, 0),
    offsets: Int32Array.of(0, 2, 3),
  };
  const results = cocoResults(detections);
  t.deepEqual(results[1], { image_id: 1, category_id: 2, bbox: [60, 60, 10, 10], score: 0.75 });
  t.is(evaluateCoco(results, truth).AP, 1);
  const named = cocoResults(detections, { imageIds: ['a', 'b'], categoryIds: [7, 3] });
  t.deepEqual(named.map(({ image_id, category_id }) => [image_id, category_id]), [['a', 3], ['a', 3], ['b', 7]]); // prettier-ignore
  t.is(evaluateDetections(detections, { ...detections, classNames: ['cat', 'dog'] }).meanAp, 1);
});
