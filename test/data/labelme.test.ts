import test from 'ava';
import sharp from 'sharp';
import { CAT, coco, DOG, folder, pixels, read, readFiles, refused, xml, type Edges } from './folders.js';

type Shape = Record<string, unknown>;
const BOX: [string, ...Edges][] = [['dog', ...DOG]];

const shape = (label: unknown, points: unknown, type: unknown = 'rectangle', more: Shape = {}): Shape => ({
  ...{ label, points, group_id: null, shape_type: type, flags: {}, ...more },
});
const corners = ([x1, y1, x2, y2]: Edges) => [
  [x1, y1],
  [x2, y2],
];
const dog = shape('dog', corners(DOG));

/** What labelme writes, in its order and with its blanks. */
const labelme = (imagePath: unknown, shapes: unknown, more: Shape = {}) =>
  JSON.stringify(
    { version: '5.4.1', flags: {}, shapes, imagePath, imageData: null, imageHeight: 48, imageWidth: 64, ...more },
    undefined,
    2,
  );

test('beside the images: corners in any order, classes by name, an image with nothing in it, one without JSON', async (t) => {
  const cat = shape('cat', [[56, 12], [20, 44]]); // prettier-ignore
  const files = { 'b.json': labelme('b.png', [dog, cat]), 'a.json': labelme('a.png', []), 'names.json': '["dog"]' };
  const root = await folder(t, files, ['a.png', 'b.png', 'c.png']);
  const { train, classes, warnings, dataset } = await read(root, { val: 0 });
  t.is(dataset.format, 'labelme');
  t.deepEqual(train, { 'a.png': [], 'b.png': [['dog', ...DOG], ['cat', ...CAT]] }); // prettier-ignore
  t.deepEqual(classes, ['cat', 'dog']);
  t.deepEqual(warnings, { 'image-without-annotation': 1 });
});

test('a folder of JSON beside one of images, splits by folders, paths of another system, names that have changed', async (t) => {
  const files = {
    'train/jsons/a.json': labelme('..\\images\\a.png', [dog]),
    'train/jsons/b.json': labelme('C:\\Users\\me\\Desktop\\old name.png', [dog]),
    'val/jsons/a.json': labelme('../images/a.png', [dog]),
    'val/jsons/label 7.json': labelme('../images/seven.png', [dog]),
  };
  const images = ['train/images/a.png', 'train/images/b.png', 'val/images/a.png', 'val/images/seven.png'];
  const { train, val, warnings } = await readFiles(t, files, images);
  t.deepEqual(train, { 'train/images/a.png': BOX, 'train/images/b.png': BOX });
  t.deepEqual(val, { 'val/images/a.png': BOX, 'val/images/seven.png': BOX });
  t.deepEqual(warnings, {});
});

test('of images of one name that one which the path leads to', async (t) => {
  const files = { 'annotations/1.json': labelme('../right/1.png', [dog]) };
  const { train } = await readFiles(t, files, ['images/1.png', 'left/1.png', 'right/1.png']);
  t.deepEqual(train, { 'right/1.png': BOX });
  const two = { 'a.json': labelme('a.jpg', [dog]) };
  t.deepEqual((await readFiles(t, two, ['a.jpg', 'a.png'])).train, { 'a.jpg': BOX });
  await refused(t, /one image for a\.json, .*a\.json could mean a\.jpg or a\.png/, { 'a.json': labelme('', [dog]) }, [
    'a.jpg',
    'a.png',
  ]);
});

test('outlines and turned boxes become their bounds, in one kind of warning each', async (t) => {
  const around = [
    [24, 8],
    [40, 24],
    [24, 40],
    [8, 24],
  ];
  const three = around.slice(0, 3);
  for (const [points, type, edges, kind] of [
    [around, 'polygon', DOG, 'outline-lost'],
    [around, null, DOG, 'outline-lost'], // before there were types
    [three, 'polygon', [24, 8, 40, 40], 'outline-lost'],
    [[[24, 24], [24, 40]], 'circle', DOG, 'outline-lost'], // prettier-ignore
    [[[8, 8], [39, 39]], 'mask', DOG, 'outline-lost'], // prettier-ignore
    [around, 'rotation', DOG, 'angle-lost'],
    [around, 'oriented_rectangle', DOG, 'angle-lost'],
    [around, 'rectangle', DOG, undefined], // X-AnyLabeling's four corners
  ] as const) {
    const { train, warnings } = await readFiles(t, { 'a.json': labelme('a.png', [shape('dog', points, type)]) }, [
      'a.png',
    ]);
    t.deepEqual([train, warnings], [{ 'a.png': [['dog', ...edges]] }, kind ? { [kind]: 1 } : {}], String(type));
  }
});

