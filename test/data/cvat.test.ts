import test from 'ava';
import sharp from 'sharp';
import { CAT, DOG, folder, pixels, read, readFiles, refused, xml, type Edges } from './folders.js';

const BOX: [string, ...Edges][] = [['dog', ...DOG]];

const box = (label: string, [x1, y1, x2, y2]: readonly unknown[], more = '') =>
  `    <box label="${label}" source="manual" occluded="0" xtl="${String(x1)}" ytl="${String(y1)}" xbr="${String(x2)}" ` +
  `ybr="${String(y2)}" z_order="0"${more}>\n    </box>`;
const dog = box('dog', DOG);

const image = (name: string, shapes: readonly string[], more = ' width="64" height="48"') =>
  `  <image id="0" name="${name}"${more}>\n${shapes.join('\n')}\n  </image>`;

const label = (name: string, more = '') =>
  `<label><name>${name}</name><color>#fa3</color>${more}<attributes></attributes></label>`;

/** What CVAT writes; the first shape of the first image is on line 10. */
const cvat = (
  images: readonly string[],
  labels: readonly string[] = ['dog', 'cat'].map((name) => label(name)),
  owner = 'task',
) =>
  `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <${owner}><id>7</id><name>pets</name>
    <labels>${labels.join('')}</labels>
    </${owner}>
  </meta>
${images.join('\n')}
</annotations>
`;

test('images in images/ or beside, classes as the labels are, images with nothing in them', async (t) => {
  const text = cvat([image('a.png', [dog, box('cat', CAT)]), image('sub/b&amp;c.png', [])]);
  for (const top of ['images/', '', 'data/images/']) {
    const path = top.startsWith('data') ? 'data/annotations.xml' : 'annotations.xml';
    const root = await folder(t, { [path]: text }, [`${top}a.png`, `${top}sub/b&c.png`, `${top}unlisted.png`]);
    const { train, classes, warnings, dataset } = await read(root, { val: 0 });
    t.deepEqual(train, { [`${top}a.png`]: [['dog', ...DOG], ['cat', ...CAT]], [`${top}sub/b&c.png`]: [] }); // prettier-ignore
    t.deepEqual([dataset.format, classes, warnings], ['cvat', ['dog', 'cat'], {}]);
  }
});

test("a project's subsets: folders and splits", async (t) => {
  const of = (subset: string) => ` subset="${subset}" task_id="1" width="64" height="48"`;
  const images = [
    image('1.png', [dog], of('Train')),
    image('1.png', [box('cat', CAT)], of('Validation')),
    image('1.png', [], of('Test')),
    image('1.png', [dog], of('default')),
  ];
  const paths = ['Train', 'Validation', 'Test', 'default'].map((name) => `images/${name}/1.png`);
  const { train, val, test: held, classes, warnings } = await readFiles(
    t,
    { 'annotations.xml': cvat(images, undefined, 'project') },
    paths,
  ); // prettier-ignore
  t.deepEqual(train, { [paths[0]!]: BOX, [paths[3]!]: BOX });
  t.deepEqual([val, held], [{ [paths[1]!]: [['cat', ...CAT]] }, { [paths[2]!]: [] }]);
  t.deepEqual([classes, warnings], [['dog', 'cat'], { 'class-not-trained': 1 }]);
});

