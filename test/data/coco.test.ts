import test from 'ava';
import { CAT, coco, DOG, folder, read, readFiles, refused } from './folders.js';

const dog = (image: unknown, id = 1) => ({ id, image_id: image, category_id: 1, bbox: [8, 8, 32, 32] });
const image = (id: unknown, file: string) => ({ id, file_name: file, width: 64, height: 48 });
const BOX: [string, ...typeof DOG][] = [['dog', ...DOG]];

test("Roboflow's export: a file in each split's folder, a category that only groups", async (t) => {
  const categories = [
    { id: 0, name: 'cells', supercategory: 'none' },
    { id: 1, name: 'dog', supercategory: 'cells' },
    { id: 2, name: 'cat', supercategory: 'cells' },
  ];
  const files = Object.fromEntries(
    ['train', 'valid', 'test'].map((split) => [
      `${split}/_annotations.coco.json`,
      coco([image(0, 'x_png.rf.0a1b2c3d.png')], [{ ...dog(0), id: 0 }], categories),
    ]),
  );
  const images = ['train', 'valid', 'test'].map((split) => `${split}/x_png.rf.0a1b2c3d.png`);
  const {
    train,
    val,
    test: held,
    classes,
    warnings,
  } = await readFiles(t, { ...files, 'README.roboflow.txt': '' }, images);
  t.deepEqual(
    [train, val, held].map(Object.keys),
    images.map((path) => [path]),
  );
  t.deepEqual(train[images[0]!], BOX);
  t.deepEqual(classes, ['dog', 'cat']);
  t.deepEqual(warnings, { 'class-placeholder': 1 });
});

test("Label Studio's and CVAT's exports: result.json with foreign paths, ids that are strings, images by split", async (t) => {
  const studio = coco([{ ...image(0, '..\\..\\data/media/upload/3/a%20b.png') }], [{ ...dog('0'), category_id: '1' }]);
  const first = await readFiles(t, { 'result.json': studio }, ['images/3/a b.png']);
  t.deepEqual(first.train, { 'images/3/a b.png': BOX });
  const cvat = {
    'annotations/instances_Train.json': coco([image(1, '1.png')], [dog(1)]),
    'annotations/instances_Validation.json': coco([image(1, '1.png')], [{ ...dog(1), category_id: 2 }]),
    'annotations/captions_train.json': JSON.stringify({ images: [], annotations: [{ id: 1, caption: 'a dog' }] }),
  };
  const second = await readFiles(t, cvat, ['images/Train/1.png', 'images/Validation/1.png']);
  t.deepEqual(second.train, { 'images/Train/1.png': BOX });
  t.deepEqual(second.val, { 'images/Validation/1.png': [['cat', ...DOG]] });
});

test('crowds are regions to ignore; images without annotations have nothing in them; polygons stand in for boxes', async (t) => {
  const images = [image(1, 'a.png'), image(2, 'b.png'), image(3, 'c.png')];
  const annotations = [
    { ...dog(1), iscrowd: 1 },
    { id: 2, image_id: 2, category_id: 2, segmentation: [[20, 12, 56, 12, 40, 44]] },
  ];
  const root = await folder(t, { 'annotations.json': coco(images, annotations) }, ['a.png', 'b.png', 'c.png']);
  const { train, dataset } = await read(root, { val: 0 });
  t.deepEqual(train, { 'a.png': [], 'b.png': [['cat', ...CAT]], 'c.png': [] });
  t.deepEqual(dataset.splits.train.images[0]!.ignore, [DOG]);
});

test('what is broken in single entries is left out: NaN, an unknown image or category, no file, a repeated image', async (t) => {
  const good = Array.from({ length: 12 }, (_, i) => ({ ...dog(1, i), bbox: [i, 8, 20, 20] }));
  const bad = [
    { ...dog(1, 20), bbox: [8, 8, 'NaN_', 9] },
    dog(7, 21),
    { ...dog(1, 22), category_id: 9 },
    dog(3, 23),
    null,
  ];
  const images = [image(1, 'a.png'), image(2, './a.png'), image(3, 'gone.png'), { id: 4 }];
  const text = coco(images, [...good, ...bad] as object[]).replace('"NaN_"', 'NaN');
  const { train, warnings } = await readFiles(t, { 'a.json': text }, ['a.png']);
  t.is(train['a.png']?.length, 12);
  const expected = { 'image-missing': 2, 'box-unreadable': 1, 'annotation-without-image': 1, 'class-unknown': 1 };
  t.deepEqual(warnings, expected);
});

test('boxes as two corners are refused by where they reach; a few that stick out are clipped', async (t) => {
  const corners = [
    [30, 20, 60, 44],
    [4, 4, 20, 20],
    [30, 10, 50, 40],
  ].map((bbox, i) => ({ ...dog(1, i), bbox }));
  const refusal =
    /bbox to be x, y, width, height for a\.json, received what looks like two corners: 2 of 3 boxes reach outside/;
  await refused(t, refusal, { 'a.json': coco([image(1, 'a.png')], corners) }, ['a.png']);
  const few = [{ ...dog(1), bbox: [50, 30, 20, 10] }, dog(1, 2), { ...dog(1, 3), bbox: [0, 0, 9, 9] }];
  const { train, warnings } = await readFiles(t, { 'a.json': coco([image(1, 'a.png')], few) }, ['a.png']);
  t.deepEqual(train['a.png']?.[0], ['dog', 50, 30, 64, 40]);
  t.deepEqual(warnings, { 'box-clipped': 1 });
});

test('what must not be guessed about is refused', async (t) => {
  const two = [image(1, 'a.png')];
  await refused(t, /JSON for a\.json, received a file that is none/, { 'a.json': coco(two, [dog(1)]).slice(0, -9) }, [
    'a.png',
  ]);
  await refused(
    t,
    /a list "categories" for a\.json, received none/,
    {
      'a.json': JSON.stringify({ images: two, annotations: [dog(1)] }),
    },
    ['a.png'],
  );
  const other = { ...dog(1), category_id: 5 };
  await refused(t, /declared categories for a\.json, received 1 of 1 annotations/, { 'a.json': coco(two, [other]) }, [
    'a.png',
  ]);
  await refused(t, /images with annotations .*image-missing 1 times, such as a\.json: a\.png is not there/, {
    'a.json': coco(two, [dog(1)]),
  });
});

test('two categories of one id are refused; links to images are names before their query', async (t) => {
  const categories = [
    { id: 1, name: 'dog' },
    { id: 1, name: 'cat' },
  ];
  const message = /one category for an id for a\.json, received two: category id 1 is used by dog and cat/;
  await refused(t, message, { 'a.json': coco([image(1, 'a.png')], [dog(1)], categories) }, ['a.png']);
  const linked = coco([image(1, 'https://x.org/y/a.png?size=640#top')], [dog(1)]);
  t.deepEqual((await readFiles(t, { 'a.json': linked }, ['images/a.png'])).train, { 'images/a.png': BOX });
});
