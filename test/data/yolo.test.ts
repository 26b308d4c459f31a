import test from 'ava';
import { CAT, DOG, folder, read, readFiles, refused } from './folders.js';

const ROW = '0 0.375 0.5 0.5 0.666666667\n';
const OTHER = '1 0.59375 0.583333333 0.5625 0.666666667\n';
const BOX: [string, ...typeof DOG][] = [['dog', ...DOG]];
const NAMES = 'names: [dog, cat]\n';

test('names as a map with gaps, nc that differs, several folders, a test split, absent val', async (t) => {
  const files = {
    'data.yaml':
      'path: ../datasets/animals\ntrain:\n  - images/a\n  - images/b\nval: images/none\ntest: images/c\nnc: 2\nnames:\n  0: dog\n  2: cat\n',
    'labels/a/1.txt': ROW,
    'labels/b/2.txt': OTHER.replace('1', '2'),
    'labels/c/3.txt': ROW,
  };
  const {
    train,
    test: held,
    classes,
    warnings,
  } = await readFiles(t, files, ['images/a/1.png', 'images/b/2.png', 'images/c/3.png']);
  t.deepEqual(train, { 'images/a/1.png': BOX, 'images/b/2.png': [['cat', ...CAT]] });
  t.deepEqual(held, { 'images/c/3.png': BOX });
  t.deepEqual(classes, ['dog', '1', 'cat']);
  t.deepEqual(warnings, { 'class-count': 1, 'class-unnamed': 1, 'split-missing': 1 });
});

test("Roboflow's ../train/images, and a path in double quotes that is no YAML", async (t) => {
  const roboflow = {
    'data.yaml': `train: ../train/images\nval: ../valid/images\n${NAMES}roboflow:\n  version: 2\n`,
    'train/labels/1.txt': ROW,
    'valid/labels/2.txt': ROW,
  };
  const images = ['train/images/1.png', 'valid/images/2.png'];
  const first = await readFiles(t, roboflow, images);
  t.deepEqual([first.train, first.val, first.warnings], [{ [images[0]!]: BOX }, { [images[1]!]: BOX }, {}]);
  const windows = { ...roboflow, 'data.yaml': `train: "C:\\Users\\me\\train\\images"\nval: valid/images\n${NAMES}` };
  const second = await readFiles(t, windows, images);
  t.deepEqual([second.train, second.warnings], [{ [images[0]!]: BOX }, { 'path-elsewhere': 1 }]);
});

test("darknet's obj.data as CVAT writes it: lists with a prefix that is not there, labels beside images", async (t) => {
  const files = {
    'obj.data': 'classes = 2\r\ntrain = data/train.txt\r\nnames = data/obj.names\r\nbackup = backup/\r\n',
    'obj.names': 'dog\r\ncat\r\n\r\n',
    'train.txt': 'data/obj_train_data/1.png\ndata/obj_train_data/gone.png\n',
    'obj_train_data/1.txt': ROW,
  };
  const { train, classes, warnings } = await readFiles(t, files, ['obj_train_data/1.png']);
  t.deepEqual([train, classes], [{ 'obj_train_data/1.png': BOX }, ['dog', 'cat']]);
  t.deepEqual(warnings, { 'image-missing': 1 });
});

test("Label Studio's classes.txt, images/ and labels/; without any names, numbers", async (t) => {
  const files = {
    'classes.txt': 'dog\ncat\n',
    'notes.json': '{"categories": [{"id": 0, "name": "dog"}]}',
    'labels/1.txt': ROW,
  };
  const { train, warnings, classes } = await readFiles(t, files, ['images/1.png']);
  t.deepEqual([train, classes, warnings], [{ 'images/1.png': BOX }, ['dog', 'cat'], {}]);
  const bare = await readFiles(t, { 'labels/1.txt': OTHER }, ['images/1.png']);
  t.deepEqual([bare.classes, bare.warnings], [['0', '1'], { 'class-unnamed': 1 }]);
});

