// Every oddity that lies beside the project: used, mended, left out or refused as its expected.json says.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { decodeImage, readDataset, type AnnotatedDataset, type AnnotatedImage } from 'retinanet-ops/retinanet';
import { dataFolder } from '../support/coco.js';

interface Expected {
  action: 'accept' | 'repair' | 'skip' | 'refuse';
  train?: {
    image: string;
    size: [number, number];
    boxes: [string, number, number, number, number][];
    ignore?: number[][];
  }[];
}

const folder = join(dataFolder, 'oddities');
const names = existsSync(folder)
  ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'expected.json')))
  : [];

/** Where something is accepted that is worth a word. */
const KINDS: Record<string, string[]> = {
  '03': ['boxes-turned'],
  '07': ['image-deep'],
  '09': ['image-damaged'],
  '19': ['box-swapped'],
  '21': ['box-clipped', 'box-outside'],
  '23': ['pixel-convention'],
  '27': ['annotation-without-image', 'image-without-annotation', 'listed-without-annotation'],
  '29': ['annotation-damaged'],
  '33': ['label-empty', 'label-missing'],
  '35': ['angle-lost'],
  '37': ['box-clipped', 'box-empty', 'box-not-shares'],
  '39': ['confidence-ignored'],
  '41': ['path-elsewhere'],
  '53': ['box-unreadable'],
};

const REFUSED: Record<string, RegExp> = {
  '13': /a\.xml could mean a\.jpg or a\.png/,
  '55': /image id 1 is used by ok1\.jpg and ok2\.jpg/,
  '59': /x, y, width, height for annotations\/instances_train\.json, .*2 of 2 boxes/,
  '67': /a class of classes\.csv \(dog, cat, bird\) for annotations\.csv:3, received class brid/,
};

const oddity = names.length > 0 ? test : test.skip;

for (const name of names) {
  const root = join(folder, name);
  const { action, train } = JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8')) as Expected;
  const number = name.slice(0, 2);
  if (!train) {
    test(`${name}: refused`, async (t) => {
      t.is(action, 'refuse');
      const message = REFUSED[number] ?? /^$/;
      await t.throwsAsync(() => readDataset(root), { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message });
    });
    continue;
  }
  test(`${name}: ${action}`, async (t) => {
    const dataset = await readDataset(root);
    const got = dataset.splits.train.images.map(({ file, width, height, boxes, ignore }) => ({
      image: file.normalize('NFC'),
      size: [width, height],
      boxes: boxes.map(({ class: label, box }) => [label, ...box.map((value) => Number(value.toFixed(3)))]),
      ignore,
    }));
    const wanted = train.map((entry) => ({
      ...entry,
      image: entry.image.normalize('NFC'),
      ignore: entry.ignore ?? [],
    }));
    const sorted = <T extends { image: string }>(list: T[]) => list.sort((a, b) => (a.image < b.image ? -1 : 1));
    t.deepEqual(sorted(got) as object[], sorted(wanted));
    t.deepEqual(dataset.warnings.map(({ kind }) => kind).sort(), KINDS[number] ?? []);
    for (const image of dataset.splits.train.images) await checkColours(dataset, image, t.is);
  });
}

oddity('all of them have been read', (t) => {
  t.is(names.length, 34);
});

/** Objects are filled rectangles: dogs red, cats blue, birds green; in gray pictures darker than the ground. */
async function checkColours(
  { root }: AnnotatedDataset,
  { file, width, height, boxes }: AnnotatedImage,
  is: (actual: unknown, expected: unknown, message: string) => unknown,
): Promise<void> {
  const { data, ...size } = await decodeImage(join(root, file));
  is(`${size.width}x${size.height}`, `${width}x${height}`, file);
  const at = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  for (const { class: label, box } of boxes) {
    const [x1, y1, x2, y2] = box.map(Math.round) as [number, number, number, number];
    if (boxes.some((other) => other.box !== box && overlap(other.box, box))) continue;
    for (const [x, y] of [
      [x1 + 4, (y1 + y2) >> 1],
      [x2 - 5, (y1 + y2) >> 1],
      [(x1 + x2) >> 1, y2 - 5],
    ] as const) {
      const [r = 0, g = 0, b = 0] = at(x, y);
      const isGray = Math.max(r, g, b) - Math.min(r, g, b) < 12;
      const [red, green, blue] = [r > 150 && g < 110, g > 120 && r < 110 && b < 110, b > 150 && r < 110];
      const seen = isGray ? (r < 130 ? label : 'ground') : red ? 'dog' : blue ? 'cat' : green ? 'bird' : 'ground';
      is(seen, label, `${file} [${box.join()}] at ${x},${y}: ${r},${g},${b}`);
    }
  }
}

const overlap = (a: readonly number[], b: readonly number[]) =>
  a[0]! < b[2]! && b[0]! < a[2]! && a[1]! < b[3]! && b[1]! < a[3]!;