test('outlines of a group are one object, rectangles of a group several', async (t) => {
  const part = (edges: Edges, label = 'dog') =>
    shape(label, [...corners(edges), [edges[0], edges[3]]], 'polygon', { group_id: 3 });
  const shapes = [
    ...[part([8, 8, 20, 20]), part([30, 8, 40, 40]), part([2, 2, 9, 9], 'cat')],
    ...[DOG, CAT].map((edges) => shape('box', corners(edges), 'rectangle', { group_id: 3 })),
  ];
  const { train, warnings } = await readFiles(t, { 'a.json': labelme('a.png', shapes) }, ['a.png']);
  t.deepEqual(train['a.png'], [['dog', ...DOG], ['cat', 2, 2, 9, 9], ['box', ...DOG], ['box', ...CAT]]); // prettier-ignore
  t.deepEqual(warnings, { 'outline-lost': 3, 'parts-joined': 1 });
});

test("X-AnyLabeling's difficult, labelme's regions to ignore and background", async (t) => {
  const shapes = [
    shape('dog', corners(DOG), 'rectangle', { difficult: true, score: null, attributes: {} }),
    shape('__ignore__', corners(CAT)),
    shape('_background_', corners(CAT)),
  ];
  const root = await folder(t, { 'a.json': labelme('a.png', shapes) }, ['a.png']);
  const { dataset, classes, warnings } = await read(root, { val: 0 });
  const [image] = dataset.splits.train.images;
  t.deepEqual(image?.boxes, [{ class: 'dog', box: DOG, difficult: true }]);
  t.deepEqual([image?.ignore, classes], [[CAT], ['dog']]);
  t.deepEqual(warnings, { 'shape-without-box': 1 });
});

test('points are those of the upright image, or of the stored one where the size says so', async (t) => {
  const stored = { raw: { width: 48, height: 64, channels: 3 } } as const;
  const turned = await sharp(pixels(48, 64), stored).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  for (const [size, edges, kinds] of [
    [{ imageWidth: 64, imageHeight: 48 }, DOG, {}],
    [{ imageWidth: null, imageHeight: null }, DOG, {}],
    [{ imageWidth: 48, imageHeight: 64 }, [8, 24, 40, 56], { 'boxes-turned': 1 }],
    [{ imageWidth: 128, imageHeight: 96 }, [16, 16, 80, 80], { 'boxes-scaled': 1 }],
  ] as const) {
    const json = labelme('a.jpg', [shape('dog', corners(edges as unknown as Edges))], size);
    const { train, warnings } = await readFiles(t, { 'a.json': json, 'a.jpg': turned });
    t.deepEqual([train, warnings], [{ 'a.jpg': BOX }, kinds]);
  }
});

test('garbage: what is no shape is left out, the others stay', async (t) => {
  const garbage: [unknown, string][] = [
    [null, 'box-unreadable'],
    [7, 'box-unreadable'],
    [{}, 'box-unreadable'],
    [shape('dog', undefined), 'box-unreadable'],
    [shape('dog', []), 'box-unreadable'],
    [shape('dog', [[8, 8]]), 'box-unreadable'],
    [shape('dog', [[8, 8], [40]]), 'box-unreadable'], // prettier-ignore
    [shape('dog', [[8, 8], [40, '40']]), 'box-unreadable'], // prettier-ignore
    [shape('dog', [[8, 8], [40, 'NaN_']]), 'box-unreadable'], // prettier-ignore
    [shape('dog', [[8, 8], [40, 'Infinity_']]), 'box-unreadable'], // prettier-ignore
    [shape('', corners(DOG)), 'box-unreadable'],
    [shape(null, corners(DOG)), 'box-unreadable'],
    [shape('dog', corners(DOG), 'polygon'), 'box-unreadable'],
    [shape('dog', corners(DOG), 'star'), 'box-unreadable'],
    [shape('dog', [...corners(DOG), [1, 1]], 'circle'), 'box-unreadable'],
    [shape('dog', [[8, 8]], 'point'), 'shape-without-box'],
    [shape('dog', corners(DOG), 'line'), 'shape-without-box'],
    [shape('dog', corners(DOG), 'linestrip'), 'shape-without-box'],
    [shape('dog', [[70, 8], [90, 20]]), 'box-outside'], // prettier-ignore
    [shape('dog', [[8, 8], [8, 40]]), 'box-empty'], // prettier-ignore
    [shape('dog', [[8, 8], [100, 40]]), 'box-clipped'], // prettier-ignore
    [dog, 'box-repeated'],
  ];
  for (const [bad, kind] of garbage) {
    const text = labelme('a.png', [dog, bad]).replaceAll(/"(NaN|Infinity)_"/g, '$1');
    const { train, warnings } = await readFiles(t, { 'a.json': text }, ['a.png']);
    t.deepEqual(warnings, { [kind]: 1 }, JSON.stringify(bad));
    t.deepEqual(train['a.png']?.[0], BOX[0]);
    t.is(train['a.png']?.length, kind === 'box-clipped' ? 2 : 1);
  }
});