test('a second list of names that says otherwise is told, with the first name that differs', async (t) => {
  const files = {
    'data.yaml': `train: images\n${NAMES}`,
    'labels/classes.txt': 'cat\n\ndog\n',
    '_darknet.labels': 'Dog\ncat\nhorse\n', // numbers mean the same
    'predefined_classes.txt': 'person\n',
    'darknet/coco.names': 'person\n', // of no label
    'labels/1.txt': ROW,
  };
  const { train, warnings, dataset } = await readFiles(t, files, ['images/1.png']);
  t.deepEqual([train, warnings], [{ 'images/1.png': BOX }, { 'class-names-differ': 1 }]);
  const { examples } = dataset.warnings[0]!;
  t.deepEqual(examples, [{ file: 'labels/classes.txt', line: 1, message: "class 0 is 'cat', in data.yaml 'dog'" }]);
  const roboflow = { 'dota.names': 'cat\ndog\n', 'train/_darknet.labels': 'dog\ncat\n', 'train/1.txt': ROW };
  t.deepEqual((await readFiles(t, roboflow, ['train/1.png'])).train, { 'train/1.png': BOX });
  const { 'data.yaml': _, ...darknet } = files;
  const lists = {
    ...darknet,
    'obj.data': 'names = obj.names\n',
    'obj.names': 'dog\ncat\n',
    '_darknet.labels': 'cat\n',
  };
  t.deepEqual((await readFiles(t, lists, ['images/1.png'])).warnings, { 'class-names-differ': 2 });
});

test('polygons, oriented boxes, key points, confidences; rows that are none', async (t) => {
  const rows = [
    ROW.trim(),
    '0 0.125 0.166667 0.625 0.2 0.3 0.833333', // a polygon of three points
    '1 0.3125 0.25 0.875 0.25 0.875 0.916667 0.3125 0.916667 0.87', // corners and a confidence
    '0 0.375 0.5 0.5',
    'dog 0.375 0.5 0.5 0.6',
    '0.5 0.375 0.5 0.5 0.6',
    '0 nan 0.5 0.5 0.6',
    '0 1.2 0.5 0.1 0.6',
  ];
  const files = { 'data.yaml': `train: images\nval: images\n${NAMES}`, 'labels/1.txt': rows.join('\n') };
  const { train, warnings, dataset } = await readFiles(t, files, ['images/1.png']);
  t.deepEqual(
    train['images/1.png']?.map(([name, ...edges]) => [name, ...edges.map(Math.round)]),
    [
      ['dog', ...DOG],
      ['cat', ...CAT],
    ],
  );
  const expected = { 'outline-lost': 1, 'confidence-ignored': 1, 'angle-lost': 1, 'box-unreadable': 4 };
  t.deepEqual(warnings, { ...expected, 'box-outside': 1, 'split-overlap': 1, 'box-repeated': 1 });
  const { examples } = dataset.warnings.find(({ kind }) => kind === 'box-unreadable')!;
  t.deepEqual(
    examples.map(({ line }) => line),
    [4, 5, 6, 7],
  );
  const pose = { 'data.yaml': `train: images\nkpt_shape: [1, 3]\n${NAMES}`, 'labels/1.txt': `${ROW.trim()} 0.5 0.5 2` };
  t.deepEqual((await readFiles(t, pose, ['images/1.png'])).train, { 'images/1.png': BOX });
});

test('near-copies of a picture stay on one side of a split that is drawn, the same for equal seeds', async (t) => {
  const files: Record<string, string> = { 'classes.txt': 'dog\n' };
  const images: string[] = [];
  for (let i = 0; i < 20; i++) {
    for (const hash of ['0a1b2c3d4e', '5f6a7b8c9d']) {
      images.push(`images/p${i}_jpg.rf.${hash}.png`);
      files[`labels/p${i}_jpg.rf.${hash}.txt`] = ROW;
    }
  }
  const root = await folder(t, files, images);
  const [first, again, other] = await Promise.all([read(root), read(root), read(root, { seed: 7 })]);
  t.is(Object.keys(first.val).length, 8);
  t.is(Object.keys(first.train).length, 32);
  const pictures = (split: object) => new Set(Object.keys(split).map((file) => file.split('.rf.')[0]));
  const [train, val] = [pictures(first.train), pictures(first.val)];
  t.false([...val].some((picture) => train.has(picture)));
  t.deepEqual(Object.keys(again.val), Object.keys(first.val));
  t.notDeepEqual(Object.keys(other.val), Object.keys(first.val));
  t.is(Object.keys((await read(root, { val: 0 })).val).length, 0);
  t.is(Object.keys((await read(root, { val: 0.5 })).val).length, 20);
});