test('a file a task, whose folders or names tell the splits; labels joined by name; an image in two of them', async (t) => {
  const files = {
    'train/annotations.xml': cvat([image('1.png', [dog])], [label('dog')]),
    'train/job_2.xml': cvat([image('1.png', [dog, box('bird', CAT)])], [label('bird'), label('dog')], 'job'),
    'val/annotations.xml': cvat([image('1.png', [dog])], [label('dog')]),
  };
  const { train, val, classes, warnings } = await readFiles(t, files, ['train/images/1.png', 'val/images/1.png']);
  t.deepEqual(train, { 'train/images/1.png': [['dog', ...DOG], ['bird', ...CAT]] }); // prettier-ignore
  t.deepEqual([val, classes], [{ 'val/images/1.png': BOX }, ['dog', 'bird']]);
  t.deepEqual(warnings, { 'annotation-repeated': 1, 'box-repeated': 1 });
  const named = cvat([image('train/1.png', [dog]), image('valid\\1.png', [dog])]);
  const second = await readFiles(t, { 'annotations.xml': named }, ['images/train/1.png', 'images/valid/1.png']);
  t.deepEqual([second.train, second.val], [{ 'images/train/1.png': BOX }, { 'images/valid/1.png': BOX }]);
});

test('frames of a video have no extension', async (t) => {
  const text = cvat([image('frame_000000', [dog]), image('frame_000001', [dog])]);
  const root = await folder(t, { 'annotations.xml': text }, ['images/frame_000000.png', 'old/frame_000000.png']);
  const { train, warnings } = await read(root, { val: 0 });
  t.deepEqual(train, { 'images/frame_000000.png': BOX });
  t.deepEqual(warnings, { 'image-missing': 1 });
});

test('turned boxes, outlines and cuboids become their bounds; what has no area is left out', async (t) => {
  const rle = '<mask label="dog" source="manual" occluded="0" rle="0, 1024" left="8" top="8" width="32" height="32"/>';
  const square = 'xtl1="8" ytl1="10" xbl1="8" ybl1="40" xtr1="30" ytr1="10" xbr1="30" ybr1="40"';
  const behind = 'xtl2="10" ytl2="8" xbl2="10" ybl2="30" xtr2="40" ytr2="8" xbr2="40" ybr2="30"';
  const points = 'points="8.00,8.00;40.00,8.00;24.00,40.00"';
  for (const [shape, edges, kind] of [
    [dog, DOG, undefined],
    [box('dog', DOG, ' rotation="0.0"'), DOG, undefined],
    [box('dog', [8, 16, 40, 32], ' rotation="90.0"'), [16, 8, 32, 40], 'angle-lost'],
    [box('dog', [14, 14, 34, 34], ' rotation="45.0"'), [9.858, 9.858, 38.142, 38.142], 'angle-lost'],
    [`<polygon label="dog" ${points} z_order="0"></polygon>`, DOG, 'outline-lost'],
    ['<ellipse label="dog" cx="24" cy="24" rx="16" ry="16" rotation="30"/>', DOG, 'outline-lost'],
    ['<ellipse label="dog" cx="24" cy="24" rx="16" ry="8" rotation="90"/>', [16, 8, 32, 40], 'outline-lost'],
    [rle, DOG, 'outline-lost'],
    [`<cuboid label="dog" ${square} ${behind}/>`, DOG, 'outline-lost'],
    [`<polyline label="dog" ${points}/>`, undefined, 'shape-without-box'],
    [`<points label="dog" ${points}/>`, undefined, 'shape-without-box'],
    ['<tag label="dog" source="manual"></tag>', undefined, 'shape-without-box'],
    [`<skeleton label="dog"><points label="1" points="1,2" outside="0"/></skeleton>`, undefined, 'shape-without-box'],
  ] as const) {
    const text = cvat([image('a.png', [box('cat', [0, 0, 9, 9]), shape])]);
    const { train, warnings, dataset } = await readFiles(t, { 'annotations.xml': text }, ['a.png']);
    t.deepEqual(train['a.png']?.slice(1), edges ? [['dog', ...edges]] : [], shape);
    t.deepEqual(warnings, kind ? { [kind]: 1 } : {}, shape);
    if (kind) t.is(dataset.warnings[0]?.examples[0]?.line, 12);
  }
});

