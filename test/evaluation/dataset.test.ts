// A detector measured on files: as one picture after the other, put together by hand.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import * as retinanet from 'retinanet-ops/retinanet';

const SIZES = [
  [96, 64],
  [64, 96],
  [50, 50],
  [128, 32],
] as const;
const classes = ['cat', 'dog'];

let root: string;
let net: retinanet.RetinaNet;
let dataset: retinanet.AnnotatedDataset;

test.before(async () => {
  await retinanet.useNativeBackend();
  root = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
  const images: retinanet.AnnotatedImage[] = [];
  for (const [i, [width, height]] of SIZES.entries()) {
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * (i + 7)) % 251);
    const file = `${i}.png`;
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(root, file));
    const box: retinanet.BoxEdges = [2, 3, width / 2, height / 2];
    images.push({ file, width, height, boxes: [{ class: classes[i % 2]!, box, difficult: i === 3 }], ignore: [] });
  }
  dataset = {
    ...{ root, format: 'csv', classes, warnings: [] },
    splits: { train: { images: [] }, val: { images: [] }, test: { images } },
  };
  net = retinanet.createRetinaNet({
    ...{ numClasses: 2, classNames: classes, imageHeight: 64, imageWidth: 64 },
    ...{ pyramidChannels: 8, subnetDepth: 1, priorProbability: 0.2 },
  });
});

test.after.always(async () => {
  net.dispose();
  await rm(root, { recursive: true });
});

test('the numbers and boxes are those of detecting in one picture after the other', async (t) => {
  const expected: retinanet.CocoResult[] = [];
  const files = dataset.splits.test.images.map(({ file }) => join(root, file));
  for await (const found of retinanet.detectFiles(net, files, { scoreThreshold: 0.01, batchSize: 1 })) {
    const offsets = Int32Array.of(0, found.scores.length);
    expected.push(...retinanet.cocoResults({ ...found, offsets }, { imageIds: [files.indexOf(found.file) + 1] }));
  }
  const truth = retinanet.cocoTruth(classes, dataset.splits.test.images);
  const coco = retinanet.evaluateCoco(expected, truth);
  t.true(expected.length > 20, `${expected.length} detections`);
  for (const batchSize of [1, 3, 8]) {
    const done: number[] = [];
    const options = { batchSize, onImage: (count: number) => done.push(count) };
    t.deepEqual(await retinanet.evaluateDataset(net, dataset, 'test', options), { coco, truth, detections: expected });
    t.is(done.at(-1), 4);
    t.is(done.length, Math.ceil(4 / batchSize));
  }
});

test('classes are known by their names, in any order; one that the net has not is refused', async (t) => {
  const splits = { ...dataset.splits, test: { images: [] }, val: dataset.splits.test };
  const evaluated = (names: string[], split: 'test' | 'val', without: string[] = []) => {
    const images = splits.val.images.map((image) => {
      return { ...image, boxes: image.boxes.filter((box) => !without.includes(box.class)) };
    });
    const set = { ...dataset, splits: { ...splits, val: { images } }, classes: names };
    return retinanet.evaluateDataset(net, set, split);
  };
  const [straight, turned] = [await evaluated(['cat', 'dog'], 'val'), await evaluated(['dog', 'cat'], 'val')];
  t.deepEqual(turned.coco.classes.map(({ name, AP, numDetections }) => ({ name, AP, numDetections })).reverse(), [
    ...straight.coco.classes.map(({ name, AP, numDetections }) => ({ name, AP, numDetections })),
  ]);
  const dogs = await evaluated(['dog'], 'val', ['cat']);
  t.deepEqual(dogs.coco.classes[0]!.precision, straight.coco.classes[1]!.precision);
  const ofDogs = straight.detections.filter((one) => one.category_id === 2);
  t.deepEqual(dogs.detections, ofDogs.map((one) => ({ ...one, category_id: 1 }))); // prettier-ignore
  await t.throwsAsync(evaluated(['dog', 'cow'], 'val', ['cat']), {
    code: 'ERR_LABEL',
    message: 'evaluateDataset: expected those of the net, cat, dog for dataset.classes, received dog, cow',
  });
  await t.throwsAsync(evaluated(['dog'], 'test'), { code: 'ERR_DATA', message: /at least one/ });
});

test('a network with a frame for each picture is measured by what detectPicture finds', async (t) => {
  using any = retinanet.createRetinaNet({
    ...{ preset: 'torchvision-retinanet', backbone: 'compact', numClasses: 2, classNames: classes },
    ...{ imageHeight: 64, imageWidth: 64, shorterSide: 48, longerSide: 100 },
    ...{ pyramidChannels: 8, subnetDepth: 1, priorProbability: 0.2 },
  });
  const expected: retinanet.CocoResult[] = [];
  for (const [i, { file }] of dataset.splits.test.images.entries()) {
    const found = await retinanet.detectPicture(any, await retinanet.decodeImage(join(root, file)));
    expected.push(...retinanet.cocoResults(found, { imageIds: [i + 1] }));
  }
  t.true(expected.length > 20, `${expected.length} detections`);
  t.true(expected.every(({ score }) => score > 0.05));
  const { detections } = await retinanet.evaluateDataset(any, dataset, 'test');
  t.deepEqual(detections, expected);
  const files = dataset.splits.test.images.map(({ file }) => join(root, file));
  const ofFiles: retinanet.CocoResult[] = [];
  for await (const found of retinanet.detectFiles(any, files)) {
    const offsets = Int32Array.of(0, found.scores.length);
    ofFiles.push(...retinanet.cocoResults({ ...found, offsets }, { imageIds: [files.indexOf(found.file) + 1] }));
  }
  const onPictures = expected.filter(({ bbox }) => bbox[2] > 0 && bbox[3] > 0);
  t.true(onPictures.length < expected.length);
  t.deepEqual(ofFiles, onPictures);
  const wrong = dataset.splits.test.images.map((image) => ({ ...image, width: image.width + 1 }));
  const broken = { ...dataset, splits: { ...dataset.splits, test: { images: wrong } } };
  await t.throwsAsync(retinanet.evaluateDataset(any, broken, 'test'), {
    code: 'ERR_DATA',
    message: /expected 97x64 pixels, as annotated, for .*0\.png, received 96x64/,
  });
});

test('a picture that is gone is named, and an abort ends it', async (t) => {
  const [first, ...rest] = dataset.splits.test.images;
  const images = [...rest, { ...first!, file: 'gone.png' }];
  const broken = { ...dataset, splits: { ...dataset.splits, test: { images } } };
  await t.throwsAsync(retinanet.evaluateDataset(net, broken, 'test', { batchSize: 1 }), {
    code: 'ERR_DATA',
    message: /gone\.png/,
  });
  const abort = new AbortController();
  const abortNow = () => {
    abort.abort(new Error('enough'));
  };
  const options = { batchSize: 1, signal: abort.signal, onImage: abortNow };
  await t.throwsAsync(retinanet.evaluateDataset(net, dataset, 'test', options), { message: 'enough' });
});