test('what must not be guessed about is refused', async (t) => {
  const config = { 'data.yaml': `train: images\n${NAMES}` };
  await refused(t, /label files .*none, neither for images\/1\.png at labels\/1\.txt and label/, config, [
    'images/1.png',
  ]);
  await refused(
    t,
    /classes that are named for data\.yaml, received 1 of 1 rows .*labels\/1\.txt:1 has class 5/,
    {
      ...config,
      'labels/1.txt': ROW.replace('0', '5'),
    },
    ['images/1.png'],
  );
  await refused(
    t,
    /the images of train: nowhere for data\.yaml, received nothing at nowhere/,
    {
      'data.yaml': `train: nowhere\n${NAMES}`,
      'labels/1.txt': ROW,
    },
    ['images/1.png'],
  );
  await refused(t, /YAML for data\.yaml:\d/, { 'data.yaml': 'names: [dog\ntrain: images\n', 'labels/1.txt': ROW }, [
    'images/1.png',
  ]);
});

test('a split whose folder is called otherwise than the configuration says; a split that is nowhere stays empty', async (t) => {
  const files = {
    'data.yaml': `train: ../train/images\nval: ../valid/images\ntest: ../test/images\n${NAMES}`,
    'train/labels/1.txt': ROW,
    'validate/labels/2.txt': OTHER,
  };
  const { train, val, warnings } = await readFiles(t, files, ['train/images/1.png', 'validate/images/2.png']);
  t.deepEqual([train, val], [{ 'train/images/1.png': BOX }, { 'validate/images/2.png': [['cat', ...CAT]] }]);
  t.deepEqual(warnings, { 'split-missing': 2, 'class-not-trained': 1 });
});

test("darknet's lists that are made where training runs: the folders tell the splits", async (t) => {
  const files = {
    'config/obj.data': 'classes = 2\ntrain = data/train.txt\nvalid = data/test.txt\nnames = data/obj.names\n',
    'config/obj.names': 'dog\ncat\n',
    'train/1.txt': ROW,
    'valid/2.txt': ROW,
  };
  const { train, val, warnings } = await readFiles(t, files, ['train/1.png', 'valid/2.png']);
  t.deepEqual([train, val, warnings], [{ 'train/1.png': BOX }, { 'valid/2.png': BOX }, { 'split-missing': 2 }]);
});

test("Git LFS's pointers and formats of other tools are named, with what to do", async (t) => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n';
  const pictures = { 'data.yaml': `train: images\n${NAMES}`, 'images/1.jpg': pointer, 'labels/1.txt': ROW };
  await refused(t, /images\/1\.jpg: Git LFS's pointer to it: git lfs pull/, pictures);
  const others: [name: string, content: string, expected: RegExp][] = [
    ['_annotations.coco.json', pointer, /_annotations\.coco\.json, received Git LFS's pointer/],
    ['a.json', '[{"image": "1.png", "annotations": [{"label": "dog", "coordinates": {"x": 1}}]}]', /CreateML's/],
    ['a.json', '[{"annotations": [{"result": [{"from_name": "l", "to_name": "i"}]}]}]', /Label Studio's own/],
    ['a.json', '{"items": [{"annotations": [{"label_id": 0}]}]}', /Datumaro's/],
    ['1.png.json', '{"objects": [{"classTitle": "dog"}]}', /Supervisely's/],
    ['a.xml', '<annotations><meta></meta><track id="0" label="dog"></track></annotations>', /CVAT's XML for video/],
  ];
  for (const [name, content, expected] of others) await refused(t, expected, { [name]: content }, ['1.png']);
});
