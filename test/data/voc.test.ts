import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CAT, DOG, folder, read, readFiles, refused, xml } from './folders.js';

const dog = (name: string) => xml(name, [['dog', DOG]]);
const BOX: [string, ...typeof DOG][] = [['dog', ...DOG]];

test('VOCdevkit above, the lists of single classes with their flags, difficult objects', async (t) => {
  const root = 'VOCdevkit/VOC2007';
  const files = {
    [`${root}/Annotations/000001.xml`]: xml('000001.jpg', [['dog', DOG]], '<difficult>1</difficult>'),
    [`${root}/Annotations/000002.xml`]: xml('000002.jpg', [['cat', CAT]]),
    [`${root}/Annotations/000003.xml`]: dog('000003.jpg'),
    [`${root}/ImageSets/Main/dog_train.txt`]: '000001  1\n000002 -1\n',
    [`${root}/ImageSets/Main/cat_train.txt`]: '000001 -1\n000002  0\n',
    [`${root}/ImageSets/Main/dog_val.txt`]: '000003  1\n',
    [`${root}/ImageSets/Segmentation/train.txt`]: '000003\n',
  };
  const images = ['000001', '000002', '000003'].map((id) => `${root}/JPEGImages/${id}.jpg`);
  const { train, val, dataset, warnings } = await readFiles(t, files, images);
  t.deepEqual(train, { [images[0]!]: [['dog', ...DOG]], [images[1]!]: [['cat', ...CAT]] });
  t.deepEqual(val, { [images[2]!]: BOX });
  t.is(dataset.splits.train.images[0]!.boxes[0]!.difficult, true);
  t.is(dataset.splits.train.images[1]!.boxes[0]!.difficult, undefined);
  t.deepEqual(warnings, {});
});

test('trainval alone is train; beside train it is nothing', async (t) => {
  const annotations = { 'Annotations/a.xml': dog('a.png'), 'Annotations/b.xml': dog('b.png') };
  const images = ['JPEGImages/a.png', 'JPEGImages/b.png'];
  const alone = { ...annotations, 'ImageSets/Main/trainval.txt': 'a\nb\n', 'ImageSets/Main/test.txt': 'b\n' };
  const first = await readFiles(t, alone, images);
  t.deepEqual([Object.keys(first.train), Object.keys(first.test)], [[images[0]], [images[1]]]);
  const beside = { ...annotations, 'ImageSets/Main/trainval.txt': 'a\nb\n', 'ImageSets/Main/train.txt': 'a\n' };
  const second = await readFiles(t, { ...beside, 'ImageSets/Main/val.txt': 'b.png\n' }, images);
  t.deepEqual([Object.keys(second.train), Object.keys(second.val)], [[images[0]], [images[1]]]);
});

test('annots/ and images/, hidden files, capitals, folders of splits, names that differ in case and accents', async (t) => {
  const files = {
    'data/annots/train/A.xml': dog('A.JPG'),
    'data/annots/train/._A.xml': 'Mac OS X',
    'data/annots/val/cafe\u0301.xml': dog('caf\u00e9.png'),
    '__MACOSX/data/annots/train/A.xml': dog('A.JPG'),
    'data/images/.DS_Store': 'x',
    'README.roboflow.txt': 'hello',
  };
  const images = ['data/images/train/a.JPG', 'data/images/val/caf\u00e9.png', 'data/images/train/._a.JPG'];
  const { train, val, warnings } = await readFiles(t, files, images);
  t.deepEqual(train, { 'data/images/train/a.JPG': BOX });
  t.deepEqual(
    Object.keys(val).map((file) => file.normalize('NFC')),
    ['data/images/val/caf\u00e9.png'],
  );
  t.deepEqual(warnings, {});
});

test('images of one name in two folders each have their own annotation', async (t) => {
  const files = {
    'Annotations/x/1.xml': dog('1.png'),
    'Annotations/y/1.xml': xml('1.png', [['cat', CAT]]),
  };
  const { dataset } = await readFiles(t, files, ['JPEGImages/x/1.png', 'JPEGImages/y/1.png']);
  const images = [...dataset.splits.train.images, ...dataset.splits.val.images];
  const found = images.map(({ file, boxes }) => `${file} ${boxes[0]!.class}`).sort();
  t.deepEqual(found, ['JPEGImages/x/1.png dog', 'JPEGImages/y/1.png cat']);
});

test('links that lead in a circle, and names of images that look like splits', async (t) => {
  const files = { 'train_1.xml': dog('train_1.png'), 'test_1.xml': dog('test_1.png') };
  const root = await folder(t, files, ['train_1.png', 'test_1.png']);
  await symlink('.', join(root, 'self'));
  await symlink('..', join(root, 'up'));
  const { train, test: held } = await read(root, { val: 0 });
  t.deepEqual([Object.keys(train).sort(), held], [['test_1.png', 'train_1.png'], {}]);
});

