// Data sets as Windows' programs write them: drives, shares and separators in paths, cases that differ from the files' names, CRLF,
// byte order marks, long paths.
import { join } from 'node:path';
import test from 'ava';
import { readImageHeader } from 'retinanet-ops/retinanet';
import { coco, DOG, folder, picture, readFiles, xml } from './folders.js';

const BOX: [string, ...typeof DOG][] = [['dog', ...DOG]];
const ROW = '0 0.375 0.5 0.5 0.666666667\r\n';
const IMAGES = ['Train/IMG_1.JPG', 'Train/img_2.jpg', 'Valid/img_1.jpg'];
const WRITTEN = [
  'C:\\Users\\me\\data\\train\\img_1.jpg',
  '\\\\server\\share\\Train\\IMG_2.JPG',
  'd:/data/VALID/Img_1.Jpg',
];
const TRAIN = { 'Train/IMG_1.JPG': BOX, 'Train/img_2.jpg': BOX };
const VALID = { 'Valid/img_1.jpg': BOX };

test('YOLO: lists of paths on drives and shares', async (t) => {
  const files = {
    'data.yaml': '\uFEFFpath: C:\\data\r\ntrain: .\\lists\\train.txt\r\nval: lists\\val.txt\r\nnames: [dog, cat]\r\n',
    'lists/train.txt': `\uFEFF${WRITTEN.slice(0, 2).join('\r\n')}\r\n`,
    'lists/val.txt': `${WRITTEN[2]!}\r\n`,
    ...Object.fromEntries(['Train/IMG_1.txt', 'Train/img_2.TXT', 'Valid/img_1.txt'].map((name) => [name, ROW])),
  };
  const { train, val } = await readFiles(t, files, IMAGES);
  t.deepEqual([train, val], [TRAIN, VALID]);
});

test('CSV: paths on drives and shares', async (t) => {
  const rows = ['filename,xmin,ymin,xmax,ymax,class', ...WRITTEN.map((path) => `${path},8,8,40,40,dog`)];
  const { train, val, warnings } = await readFiles(t, { 'all.csv': `\uFEFF${rows.join('\r\n')}\r\n` }, IMAGES);
  t.deepEqual([{ ...train, ...val }, warnings], [{ ...TRAIN, ...VALID }, {}]);
});

test('COCO: paths on drives and shares', async (t) => {
  const images = WRITTEN.map((file_name, id) => ({ id, file_name, width: 64, height: 48 }));
  const boxes = images.map(({ id }) => ({ id, image_id: id, category_id: 1, bbox: [8, 8, 32, 32], iscrowd: 0 }));
  const { train, val, warnings } = await readFiles(t, { 'all.json': `\uFEFF${coco(images, boxes)}\r\n` }, IMAGES);
  t.deepEqual([{ ...train, ...val }, warnings], [{ ...TRAIN, ...VALID }, {}]);
});

test('Pascal VOC: names of another case, with drives', async (t) => {
  const written = (path: string) => xml(path, [['dog', DOG]]).replaceAll('\n', '\r\n');
  const files = Object.fromEntries(
    IMAGES.map((image, i) => [image.replace(/\.jpg$/i, '.XML'), `\uFEFF${written(WRITTEN[i]!)}`]),
  );
  const { train, val, warnings } = await readFiles(t, files, IMAGES);
  t.deepEqual([{ ...train, ...val }, warnings], [{ ...TRAIN, ...VALID }, {}]);
});

test('a picture with a path of more than 260 letters', async (t) => {
  const deep = ['a', 'b', 'c'].map((letter) => letter.repeat(100));
  const file = join(...deep, 'picture.png');
  const root = await folder(t, { [file]: await picture() });
  t.like(await readImageHeader(join(root, file)), { width: 64, height: 48 });
});
