// What was found, drawn on pictures.
import { join } from 'node:path';
import test from 'ava';
import { drawDetections, type FoundObjects } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { classColour } from '#lib/retinanet/drawing/palette.js';
import { squares, temporaryFolder } from './squares.js';

const { folder, remove } = temporaryFolder();
test.after.always(remove);

const [WIDTH, HEIGHT] = [320, 200];
const gray = { data: squares(WIDTH, HEIGHT), width: WIDTH, height: HEIGHT };
const FOUND: FoundObjects = {
  boxes: Float32Array.of(40, 60, 140, 160, 200, 60, 290, 170),
  scores: Float32Array.of(0.9, 0.4),
  labels: Int32Array.of(0, 1),
};

async function pixels(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return { at, info };
}

/** Whether a pixel has about a colour. */
const isLike = (pixel: number[], colour: string) =>
  pixel.every((value, i) => Math.abs(value - Number.parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16)) < 40);

test('edges have the colour of the class, what is inside stays, and a label stands at the box', async (t) => {
  const { at, info } = await pixels(await drawDetections(gray, FOUND, { classNames: ['cat', 'dog'] }));
  t.deepEqual([info.width, info.height, info.channels, info.format], [WIDTH, HEIGHT, 3, 'raw']);
  for (const [x, y, label] of [
    [40, 110, 0],
    [139, 110, 0],
    [90, 60, 0],
    [90, 159, 0],
    [200, 120, 1],
    [250, 169, 1],
  ] as const) {
    t.true(isLike(at(x, y), classColour(label)), `${x}, ${y}: ${at(x, y).join()}`);
  }
  for (const [x, y] of [
    [90, 110],
    [250, 110],
    [20, 20],
  ] as const) {
    t.deepEqual(at(x, y), [128, 128, 128]);
  }
  // The label of the first: its ground, and letters in ink.
  const label = Array.from({ length: 60 * 12 }, (_, i) => at(40 + (i % 60), 46 + Math.floor(i / 60)));
  t.true(label.filter((pixel) => isLike(pixel, classColour(0))).length > 200);
  t.true(label.filter((pixel) => Math.max(...pixel) < 80).length > 20);
});

test('lines are thicker on larger pictures', async (t) => {
  const size = { width: 3200, height: 2000 };
  const data = squares(size.width, size.height);
  const boxes = FOUND.boxes.map((edge) => 10 * edge);
  const { at } = await pixels(await drawDetections({ data, ...size }, { ...FOUND, boxes }));
  const across = Array.from({ length: 60 }, (_, i) => at(370 + i, 1100));
  t.true(across.filter((pixel) => isLike(pixel, classColour(0))).length >= 8);
});

test('weak detections are left out, true boxes are white and dashed, and a scale enlarges all', async (t) => {
  const truth = Float32Array.of(20, 20, 300, 190);
  const { at, info } = await pixels(await drawDetections(gray, FOUND, { minScore: 0.5, truth, scale: 2 }));
  t.deepEqual([info.width, info.height], [2 * WIDTH, 2 * HEIGHT]);
  t.true(isLike(at(80, 220), classColour(0)));
  t.deepEqual(at(400, 240), [128, 128, 128]);
  const line = Array.from({ length: 100 }, (_, i) => at(40, 100 + i));
  const white = line.filter((pixel) => Math.min(...pixel) > 190).length;
  t.true(white > 30 && white < 70, `${white} of 100`);
});

test('a file is drawn upright, in any format', async (t) => {
  const file = join(folder, 'turned.png');
  await sharp(gray.data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .withMetadata({ orientation: 8 })
    .png()
    .toFile(file);
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const found = { ...FOUND, boxes: Float32Array.of(20, 30, 120, 300, 130, 30, 190, 120) };
    const bytes = await drawDetections(file, found, { format });
    const metadata = await sharp(bytes).metadata();
    t.deepEqual(
      [metadata.format, metadata.width, metadata.height, metadata.orientation],
      [format, HEIGHT, WIDTH, undefined],
    );
    // WebP has half as many pixels of colour.
    const pixel = (await pixels(bytes)).at(20, 200);
    t.true(format === 'webp' ? pixel[0]! > pixel[2]! + 60 : isLike(pixel, classColour(0)), `${format} ${pixel.join()}`);
  }
});

test('boxes may reach beyond the picture, be without area, and have names of any length and kind', async (t) => {
  const found: FoundObjects = {
    boxes: Float32Array.of(-50, -50, 900, 900, 10, 10, 10, 10, 2, 2, 5, 5),
    scores: Float32Array.of(1, 0.5, 0.25),
    labels: Int32Array.of(0, 1, 2),
  };
  const classNames = ['<a> & "b"'.repeat(20), '', '猫'];
  for (const [width, height] of [
    [8, 6],
    [320, 200],
    [2000, 3],
  ] as const) {
    const picture = { data: squares(width, height), width, height };
    const { info } = await pixels(await drawDetections(picture, found, { classNames }));
    t.deepEqual([info.width, info.height], [width, height]);
  }
  const none = { boxes: new Float32Array(), scores: new Float32Array(), labels: new Int32Array() };
  const { at } = await pixels(await drawDetections(gray, none));
  t.deepEqual(at(40, 60), [128, 128, 128]);
});