test('a <filename> that picks one of two, or is all there is to go by', async (t) => {
  const files = { 'a.xml': dog('a.jpg'), 'label_7.xml': dog('photos/seven.png') };
  const { dataset } = await readFiles(t, files, ['a.jpg', 'a.png', 'seven.png']);
  const images = [...dataset.splits.train.images, ...dataset.splits.val.images];
  t.deepEqual(images.map(({ file }) => file).sort(), ['a.jpg', 'seven.png']);
});

test('what is no box is left out with its line, the others stay', async (t) => {
  const objects: [string, readonly unknown[]][] = [
    ['dog', DOG],
    ['dog', ['NaN', 8, 40, 40]],
    ['dog', ['', 8, 40, 40]],
    ['dog', ['Infinity', 8, 40, 40]],
    ['', DOG],
    ['dog', [10, 10, 10, 30]],
    ['dog', [64, 10, 70, 30]],
    ['dog', DOG],
    ['cat', ['20.0', 12, '5.6e1', 44]],
    ['cat', [30, 40, 20, 12]],
    ['cat', [-5, -5, 0.2, 30]],
  ];
  const files = { 'a.xml': xml('a.png', objects), 'b.xml': dog('b.png'), 'train.txt': 'a\n', 'val.txt': 'b\n' };
  const { train, warnings, dataset } = await readFiles(t, files, ['a.png', 'b.png']);
  t.deepEqual(train['a.png'], [
    ['dog', ...DOG],
    ['cat', ...CAT],
    ['cat', 20, 12, 30, 40],
  ]);
  const expected = { 'box-unreadable': 4, 'box-empty': 2, 'box-outside': 1, 'box-repeated': 1, 'box-swapped': 1 };
  t.deepEqual(warnings, expected);
  const { examples } = dataset.warnings.find(({ kind }) => kind === 'box-unreadable')!;
  t.deepEqual(examples[0], { file: 'a.xml', line: 8, message: "object 2: <xmin> must be a number, received 'NaN'" });
});

test('oriented boxes and outlines become their bounds; blanks in names; UTF-16, a byte order mark, CRLF', async (t) => {
  const turned = `<annotation><filename>r.png</filename><object><name> big  dog </name><robndbox><cx>32</cx><cy>24</cy><w>20</w><h>10</h><angle>1.5707963</angle></robndbox></object></annotation>`;
  const outline = `\ufeff<annotation>\r\n<object><name>cat</name><polygon><x1>8</x1><y1>8</y1><x2>40</x2><y2>10</y2><x3>20</x3><y3>40</y3></polygon></object></annotation>\r\n`;
  const wide = Buffer.from(`\ufeff${dog('w.png')}`, 'utf16le');
  const root = await folder(t, { 'r.xml': turned, 'o.xml': outline, 'w.xml': wide }, ['r.png', 'o.png', 'w.png']);
  const { train, classes } = await read(root, { val: 0 });
  t.deepEqual(train, { 'o.png': [['cat', ...DOG]], 'r.png': [['big dog', 27, 14, 37, 34]], 'w.png': BOX });
  t.deepEqual(classes, ['big dog', 'cat', 'dog']);
});

test('an image that has been shrunk since; a size that is nonsense', async (t) => {
  const stated = (size: string, edges: string) =>
    `<annotation><size>${size}</size><object><name>dog</name><bndbox>${edges}</bndbox></object></annotation>`;
  const edges = '<xmin>16</xmin><ymin>16</ymin><xmax>80</xmax><ymax>80</ymax>';
  const files = {
    'half.xml': stated('<width>128</width><height>96</height>', edges),
    'other.xml': stated('<width>300</width><height>100</height>', edges.replaceAll('80', '40')),
    'zero.xml': stated('<width>0</width><height>0</height>', edges.replaceAll('80', '40')),
  };
  const root = await folder(t, files, ['half.png', 'other.png', 'zero.png']);
  const { train, warnings } = await read(root, { val: 0 });
  t.deepEqual(train['half.png'], BOX);
  t.deepEqual([train['other.png'], train['zero.png']], [[['dog', 16, 16, 40, 40]], [['dog', 16, 16, 40, 40]]]);
  t.deepEqual(warnings, { 'boxes-scaled': 1, 'size-differs': 1 });
});