test('attributes that say difficult or a crowd, labels that cannot have boxes, labels of points of skeletons', async (t) => {
  const said = (name: string, value: string) =>
    dog.replace('</box>', `<attribute name="${name}">${value}</attribute></box>`);
  const shapes = [
    said('difficult', 'true'),
    said('is_crowd', 'true').replace('"40"', '"30"'),
    said('difficult', 'false'),
  ];
  const labels = [
    label('road', '<type>polyline</type>'),
    label('dog', '<type>any</type>'),
    label('face', '<type>skeleton</type>'),
    label('eye', '<type>points</type><parent>face</parent>'),
    label('cat', '<type>rectangle</type>'),
  ];
  const text = cvat([image('a.png', shapes.slice(0, 2)), image('b.png', shapes.slice(2))], labels);
  const root = await folder(t, { 'annotations.xml': text }, ['a.png', 'b.png']);
  const { dataset, classes } = await read(root, { val: 0 });
  const [first, second] = dataset.splits.train.images;
  t.deepEqual([first?.boxes, first?.ignore], [[{ class: 'dog', box: DOG, difficult: true }], [[8, 8, 30, 40]]]);
  t.deepEqual(second?.boxes, [{ class: 'dog', box: DOG }]);
  t.deepEqual(classes, ['dog', 'cat']);
});

test('coordinates are those of the upright image, or of the stored one where the size says so', async (t) => {
  const stored = { raw: { width: 48, height: 64, channels: 3 } } as const;
  const turned = await sharp(pixels(48, 64), stored).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  for (const [size, edges, kinds] of [
    [' width="64" height="48"', DOG, {}],
    ['', DOG, {}],
    [' width="48" height="64"', [8, 24, 40, 56], { 'boxes-turned': 1 }],
  ] as const) {
    const text = cvat([image('a.jpg', [box('dog', edges)], size)]);
    const { train, warnings } = await readFiles(t, { 'annotations.xml': text, 'images/a.jpg': turned });
    t.deepEqual([train, warnings], [{ 'images/a.jpg': BOX }, kinds]);
  }
});

test('garbage: what is no box is left out with its line, the others stay', async (t) => {
  const garbage: [shape: string, kind: string][] = [
    ['    <box/>', 'box-unreadable'],
    ['    <box>text</box>', 'box-unreadable'],
    ['    <box label="dog"/>', 'box-unreadable'],
    [box('dog', ['NaN', 8, 40, 40]), 'box-unreadable'],
    [box('dog', ['', 8, 40, 40]), 'box-unreadable'],
    [box('dog', [8, 8, 'Infinity', 40]), 'box-unreadable'],
    [box('dog', DOG, ' rotation="left"'), 'box-unreadable'],
    [box('', DOG), 'box-unreadable'],
    ['<polygon label="dog"/>', 'box-unreadable'],
    ['<polygon label="dog" points="8,8;40,40"/>', 'box-unreadable'],
    ['<polygon label="dog" points="8,8;40,40;9"/>', 'box-unreadable'],
    ['<polygon label="dog" points="8,8;40,40;9,x"/>', 'box-unreadable'],
    ['<ellipse label="dog" cx="8" cy="8" rx="8"/>', 'box-unreadable'],
    ['<mask label="dog" left="8" top="8" width="8"/>', 'box-unreadable'],
    ['<cuboid label="dog" xtl1="8"/>', 'box-unreadable'],
    [box('dog', [70, 8, 90, 20]), 'box-outside'],
    [box('dog', [8, 8, 8, 40]), 'box-empty'],
    [box('dog', [40, 40, 8, 9]), 'box-swapped'],
    [box('dog', [8, 8, 100, 40]), 'box-clipped'],
    [dog, 'box-repeated'],
    [box('bird', CAT), 'class-unknown'],
  ];
  const good = Array.from({ length: 12 }, (_, i) => box('cat', [i, 0, 9 + i, 9]));
  for (const [bad, kind] of garbage) {
    const text = cvat([image('b.png', [dog, bad]), image('a.png', good)]);
    const root = await folder(t, { 'annotations.xml': text }, ['a.png', 'b.png']);
    const { train, warnings, dataset } = await read(root, { val: 0 });
    t.deepEqual(warnings, { [kind]: 1 }, bad);
    t.deepEqual(train['b.png']?.[0], BOX[0]);
    t.is(train['b.png']?.length, /clipped|swapped/.test(kind) ? 2 : 1);
    const [example] = dataset.warnings[0]!.examples;
    t.deepEqual([example?.file, example?.line], ['annotations.xml', bad.includes('=') ? 12 : 9], bad);
  }
});

