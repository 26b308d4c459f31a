import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeImage, readDataset } from 'retinanet-ops/retinanet';
import { loadDigits, sceneOf, writeDigits, type SceneOptions } from '../../demo/digits.js';
import { drawScene, INK, inkAt, inkBox, overlap, roughBox, type Placement } from '../../demo/scene.js';
import { Random } from '../../demo/random.js';

const digits = loadDigits();
const size = { width: 160, height: 128 };
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function draw(change: Partial<SceneOptions> = {}) {
  const options: SceneOptions = { seed: 5, split: 'train', index: 3, ...size, ...change };
  const pixels = new Uint8Array(size.width * size.height * 3);
  return { pixels, ...sceneOf(digits[options.split === 'test' ? 'test' : 'train'], options, pixels) };
}

test('a scene follows from seed, split and index, to the bit', (t) => {
  const first = draw();
  t.deepEqual(draw(), first);
  for (const change of [{ seed: 6 }, { split: 'test' }, { index: 4 }] as const) {
    t.not(hash(draw(change).pixels), hash(first.pixels), JSON.stringify(change));
  }
});

test('what is in the scenes stays as it is from version to version', (t) => {
  const scenes = Array.from({ length: 8 }, (_, index) => draw({ index }));
  const boxes = Float32Array.from(scenes.flatMap((scene) => scene.boxes.flat()));
  const labels = scenes.flatMap((scene) => scene.labels);
  const written = hash(new TextEncoder().encode(JSON.stringify([[...boxes], labels])));
  t.is(written.slice(0, 16), '269c41b23d880fce');
});

test('the folder that is written is a data set of these scenes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'retinanet-ops-digits-'));
  const done: number[] = [];
  const onScene = (count: number) => done.push(count);
  await writeDigits(folder, { seed: 5, scenes: { train: 11, valid: 2, test: 4 }, ...size, onScene });
  t.deepEqual(done, [8, 11, 13, 17]);
  const { classes, splits, warnings } = await readDataset(folder);
  t.deepEqual(warnings, []);
  t.deepEqual(
    classes,
    Array.from({ length: classes.length }, (_, k) => String(k)),
  );
  t.deepEqual([splits.train.images.length, splits.val.images.length, splits.test.images.length], [11, 2, 4]);
  for (const split of ['train', 'test'] as const) {
    for (const [index, image] of splits[split].images.entries()) {
      const scene = draw({ split, index });
      t.deepEqual(
        image.boxes.map(({ class: name, box }) => [name, ...box]),
        scene.boxes.map((box, i) => [String(scene.labels[i]), ...box]),
      );
      const { data } = await decodeImage(join(folder, image.file));
      t.is(hash(data), hash(scene.pixels), image.file);
    }
  }
  t.regex(await readFile(join(folder, 'test', '_annotations.csv'), 'utf8'), /^filename,width,height,class,xmin/);
  await rm(folder, { recursive: true });
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

test('scenes hold boxes inside, of several sizes, hardly overlapping', (t) => {
  const sides: number[] = [];
  const seen = new Set<number>();
  for (let index = 0; index < 40; index++) {
    const { boxes, labels } = draw({ split: 'test', index });
    t.true(boxes.length >= 2, `scene ${index} has ${boxes.length} digits`);
    for (const [i, box] of boxes.entries()) {
      t.true(box[0] >= 0 && box[1] >= 0 && box[2] <= size.width && box[3] <= size.height);
      t.true(boxes.slice(0, i).every((other) => overlap(box, other) <= 0.08));
      sides.push(box[3] - box[1]);
    }
    for (const label of labels) seen.add(label);
  }
  t.true(Math.max(...sides) > 2.5 * Math.min(...sides));
  t.is(seen.size, 10);
});

test('a crowd of its own decides how many digits a scene has, and how large they are', (t) => {
  const counts = new Set<number>();
  for (let index = 0; index < 40; index++) {
    const { boxes } = draw({ index, crowd: { count: [0, 2], heights: [12, 16] } });
    counts.add(boxes.length);
    // Ink may be a fifth higher or lower than it usually is.
    for (const [, y1, , y2] of boxes) t.true(y2 - y1 >= 8 && y2 - y1 <= 21, `${y2 - y1} pixels high`);
  }
  t.deepEqual([...counts].sort(), [0, 1, 2]);
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