test('a class that only the test split shows is told', async (t) => {
  const files = { 'train/a.xml': dog('a.png'), 'test/b.xml': xml('b.png', [['cat', CAT]]) };
  const { classes, warnings } = await readFiles(t, files, ['train/a.png', 'test/b.png']);
  t.deepEqual(classes, ['cat', 'dog']);
  t.deepEqual(warnings, { 'class-not-trained': 1 });
});

test('nothing that could be used is refused, with why', async (t) => {
  await refused(t, /annotations for .*, received no file at all/, {});
  const damaged = { 'a.xml': '', 'b.xml': '<annotation></annotation>' };
  await refused(t, /images with annotations .*such as a\.xml:1: an empty file/, damaged, ['a.png']);
  await refused(t, /at least one box/, { 'a.xml': xml('a.png', []) }, ['a.png']);
  await refused(t, /at least one box within its image/, { 'a.xml': xml('a.png', [['dog', [90, 90, 99, 99]]]) }, [
    'a.png',
  ]);
  await refused(t, /coordinates in pixels for a\.xml:4/, { 'a.xml': xml('a.png', [['dog', [0.1, 0.1, 0.5, 0.5]]]) }, [
    'a.png',
  ]);
  await refused(t, /images that decode/, { 'a.xml': dog('a.jpg'), 'a.jpg': '<html>404</html>' });
});

test('XML in other encodings, declared or not', async (t) => {
  const bear = (encoding: BufferEncoding, head: string) =>
    Buffer.from(head + xml('a.png', [['B\u00e4r', DOG]]), encoding);
  for (const bytes of [
    bear('latin1', '<?xml version="1.0" encoding="ISO-8859-1"?>'),
    bear('latin1', ''),
    bear('latin1', '<?xml version="1.0" encoding="UTF-8"?>'),
    bear('utf8', '\ufeff<?xml version="1.0" encoding="utf-8"?>'),
    bear('utf8', '<?xml version="1.0" encoding="no-such-one"?>'),
    bear('utf16le', '\ufeff<?xml version="1.0" encoding="utf-16"?>'),
    bear('utf16le', '\ufeff').swap16(), // big-endian
  ]) {
    const { train } = await readFiles(t, { 'a.xml': bytes }, ['a.png']);
    t.deepEqual(train, { 'a.png': [['B\u00e4r', ...DOG]] }, bytes.toString('latin1', 0, 50));
  }
  const dogs = Buffer.concat([Buffer.from('<?xml version="1.0" encoding="GBK"?>'), Buffer.from(dog('a.png'))]);
  const chinese = Buffer.from(dogs.toString('latin1').replace('dog', '\xb9\xb7'), 'latin1');
  t.deepEqual((await readFiles(t, { 'a.xml': chinese }, ['a.png'])).train, { 'a.png': [['\u72d7', ...DOG]] });
});

test('oriented boxes and outlines become their bounds, with a warning', async (t) => {
  const object = (shape: string) => `<object><name>dog</name>${shape}</object>`;
  const turned = '<robndbox><cx>24</cx><cy>24</cy><w>32</w><h>32</h><angle>0</angle></robndbox>';
  const points = [
    [8, 8],
    [40, 20],
    [9, 40],
  ] as const;
  const labelme = points.map(([x, y]) => `<pt><x>${x}</x><y>${y}</y></pt>`).join('');
  const roboflow = points.map(([x, y], i) => `<x${i + 1}>${x}</x${i + 1}><y${i + 1}>${y}</y${i + 1}>`).join('');
  for (const [shape, kind] of [
    [turned, 'angle-lost'],
    [`<polygon>${labelme}</polygon>`, 'outline-lost'],
    [`<polygon>${roboflow}</polygon>`, 'outline-lost'],
  ] as const) {
    const text = `<annotation><filename>a.png</filename>${object(shape)}</annotation>`;
    const { train, warnings } = await readFiles(t, { 'a.xml': text }, ['a.png']);
    t.deepEqual([train, warnings], [{ 'a.png': BOX }, { [kind]: 1 }]);
  }
  const text = `<annotation>${object('<polygon></polygon>')}${object(turned)}</annotation>`;
  t.deepEqual((await readFiles(t, { 'a.xml': text }, ['a.png'])).warnings, { 'box-unreadable': 1, 'angle-lost': 1 });
});

test('files that were renamed keep the names they had: another image of that name keeps its own annotation', async (t) => {
  const files = {
    'Annotations/1.xml': xml('17.png', [['dog', DOG]]),
    'Annotations/2.xml': xml('1.png', [['cat', DOG]]),
  };
  const { train, warnings } = await readFiles(t, files, ['JPEGImages/1.png']);
  t.deepEqual(train, { 'JPEGImages/1.png': [['dog', ...DOG]] });
  t.deepEqual(warnings, { 'annotation-without-image': 1 });
});