test('garbage: files that are none are left out with their line, their images too', async (t) => {
  const cut = labelme('b.png', [dog]).slice(0, 40);
  for (const [name, content, line, message] of [
    ['b.json', '', 1, 'an empty file'],
    ['b.json', '<html>404</html>', 1, 'JSON'],
    ['b.json', cut, cut.split('\n').length, 'JSON'],
    ['b.json', `${cut}\n?`, cut.split('\n').length + 1, 'JSON'],
    ['b.json', 'null', 1, 'no "shapes" in it'],
    ['b.json', '{"images": []}', 1, 'no "shapes" in it'],
    ['b.json', labelme('b.png', { a: 1 }), 1, '"shapes" is no list'],
  ] as const) {
    const { train, dataset } = await readFiles(t, { 'a.json': labelme('a.png', [dog]), [name]: content }, [
      'a.png',
      'b.png',
    ]);
    t.deepEqual(Object.keys(train), ['a.png']);
    const [warning, ...others] = dataset.warnings;
    t.deepEqual([warning?.kind, warning?.count, others], ['annotation-damaged', 1, []]);
    const [example] = warning?.examples ?? [];
    t.deepEqual([example?.file, example?.line], [name, line], content);
    t.true(example?.message.includes(message) && !example.message.includes('\n'), example?.message);
  }
});

test('pixels in the JSON alone are no image; a second JSON of one image is joined', async (t) => {
  const inside = labelme('gone.png', [dog], { imageData: 'iVBORw0KGgo=' });
  await refused(t, /annotation-without-image .*gone\.png, only imageData in the JSON: save it/, {
    'gone.json': inside,
  });
  const cat = shape('cat', corners(CAT));
  const files = {
    'a.json': labelme('a.png', [dog]),
    'gone.json': inside,
    'again/a.json': labelme('../a.png', [dog, cat]),
    'copy of a.json': labelme('a.png', [cat]),
  };
  const { train, warnings } = await readFiles(t, files, ['a.png']);
  t.deepEqual(train['a.png'], [['dog', ...DOG], ['cat', ...CAT]]); // prettier-ignore
  t.deepEqual(warnings, { 'annotation-without-image': 2, 'annotation-repeated': 1, 'box-repeated': 1 });
});

test('megabytes of pixels before the shapes, as old versions wrote them', async (t) => {
  const old = JSON.stringify({ imageData: 'A'.repeat(200_000), imagePath: 'a.png', shapes: [dog] });
  t.deepEqual((await readFiles(t, { 'a.json': old }, ['a.png'])).train, { 'a.png': BOX });
  const many = Array.from({ length: 3000 }, () => dog);
  t.deepEqual((await readFiles(t, { 'a.json': labelme('a.png', many) }, ['a.png'])).train, { 'a.png': BOX });
});

test('labelme beside its images comes first, else what it lies beside; COCO is never taken for it', async (t) => {
  const own = { 'a.json': labelme('a.png', [dog]), 'b.json': labelme('b.png', [dog]) };
  const images = ['a.png', 'b.png'];
  const other = coco([{ id: 1, file_name: 'a.png', width: 64, height: 48 }], [
    { id: 1, image_id: 1, category_id: 2, bbox: [20, 12, 36, 32] },
  ]); // prettier-ignore
  const made = { ...own, 'labelme2coco.json': other, 'a.xml': xml('a.png', [['cat', CAT]]), 'a.txt': '0 .5 .5 .5 .5' };
  const first = await readFiles(t, { ...made, 'classes.txt': 'dog\n' }, images);
  t.deepEqual([first.dataset.format, first.warnings], ['labelme', { 'several-formats': 3 }]);
  for (const [format, files] of [
    ['coco', { 'labels.json': other, 'a.json': other.replaceAll('a.png', 'b.png') }],
    ['coco', { 'labels.json': other, 'x/old.json': labelme('a.png', [dog]) }],
    ['voc', { 'a.xml': xml('a.png', [['cat', CAT]]), 'x/old.json': labelme('a.png', [dog]) }],
  ] as const) {
    const { dataset, train } = await readFiles(t, files, ['a.png', 'b.png', 'c.png']);
    t.is(dataset.format, format);
    t.deepEqual(Object.values(train).flat()[0], ['cat', ...CAT]);
  }
  const root = await folder(t, made, images);
  t.is((await read(root, { format: 'voc' })).dataset.format, 'voc');
  t.deepEqual((await read(root, { format: 'labelme', val: 0 })).train, { 'a.png': BOX, 'b.png': BOX });
});

test('what is drawn for validation is what the same seed draws of other formats', async (t) => {
  const names = Array.from({ length: 10 }, (_, i) => `${i}.png`);
  const files = (of: (name: string) => string, extension: string) =>
    Object.fromEntries(names.map((name) => [name.replace('png', extension), of(name)]));
  const own = await readFiles(t, files((name) => labelme(name, [dog]), 'json'), names); // prettier-ignore
  const voc = await readFiles(t, files((name) => xml(name, [['dog', DOG]]), 'xml'), names); // prettier-ignore
  t.deepEqual([own.train, own.val], [voc.train, voc.val]);
  t.is(Object.keys(own.val).length, 2);
});
