// The photos of blood cells that lie beside the project, whole.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { inspectDataset } from 'retinanet-ops/retinanet';
import { dataFolder } from '../support/coco.js';

const folder = join(dataFolder, 'bccd');
const bccd = existsSync(folder) ? test : test.skip;

bccd('364 photos, three splits, 4888 boxes of which two have no area', async (t) => {
  const { dataset, statistics, anchors, reached } = await inspectDataset(folder);
  t.is(dataset.format, 'voc');
  t.deepEqual(dataset.classes, ['Platelets', 'RBC', 'WBC']);
  const { train, val, test: held } = statistics.splits;
  t.deepEqual([train.images, val.images, held.images], [205, 87, 72]);
  const total = statistics.classes.map(({ name, boxes }) => [name, boxes.train + boxes.val + boxes.test]);
  t.deepEqual(Object.fromEntries(total), { Platelets: 361, RBC: 4153, WBC: 372 });
  const empty = dataset.warnings.find(({ kind }) => kind === 'box-empty');
  t.is(empty?.count, 2);
  t.deepEqual(empty?.examples.map(({ file, line }) => `${file.slice(-20)}:${line ?? 0}`).sort(), [
    'BloodImage_00338.xml:158',
    'BloodImage_00343.xml:50',
  ]);
  t.true(dataset.splits.train.images.every(({ width, height }) => width === 640 && height === 480));
  t.deepEqual([anchors.config.imageWidth, anchors.config.imageHeight], [640, 480]);
  t.is(anchors.boxes, train.boxes);
  t.is(reached.flatMap((fit) => fit.reached).filter((is) => !is).length, anchors.unreached);
  t.true(anchors.suggested.unreached < 0.01 * anchors.boxes, String(anchors.suggested.unreached));
});
