// The settings that follow from data, and what overrides them.
import test from 'ava';
import type { AnnotatedDataset, AnnotatedImage, BoxEdges, TrainSettings } from 'retinanet-ops/retinanet';
import { planText } from '#lib/cli/train-text.js';
import { planOf } from './squares.js';

/** Annotations alone; the statistics of pixels are given, so that no picture is opened. */
const pixels = { pixelMean: [120, 120, 120], pixelStd: [50, 50, 50] };

interface Pictures {
  width?: number;
  height?: number;
  /** To train on. */
  images?: number;
  /** Width and height of those of an image. */
  boxes?: [number, number][];
}

function dataset(classes: string[], given: Pictures = {}): AnnotatedDataset {
  const { width = 640, height = 480, images = 100, boxes = [[100, 100]] } = given;
  const place = (i: number, [w, h]: [number, number]): BoxEdges => {
    const [x, y] = [(i * 37) % (width - w), (i * 23) % (height - h)];
    return [x, y, x + w, y + h];
  };
  const image = (i: number): AnnotatedImage => ({
    ...{ file: `${String(i)}.jpg`, width, height, ignore: [] },
    boxes: boxes.map((size, k) => ({ class: classes[(i + k) % classes.length]!, box: place(i + 5 * k, size) })),
  });
  const range = (first: number, end: number) => ({
    images: Array.from({ length: end - first }, (_, i) => image(first + i)),
  });
  const splits = { train: range(0, images), val: range(images, images + 20), test: range(images + 20, images + 30) };
  return { root: '.', format: 'coco', classes, splits, warnings: [] };
}

const plan = (data: AnnotatedDataset, options = {}) => planOf(data, { ...pixels, ...options });

test.serial('the frame has the shape of the pictures, and small boxes stay to be seen in it', async (t) => {
  const frame = async (data: AnnotatedDataset, options = {}) => {
    const { of } = await plan(data, options);
    return [of('imageWidth'), of('imageHeight')] as [number, number];
  };
  const large = await frame(dataset(['cell'], { boxes: [[200, 200]] }));
  const small = await frame(dataset(['cell'], { boxes: [[24, 24]] }));
  t.true(large[0] < small[0] && small[0] < 640, 'larger for small boxes, within bounds');
  for (const [width, height] of [large, small]) t.true(Math.abs(width / height - 4 / 3) < 0.1);
  const [width, height] = await frame(dataset(['cell'], { width: 480, height: 640 }));
  t.true(width < height);
  t.deepEqual(await frame(dataset(['cell'], { width: 96, height: 96, boxes: [[30, 30]] })), [96, 96], 'none enlarged');
  t.deepEqual(await frame(dataset(['cell']), { longestSide: 512 }), [512, 384]);
  t.deepEqual(await frame(dataset(['cell']), { imageWidth: 200 }), [200, 150]);
  t.deepEqual(await frame(dataset(['cell']), { imageWidth: 200, imageHeight: 100 }), [200, 100]);
});

test.serial('anchors have the shapes of the boxes', async (t) => {
  const tall = await plan(dataset(['person'], { boxes: [[30, 90], [40, 130]] })); // prettier-ignore
  t.true((tall.of('aspectRatios') as number[]).every((ratio) => ratio > 2));
  t.is(tall.from('aspectRatios'), 'data');
  const given = await plan(dataset(['person']), { aspectRatios: [1, 7], pyramidLevels: [4, 5] });
  t.deepEqual([given.of('aspectRatios'), given.of('pyramidLevels')], [[1, 7], [4, 5]]); // prettier-ignore
  t.deepEqual([given.from('aspectRatios'), given.from('anchorScales')], ['given', 'data']);
});

test.serial('pictures are mirrored unless a class would become another', async (t) => {
  const flips = async (...classes: string[]) => {
    const augment = (await plan(dataset(classes))).of('augment') as { horizontalFlip: boolean; verticalFlip: boolean };
    return [augment.horizontalFlip, augment.verticalFlip];
  };
  t.deepEqual(await flips('cat', 'dog'), [true, false]);
  t.deepEqual(await flips('left hand', 'right hand'), [false, false]);
  t.deepEqual(await flips('arrow_left', 'arrow_up'), [false, false]);
  t.deepEqual(await flips('turnLeft', 'straight'), [false, false]);
  t.deepEqual(await flips('0', '1', '7'), [false, false]);
  t.deepEqual(await flips('A', 'B', 'plate'), [false, false]);
  t.deepEqual(await flips('leftover', 'bright'), [true, false]);
  const { of, from } = await plan(dataset(['0', '1']), { augment: { zoom: 1.5 } });
  t.like(of('augment'), { horizontalFlip: false, zoom: 1.5, shift: 0.1 }, 'what is given changes only that');
  t.is(from('augment'), 'given');
  t.is((await plan(dataset(['0']), { augment: false })).of('augment'), false);
});

test.serial('what is seen often is changed more than what is seen once', async (t) => {
  const zoom = async (settings: TrainSettings) => {
    const { of } = await plan(dataset(['cell'], { images: 100 }), settings);
    return (of('augment') as { zoom: number }).zoom;
  };
  for (const settings of [{}, { epochs: 8 }, { steps: 200, batchSize: 4 }, { seconds: 600 }])
    t.is(await zoom(settings), 1.25, JSON.stringify(settings));
  for (const settings of [{ epochs: 7 }, { steps: 100, batchSize: 4 }, { seconds: 10 }])
    t.is(await zoom(settings), 1, JSON.stringify(settings));
});

test.serial('the schedule follows from the number of images, unless one is given', async (t) => {
  const few = await plan(dataset(['cell'], { images: 100 }));
  const many = await plan(dataset(['cell'], { images: 4000 }));
  t.true((few.of('steps') as number) < (many.of('steps') as number));
  t.is(many.of('validateEvery'), (many.of('steps') as number) / 10);
  const timed = await plan(dataset(['cell']), { seconds: 600 });
  t.deepEqual([timed.of('steps'), timed.of('epochs'), timed.of('seconds')], [undefined, undefined, 600]);
  const epochs = await plan(dataset(['cell']), { epochs: 8 });
  t.deepEqual([epochs.of('steps'), epochs.of('validateEvery')], [undefined, 10]);
  t.is((await plan(dataset(['cell'], { images: 3 }))).of('batchSize'), 3);
});

test.serial('splits, and what there must be', async (t) => {
  const data = dataset(['cell']);
  t.deepEqual((await plan(data)).images, { train: 100, validation: 20, test: 10 });
  const all = await plan(data, { trainOnVal: true });
  t.deepEqual(all.images, { train: 120, validation: 0, test: 10 });
  t.is(all.of('validateEvery'), undefined);
  const bare = data.splits.train.images.map((image) => ({ ...image, boxes: [] }));
  const empty = { ...data, splits: { ...data.splits, train: { images: bare } } };
  await t.throwsAsync(plan(empty), { code: 'ERR_DATA', message: /boxes to train on for data, received 100 images/ });
});

test.serial('a run that nothing is measured in says so', async (t) => {
  const nothing = /\nnothing is measured on the way: /;
  t.notRegex(planText(await plan(dataset(['cat']))), nothing);
  t.regex(planText(await plan(dataset(['cat']), { trainOnVal: true })), nothing);
});
