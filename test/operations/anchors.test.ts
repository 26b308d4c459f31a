import test from 'ava';
import { crc32 } from 'node:zlib';
import { AnchorGrid } from 'retinanet-ops';
import { anchorBoxesReference } from '../reference/anchors.js';
import { bits } from '../support/compare.js';
import { goldenLines } from '../support/goldens.js';

const scales = [1, 2 ** (1 / 3), 2 ** (2 / 3)];
const aspectRatios = [0.5, 1, 2];

test('boxes, count and levels of grids of every size', (t) => {
  for (const [imageHeight, imageWidth] of [
    [640, 640],
    [1, 1],
    [61, 90],
    [192, 256],
    [7, 300],
  ] as const) {
    for (const strides of [[8, 16, 32, 64, 128], [16], [8, 32]]) {
      const config = { imageHeight, imageWidth, strides, baseSizes: strides.map((s) => 4 * s), scales, aspectRatios };
      const grid = new AnchorGrid(config);
      const want = anchorBoxesReference(config);
      t.is(bits(grid.boxes()), bits(want));
      t.is(grid.count, want.length / 4);
      let first = 0;
      grid.levels.forEach((level, i) => {
        t.is(level.stride, strides[i]!);
        t.is(level.height, Math.ceil(imageHeight / strides[i]!));
        t.is(level.width, Math.ceil(imageWidth / strides[i]!));
        t.is(level.anchorsPerCell, 9);
        t.is(level.offset, first);
        t.is(level.count, level.height * level.width * 9);
        first += level.count;
      });
      t.is(first, grid.count);
    }
  }
});

test('the order is level, row, column, scale, ratio; ratio is height by width', (t) => {
  const grid = new AnchorGrid({
    imageHeight: 20,
    imageWidth: 16,
    strides: [16, 32],
    baseSizes: [8, 64],
    scales: [1, 2],
    aspectRatios: [1, 4],
  });
  t.is(grid.count, 2 * 4 + 4);
  const box = (i: number) => [...grid.boxes().subarray(4 * i, 4 * i + 4)];
  t.deepEqual(box(0), [4, 4, 12, 12]);
  t.deepEqual(box(1), [6, 0, 10, 16]); // ratio 4: half as wide, twice as high
  t.deepEqual(box(2), [0, 0, 16, 16]); // the second scale
  t.deepEqual(box(4), [4, 20, 12, 28]); // the second row of cells
  t.deepEqual(box(8), [-16, -16, 48, 48]); // the second level
});

test('the grid of the COCO golden is torchvision-side bit for bit', (t) => {
  const strides = [8, 16, 32, 64, 128];
  const baseSizes = strides.map((s) => 4 * s);
  const grid = new AnchorGrid({ imageHeight: 640, imageWidth: 640, strides, baseSizes, scales, aspectRatios });
  const [, checksum = '', count] = goldenLines('coco-matcher.txt')[0]!.split(' ');
  t.is(grid.count, Number(count));
  t.is(crc32(Buffer.from(grid.boxes().buffer)).toString(16).padStart(8, '0'), checksum);
});

test('a stride that is a decimal number divides as one', (t) => {
  for (const [side, stride, cells] of [
    [7, 0.7, 10],
    [3, 0.3, 10],
    [6, 1.2, 5],
    [7, 0.8, 9],
    [100, 33.3, 4],
  ] as const) {
    const [level] = new AnchorGrid({ imageHeight: side, imageWidth: side, strides: [stride] }).levels;
    t.deepEqual([level?.height, level?.width], [cells, cells], `${String(side)} / ${String(stride)}`);
  }
  const wrong: string[] = [];
  for (let k = 10; k <= 2000; k += 3) {
    for (let side = 1; side <= 200; side += 7) {
      const exact = Number((100n * BigInt(side) + BigInt(k) - 1n) / BigInt(k));
      const [level] = new AnchorGrid({ imageHeight: side, imageWidth: 1, strides: [k / 100] }).levels;
      if (level?.height !== exact) wrong.push(`${String(side)} / ${String(k / 100)}`);
    }
  }
  t.deepEqual(wrong, []);
});
