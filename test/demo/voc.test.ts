import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { loadVoc } from '../../demo/datasets/voc.js';

const size = { width: 64, height: 48 };

function xml(file: string, objects: [string, number, number, number, number][]): string {
  const parts = objects.map(
    ([name, x1, y1, x2, y2]) =>
      `<object><name>${name}</name><bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox></object>`,
  );
  return `<annotation><filename>${file}.jpg</filename><size><width>128</width><height>96</height><depth>3</depth></size>${parts.join('')}</annotation>`;
}

/** A folder of three images: a and b to learn from, c to be tested on. */
async function writeVoc(t: ExecutionContext): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'voc-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  for (const folder of ['Annotations', 'JPEGImages', 'ImageSets/Main'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['a', 'b', 'c']) {
    const image = sharp({ create: { width: 128, height: 96, channels: 3, background: '#a0522d' } });
    writeFileSync(join(root, 'JPEGImages', `${name}.jpg`), await image.jpeg().toBuffer());
  }
  writeFileSync(join(root, 'ImageSets/Main/train.txt'), 'a\n');
  writeFileSync(join(root, 'ImageSets/Main/val.txt'), 'b\n');
  writeFileSync(join(root, 'ImageSets/Main/test.txt'), 'c\n');
  writeFileSync(join(root, 'Annotations/a.xml'), xml('a', [['cat', 20, 20, 60, 60], ['dog', 5, 5, 5, 50]])); // prettier-ignore
  writeFileSync(join(root, 'Annotations/b.xml'), xml('b', [['dog', 10, 30, 90, 80]]));
  writeFileSync(join(root, 'Annotations/c.xml'), xml('c', [['cat', 40, 10, 80, 90]]));
  return root;
}

test('reads, resizes and scales; a box without area is left out and counted', async (t) => {
  const { train, test: held, degenerate } = await loadVoc(await writeVoc(t), size);
  t.deepEqual(train.classNames, ['cat', 'dog']);
  t.is(train.length, 2);
  t.is(held.length, 1);
  t.deepEqual([...train.labels], [0, 1]);
  t.deepEqual([...train.offsets], [0, 1, 2]);
  t.is(degenerate.length, 1);
  t.regex(degenerate[0]!, /a/);
  t.is(train.images.length, 2 * 64 * 48 * 3);
  // Half the size: the box spans about half as many pixels.
  const [x1, y1, x2, y2] = held.boxes as unknown as [number, number, number, number];
  t.true(Math.abs(x1 - 20) <= 1 && Math.abs(y1 - 5) <= 1 && Math.abs(x2 - 40) <= 1 && Math.abs(y2 - 45) <= 1);
});

const faults: [string, (root: string) => void, RegExp][] = [
  ['broken XML', (root) => { writeFileSync(join(root, 'Annotations/b.xml'), '<annotation><object></annotation>'); }, /b\.xml/],
  ['a missing annotation', (root) => { rmSync(join(root, 'Annotations/a.xml')); }, /a\.xml/],
  ['a missing image', (root) => { rmSync(join(root, 'JPEGImages/c.jpg')); }, /c\.jpg/],
  ['an image that is none', (root) => { writeFileSync(join(root, 'JPEGImages/b.jpg'), 'no image'); }, /b\.jpg/],
  ['an unknown class', (root) => { writeFileSync(join(root, 'Annotations/c.xml'), xml('c', [['bird', 1, 1, 9, 9]])); }, /bird/],
  ['no lists', (root) => { rmSync(join(root, 'ImageSets'), { recursive: true }); }, /ImageSets/],
]; // prettier-ignore

for (const [name, spoil, message] of faults) {
  test(`${name} is named in the error`, async (t) => {
    const root = await writeVoc(t);
    spoil(root);
    await t.throwsAsync(loadVoc(root, size), { code: 'ERR_DATA', message });
  });
}

test('a folder that is not there', async (t) => {
  await t.throwsAsync(loadVoc('/nowhere/at/all', size), { code: 'ERR_DATA', message: /nowhere/ });
});
