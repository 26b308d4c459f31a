import { createHash } from 'node:crypto';
import test from 'ava';
import { loadDigits, makeDigits } from '../../demo/datasets/digits.js';
import { drawScene } from '../../demo/datasets/scene.js';
import { Random } from '../../demo/random.js';

const digits = loadDigits();
const size = { width: 160, height: 128 };

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

test('train and test share no written digit, and both have all classes', (t) => {
  for (let label = 0; label < 10; label++) {
    const train = new Set(digits.train[label]!.map(({ instance }) => instance));
    const held = digits.test[label]!.map(({ instance }) => instance);
    t.true(train.size > 500 && held.length > 50);
    t.false(held.some((instance) => train.has(instance)));
  }
});

test('scenes follow from the seed alone', async (t) => {
  const make = (seed: number) => makeDigits(digits.train, { ...size, seed, split: 'train', scenes: 4 });
  const [first, again, other] = await Promise.all([make(1), make(1), make(2)]);
  t.is(digest(first.images), digest(again.images));
  t.deepEqual(first.boxes, again.boxes);
  t.deepEqual(first.labels, again.labels);
  t.not(digest(first.images), digest(other.images));
});

test('boxes lie inside the scene, have some size, and overlap little', async (t) => {
  const { boxes, labels, offsets, length } = await makeDigits(digits.test, {
    ...size,
    seed: 3,
    split: 'test',
    scenes: 40,
  });
  t.is(offsets[length], labels.length);
  t.is(boxes.length, 4 * labels.length);
  t.true(labels.length > 80);
  for (let i = 0; i < boxes.length; i += 4) {
    const [x1, y1, x2, y2] = boxes.subarray(i, i + 4) as unknown as [number, number, number, number];
    t.true(x1 >= 0 && y1 >= 0 && x2 <= size.width && y2 <= size.height);
    t.true(x2 - x1 >= 2 && y2 - y1 >= 8, `box ${x1}, ${y1}, ${x2}, ${y2}`);
  }
});

test('a scene tells which written digits it shows', (t) => {
  const out = new Uint8Array(size.width * size.height * 3);
  const scene = drawScene(new Random(5, 1, 0), digits.test, size.width, size.height, out);
  t.is(scene.instances.length, scene.labels.length);
  for (const [i, label] of scene.labels.entries()) {
    t.true(digits.test[label]!.some(({ instance }) => instance === scene.instances[i]));
  }
  t.true(new Set(out).size > 50, 'the background is cluttered');
});
