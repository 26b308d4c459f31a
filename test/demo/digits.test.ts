import test from 'ava';
import { createHash } from 'node:crypto';
import { validateDataset } from 'retinanet-ops/retinanet';
import { loadDigits, makeDigits, type DigitsOptions } from '../../demo/datasets/digits.js';
import {
  drawScene,
  INK,
  inkAt,
  inkBox,
  overlap,
  roughBox,
  type Box,
  type Placement,
} from '../../demo/datasets/scene.js';
import { Random } from '../../demo/random.js';

const digits = loadDigits();
const options: DigitsOptions = { seed: 5, split: 'train', scenes: 8, width: 160, height: 128 };
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const scenes = makeDigits(digits.train, options);

test('the seed gives the scenes, to the bit', async (t) => {
  const first = await scenes;
  const second = await makeDigits(digits.train, options);
  t.is(hash(second.images), hash(first.images));
  t.deepEqual([second.boxes, second.labels, second.offsets], [first.boxes, first.labels, first.offsets]);

  const other = await makeDigits(digits.train, { ...options, seed: 6 });
  t.not(hash(other.images), hash(first.images));
});

test('a scene depends on the seed and its number, not on how many there are', async (t) => {
  const all = await scenes;
  const fewer = await makeDigits(digits.train, { ...options, scenes: 3 });
  t.is(hash(fewer.images), hash(all.images.slice(0, fewer.images.length)));
  t.deepEqual(fewer.boxes, all.boxes.slice(0, fewer.boxes.length));
});

test('what is in the scenes stays as it is from version to version', async (t) => {
  const { boxes, labels } = await scenes;
  const written = hash(new TextEncoder().encode(JSON.stringify([[...boxes], [...labels]])));
  t.is(written.slice(0, 16), '269c41b23d880fce');
});

test('no written digit is in both splits', (t) => {
  const inks = (split: 'train' | 'test') =>
    new Set(digits[split].flat().map(({ ink }) => hash(new Uint8Array(ink.slice().buffer))));
  const test = inks('test');
  t.deepEqual(
    [...inks('train')].filter((ink) => test.has(ink)),
    [],
  );
  t.is(digits.train.length, 10);
  for (const [label, instances] of digits.train.entries()) {
    t.true(instances.length > 600, `class ${label} has ${instances.length} training instances`);
    t.true((digits.test[label]?.length ?? 0) > 150);
    t.true(instances.every((digit) => digit.label === label));
  }
});

test('the data set is well formed: boxes inside, of several sizes, hardly overlapping', async (t) => {
  const dataset = await makeDigits(digits.test, { ...options, split: 'test', scenes: 40 });
  t.notThrows(() => {
    validateDataset(dataset);
  });
  t.true(dataset.images.buffer instanceof SharedArrayBuffer);
  const sides: number[] = [];
  for (let image = 0; image < dataset.length; image++) {
    const boxes: Box[] = [];
    for (let row = dataset.offsets[image] ?? 0; row < (dataset.offsets[image + 1] ?? 0); row++) {
      boxes.push([...dataset.boxes.subarray(row * 4, row * 4 + 4)] as Box);
    }
    t.true(boxes.length >= 2, `scene ${image} has ${boxes.length} digits`);
    for (const [i, box] of boxes.entries()) {
      t.true(box[0] >= 0 && box[1] >= 0 && box[2] <= options.width && box[3] <= options.height);
      t.true(boxes.slice(0, i).every((other) => overlap(box, other) <= 0.08));
      sides.push(box[3] - box[1]);
    }
  }
  t.true(Math.max(...sides) > 2.5 * Math.min(...sides));
  t.is(new Set(dataset.labels).size, 10);
});

test('a scene tells which written digits it shows', (t) => {
  const { labels, instances, boxes } = drawScene(new Random(4), digits.test, 160, 128, new Uint8Array(160 * 128 * 3));
  t.deepEqual([instances.length, labels.length], [boxes.length, boxes.length]);
  for (const [i, label] of labels.entries()) {
    t.true(digits.test[label]?.some(({ instance }) => instance === instances[i]));
    t.false(digits.train[label]?.some(({ instance }) => instance === instances[i]));
  }
});

test('a box is tight: it holds all ink, and every side touches some', (t) => {
  const random = new Random(3);
  for (let i = 0; i < 40; i++) {
    const { ink } = random.pick(random.pick(digits.train));
    const placement: Placement = {
      x: random.uniform(70, 90),
      y: random.uniform(70, 90),
      scale: random.uniform(0.9, 4),
      angle: random.uniform(-0.3, 0.3),
      shear: random.uniform(-0.12, 0.12),
    };
    const coverage = inkAt(ink, placement);
    const [x1, y1, x2, y2] = inkBox(coverage, roughBox(ink, placement));
    const touched = { left: false, top: false, right: false, bottom: false };
    for (let y = 0; y < 160; y++) {
      for (let x = 0; x < 160; x++) {
        if (coverage(x + 0.5, y + 0.5) < INK) continue;
        if (x < x1 || x >= x2 || y < y1 || y >= y2)
          t.fail(`ink at ${x}, ${y} outside of ${[x1, y1, x2, y2].join(', ')}`);
        touched.left ||= x === x1;
        touched.top ||= y === y1;
        touched.right ||= x + 1 === x2;
        touched.bottom ||= y + 1 === y2;
      }
    }
    t.deepEqual(touched, { left: true, top: true, right: true, bottom: true });
  }
});