test('what must not be guessed about is refused', async (t) => {
  const text = cvat([image('a.png', [dog])]);
  const named = (received: string) =>
    new RegExp(`CVAT's XML for images for annotations\\.xml.*, received .*${received}`);
  for (const [content, message] of [
    [text.slice(0, text.indexOf('</image>')), named('cut off')],
    [text.replace('</box>', '</bax>'), named('not well-formed')],
    [text.replaceAll('"dog"', '"bird"'), /declared labels for annotations\.xml, received 1 of 1 shapes .*bird/],
    [text.replaceAll('a.png', 'gone.png'), /image-missing 1 times, such as annotations\.xml:9: gone\.png is not there/],
    [text.replace('name="a.png"', ''), /image-missing 1 times, such as annotations\.xml:9: no name/],
    [text.replaceAll(dog, ''), /at least one box/],
    ['<annotations><meta></meta></annotations>', /images with annotations/],
  ] as const) {
    await refused(t, message, { 'annotations.xml': content }, ['a.png']);
  }
  await refused(t, /one image of that name .*received 1\/a\.png or 2\/a\.png/, { 'annotations.xml': text }, [
    '1/a.png',
    '2/a.png',
  ]);
});

test("CVAT's XML for video is named, with what to export instead, wherever its tracks begin", async (t) => {
  const track = '  <track id="0" label="dog"><box frame="0" xtl="8" ytl="8" xbr="40" ybr="40" outside="0"/></track>';
  const message = /received CVAT's XML for video: export the task as CVAT for images, COCO, Pascal VOC or YOLO/;
  await refused(t, message, { 'annotations.xml': cvat([track]) }, ['frame_000000.png']);
  const labels = Array.from({ length: 2000 }, (_, i) => label(`label ${i}`));
  await refused(t, message, { 'annotations.xml': cvat([track], labels) }, ['frame_000000.png']);
});

test('many labels before the images, thousands of entities, labels that no meta declares', async (t) => {
  const labels = ['dog', ...Array.from({ length: 2000 }, (_, i) => `label ${i}`)].map((name) => label(name));
  const long = await readFiles(t, { 'annotations.xml': cvat([image('a.png', [dog])], labels) }, ['a.png']);
  t.deepEqual([long.train, long.classes.length], [{ 'a.png': BOX }, 2001]);
  const many = Array.from({ length: 3000 }, () => box(`cats ${'&amp;'.repeat(50)} dogs`, DOG));
  const text = cvat([image('a.png', many)], []);
  const { classes, train } = await readFiles(t, { 'export.xml': text }, ['a.png']);
  t.deepEqual(classes, [`cats ${'&'.repeat(50)} dogs`]);
  t.is(train['a.png']?.length, 1);
});

test('beside another format, what was read before is', async (t) => {
  const text = cvat([image('a.png', [dog]), image('b.png', [dog])]);
  const files = { 'annotations.xml': text, 'a.xml': xml('a.png', [['cat', CAT]]), 'b.xml': xml('b.png', []) };
  const root = await folder(t, files, ['a.png', 'b.png']);
  const voc = await read(root, { val: 0 });
  t.deepEqual([voc.dataset.format, voc.warnings], ['voc', { 'several-formats': 1, 'annotation-damaged': 1 }]);
  t.deepEqual((await read(root, { format: 'cvat', val: 0 })).train, { 'a.png': BOX, 'b.png': BOX });
});
