import test from 'ava';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import { validateDataset } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { loadVoc } from '../../demo/datasets/voc.js';

type Entry = [name: string, xmin: number | string, ymin: number, xmax: number, ymax: number];

const SIZE = { width: 32, height: 16 };

function xml(id: string, objects: Entry[]): string {
  const object = ([name, xmin, ymin, xmax, ymax]: Entry) =>
    `<object><name>${name}</name><difficult>0</difficult><bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin>` +
    `<xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`;
  return `<?xml version="1.0"?>\n<annotation><filename>${id}.jpg</filename>${objects.map(object).join('')}</annotation>`;
}

/** Writes a folder of four photographs of 64 x 48 in one colour each, then lets a test change it. */
async function folder(
  change?: (root: string) => Promise<unknown>,
): Promise<{ root: string; remove: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'retinanet-ops-voc-'));
  await mkdir(join(root, 'ImageSets', 'Main'), { recursive: true });
  await Promise.all(['Annotations', 'JPEGImages'].map((name) => mkdir(join(root, name))));
  const images: Record<string, Entry[]> = {
    a: [
      ['dog', 8, 12, 24, 36],
      ['cat', 0, 0, 64, 48],
    ],
    b: [],
    c: [['cat', 40, 10, 80, 40]], // reaches beyond the image
    d: [
      ['dog', 2, 3, 30, 33],
      ['dog', 10, 10, 10, 20], // has no area
    ],
  };
  for (const [i, [id, objects]] of Object.entries(images).entries()) {
    await writeFile(join(root, 'Annotations', `${id}.xml`), xml(id, objects));
    await sharp({ create: { width: 64, height: 48, channels: 3, background: { r: 50 * i, g: 100, b: 200 } } })
      .jpeg({ quality: 100 })
      .toFile(join(root, 'JPEGImages', `${id}.jpg`));
  }
  const lists = { train: 'a\nb\n', val: 'c  1\r\n', test: 'd' };
  for (const [name, text] of Object.entries(lists))
    await writeFile(join(root, 'ImageSets', 'Main', `${name}.txt`), text);
  await change?.(root);
  return { root, remove: () => rm(root, { recursive: true }) };
}

test('reads train + val and test, scales boxes and images, drops boxes without area', async (t) => {
  const { root, remove } = await folder();
  const seen: number[] = [];
  const {
    train,
    test: held,
    degenerate,
    testFiles,
  } = await loadVoc(root, { ...SIZE, onImage: (done) => seen.push(done) });
  await remove();
  for (const dataset of [train, held]) {
    t.notThrows(() => {
      validateDataset(dataset);
    });
  }
  t.deepEqual(train.names, ['a', 'b', 'c']);
  t.deepEqual(train.classNames, ['cat', 'dog'], 'sorted');
  t.deepEqual([...train.labels], [1, 0, 0]);
  t.deepEqual([...train.offsets], [0, 2, 2, 3], 'an image without objects stays');
  // Halved across; a third of the height; clipped at the right border.
  t.deepEqual([...train.boxes.slice(0, 8)], [4, 4, 12, 12, 0, 0, 32, 16]);
  t.deepEqual([...train.boxes.slice(8)].map(Math.fround), [20, 10 / 3, 32, 40 / 3].map(Math.fround));
  t.deepEqual([...held.labels], [1]);
  t.deepEqual(degenerate, ['dog [10, 10, 10, 20] in d']);
  t.deepEqual(testFiles, [join(root, 'JPEGImages', 'd.jpg')]);
  t.deepEqual(seen, [1, 2, 3, 4]);
  const red = train.images[2 * SIZE.width * SIZE.height * 3] ?? 0;
  t.true(Math.abs(red - 100) <= 4, 'the third image has its own colour');
});

test('finds the folder one level down', async (t) => {
  const { root, remove } = await folder(async (root) => {
    const parts = ['Annotations', 'ImageSets', 'JPEGImages'];
    await mkdir(join(root, 'VOC2007'));
    const { rename } = await import('node:fs/promises');
    for (const part of parts) await rename(join(root, part), join(root, 'VOC2007', part));
  });
  t.is((await loadVoc(root, SIZE)).train.length, 3);
  await remove();
});

const annotation = (text: string) => (root: string) => writeFile(join(root, 'Annotations', 'c.xml'), text);

const bad: [what: string, message: RegExp, change: (root: string) => Promise<unknown>][] = [
  [
    'a folder without annotations',
    /not a Pascal VOC folder: it has no Annotations$/,
    (r) => rm(join(r, 'Annotations'), { recursive: true }),
  ],
  ['a missing list', /list of images .*val\.txt cannot be read/, (r) => rm(join(r, 'ImageSets', 'Main', 'val.txt'))],
  ['an empty test list', /lists no test images/, (r) => writeFile(join(r, 'ImageSets', 'Main', 'test.txt'), '\n')],
  ['a missing annotation', /annotation .*c\.xml cannot be read/, (r) => rm(join(r, 'Annotations', 'c.xml'))],
  ['malformed XML', /c\.xml is not well-formed XML: .* \(line 1\)/, annotation('<annotation><object></annotation>')],
  ['XML of something else', /c\.xml has no <annotation>/, annotation('<html></html>')],
  ['an object without a name', /c\.xml, object 1 has no <name>/, annotation('<annotation><object/></annotation>')],
  [
    'a box that is not a number',
    /c\.xml, object 2 \(cat\): <xmin> must be a number, got "left"/,
    annotation(
      xml('c', [
        ['cat', 1, 1, 9, 9],
        ['cat', 'left', 1, 9, 9],
      ]),
    ),
  ],
  [
    'an object without a box',
    /object 1 \(cat\): <xmin> must be a number, got nothing/,
    annotation('<annotation><object><name>cat</name></object></annotation>'),
  ],
  ['a missing image', /image .*c\.jpg cannot be read/, (r) => rm(join(r, 'JPEGImages', 'c.jpg'))],
  [
    'a truncated image',
    /image .*c\.jpg cannot be read/,
    async (r) => {
      const path = join(r, 'JPEGImages', 'c.jpg');
      await writeFile(path, (await readFile(path)).subarray(0, -60));
    },
  ],
  [
    'a class that training never shows',
    /test image d shows the class cow, which no training image has \(cat, dog\)/,
    (r) => writeFile(join(r, 'Annotations', 'd.xml'), xml('d', [['cow', 1, 1, 9, 9]])),
  ],
];

for (const [what, message, change] of bad) {
  test(`refuses ${what}, naming it`, async (t) => {
    const { root, remove } = await folder(change);
    const error = await t.throwsAsync(loadVoc(root, SIZE), { instanceOf: RetinanetOpsError, message });
    t.is(error?.code, 'ERR_DATA');
    await remove();
  });
}

test('refuses a folder that is not there', async (t) => {
  const error = await t.throwsAsync(loadVoc(join(tmpdir(), 'retinanet-ops-nowhere'), SIZE), {
    instanceOf: RetinanetOpsError,
  });
  t.regex(error?.message ?? '', /folder .*retinanet-ops-nowhere cannot be read/);
});
