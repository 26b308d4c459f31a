// The conventions of other frameworks, each by its own formula.
import test from 'ava';
import { crc32 } from 'node:zlib';
import { AnchorGrid, RetinanetOpsError, type AnchorGridOptions } from 'retinanet-ops';
import { anchorBoxesReference } from '../reference/anchors.js';
import { bits } from '../support/compare.js';
import { f32, goldenCases, type Packed } from '../support/goldens.js';

const { fround } = Math;
const RATIOS = [0.5, 1, 2];
const SCALES = [1, 2 ** (1 / 3), 2 ** (2 / 3)];

interface Golden {
  imageHeight: number;
  imageWidth: number;
  featureSizes: [number, number][];
  sizes: number[][];
  aspectRatios: number[];
  count: number;
  crc32: number;
  first: number[][];
  last: number[][];
  anchors?: Packed;
}

test("torchvision's AnchorGenerator to the bit, on a dozen image sizes", (t) => {
  for (const { imageHeight, imageWidth, featureSizes, sizes, aspectRatios, ...want } of goldenCases<Golden>(
    'anchor-generator.json',
  )) {
    const grid = new AnchorGrid({
      ...{ imageHeight, imageWidth, featureSizes, sizes, aspectRatios, centerOffset: 0 },
      strides: featureSizes.map(([rows, columns]): [number, number] => [
        Math.floor(imageHeight / rows),
        Math.floor(imageWidth / columns),
      ]),
      rounding: 'half-to-even',
      order: 'ratio-major',
    });
    const boxes = grid.boxes();
    t.is(grid.count, want.count);
    t.deepEqual([...boxes.subarray(0, 36)], want.first.flat());
    t.deepEqual([...boxes.subarray(-36)], want.last.flat());
    if (want.anchors) t.is(bits(boxes), bits(f32(want.anchors)));
    t.is(crc32(Buffer.from(boxes.buffer)), want.crc32);
  }
});

/** The anchors of one level, from those of a cell around 0 and the shifts of rows and columns. */
const shifted = (cell: number[][], ys: number[], xs: number[]) =>
  Float32Array.from(
    ys.flatMap((y) => xs.flatMap((x) => cell.flatMap(([x1, y1, x2, y2]) => [x1! + x, y1! + y, x2! + x, y2! + y]))),
  );
const upTo = (n: number, at: (i: number) => number) => Array.from({ length: n }, (_, i) => at(i));

test("detectron2's DefaultAnchorGenerator: offset 0, by size and then by ratio", (t) => {
  const sizes = SCALES.map((scale) => 32 * scale);
  const cell = sizes.flatMap((size) =>
    RATIOS.map((ratio) => {
      const width = Math.sqrt(size ** 2 / ratio);
      const height = ratio * width;
      return [-width / 2, -height / 2, width / 2, height / 2].map(fround);
    }),
  );
  const grid = new AnchorGrid({ imageHeight: 60, imageWidth: 90, strides: [8], sizes: [sizes], centerOffset: 0 });
  t.is(bits(grid.boxes()), bits(shifted(cell, upTo(8, (i) => 8 * i), upTo(12, (i) => 8 * i)))); // prettier-ignore
});

test("mmdet's AnchorGenerator, scale_major: offset 0, by ratio and then by scale, in float32", (t) => {
  const scales = SCALES.map((scale) => fround(4 * scale));
  const cell = RATIOS.flatMap((ratio) => {
    const high = fround(Math.sqrt(ratio));
    const wide = fround(1 / high);
    return scales.map((scale) => {
      const [width, height] = [fround(fround(16 * wide) * scale), fround(fround(16 * high) * scale)];
      return [-width / 2, -height / 2, width / 2, height / 2];
    });
  });
  const grid = new AnchorGrid({
    ...{ imageHeight: 60, imageWidth: 90, strides: [[16, 16]], baseSizes: [64], centerOffset: 0, order: 'ratio-major' },
    featureSizes: [[5, 6]],
  });
  const want = shifted(cell, upTo(5, (i) => 16 * i), upTo(6, (i) => 16 * i)); // prettier-ignore
  // Where mmdet rounds three times, half sizes are rounded once.
  const off = grid.boxes().map((side, i) => Math.abs(side - want[i]!));
  t.is(off.length, want.length);
  t.true(Math.max(...off) <= 2e-5);
});

test("keras-retinanet's anchors_for_shape: offset 0.5, by ratio and then by scale, in float64", (t) => {
  const cell = RATIOS.flatMap((ratio) =>
    SCALES.map((scale) => {
      const width = Math.sqrt((32 * scale) ** 2 / ratio);
      return [-width / 2, (-width * ratio) / 2, width / 2, (width * ratio) / 2];
    }),
  );
  const grid = new AnchorGrid({ imageHeight: 60, imageWidth: 90, strides: [8], order: 'ratio-major' });
  const want = shifted(cell, upTo(8, (i) => (i + 0.5) * 8), upTo(12, (i) => (i + 0.5) * 8)); // prettier-ignore
  const off = grid.boxes().map((side, i) => Math.abs(side - want[i]!));
  t.is(off.length, want.length);
  t.true(Math.max(...off) <= 1e-5);
});

test('offsets, strides by axis, numbers of cells and orders are those of the reference', (t) => {
  const image = { imageHeight: 61, imageWidth: 90, baseSizes: [20, 33.3], scales: SCALES, aspectRatios: RATIOS };
  for (const centerOffset of [0, 0.3, 0.5, 1]) {
    for (const order of ['scale-major', 'ratio-major'] as const) {
      for (const more of [
        {},
        {
          featureSizes: [
            [3, 9],
            [7, 1],
          ] as [number, number][],
        },
      ]) {
        const config = { ...image, centerOffset, order, strides: [[8, 12.5] as [number, number], 17], ...more };
        const grid = new AnchorGrid(config);
        t.is(bits(grid.boxes()), bits(anchorBoxesReference(config)));
        t.deepEqual([grid.levels[0]!.stride, grid.levels[0]!.horizontalStride], [8, 12.5]);
        t.deepEqual(grid.featureSizes[1], [grid.levels[1]!.height, grid.levels[1]!.width]);
        t.is(grid.centerOffset, centerOffset);
        t.is(grid.order, order);
      }
    }
  }
});

test('sizes stand in the place of base sizes and scales', (t) => {
  const image = { imageHeight: 40, imageWidth: 50, strides: [8, 16] };
  const products = new AnchorGrid({ ...image, baseSizes: [10, 20], scales: [1, 1.5] });
  const listed = new AnchorGrid({ ...image, sizes: [[10, 15], Float32Array.of(20, 30)] }); // prettier-ignore
  t.is(bits(listed.boxes()), bits(products.boxes()));
  t.deepEqual(listed.sizes, products.sizes);
  t.is(listed.baseSizes, undefined);
  t.throws(() => (listed.sizes[0] as number[]).push(1), { instanceOf: TypeError });
});

test('bad conventions are refused by name', (t) => {
  const cases: [object, string, RegExp][] = [
    [{ centerOffset: -0.1 }, 'ERR_RANGE', /a finite number in \[0, 1\] for centerOffset, received -0.1/],
    [
      { strides: [[8, 8, 8]] },
      'ERR_SHAPE',
      /2 elements \(between rows and between columns\) for strides\[0\], received 3/,
    ],
    [{ strides: [[8, 0]] }, 'ERR_RANGE', /strides\[0\], received 0 at row 1/],
    [{ strides: [8, null] }, 'ERR_DTYPE', /strides\[1\], received null/],
    [{ featureSizes: [[1, 2]] }, 'ERR_SHAPE', /5 values, one per stride for featureSizes, received 1/],
    [{ strides: [8], featureSizes: [[0, 2]] }, 'ERR_RANGE', /featureSizes\[0\], received 0 at row 0/],
    [{ strides: [64], featureSizes: [[1, 2 ** 20]] }, 'ERR_RANGE', /2\^25 pixels together for featureSizes/],
    [{ sizes: [[8]] }, 'ERR_SHAPE', /5 values, one per stride for sizes, received 1/],
    [
      { strides: [8, 16], sizes: [[8], [8, 9]] },
      'ERR_SHAPE',
      /as many as on the first level\) for sizes\[1\], received 2/,
    ],
    [{ strides: [8], sizes: [[8]], scales: [1] }, 'ERR_OPTION', /no baseSizes and scales.* for sizes, received both/],
    [{ strides: [8], sizes: [8] }, 'ERR_DTYPE', /an array of numbers for sizes\[0\], received 8/],
    [{ strides: [8], baseSizes: [0.5], rounding: 'half-to-even' }, 'ERR_RANGE', /half a side of 0/],
    [{ rounding: 'up' }, 'ERR_OPTION', /'half-to-even' for rounding, received 'up'/],
    [{ order: 'size-major' }, 'ERR_OPTION', /for order, received 'size-major'/],
  ];
  for (const [given, code, message] of cases) {
    const options = { imageHeight: 64, imageWidth: 64, ...given } as AnchorGridOptions;
    const error = t.throws(() => new AnchorGrid(options), { message }) as RetinanetOpsError | undefined;
    t.is(error?.code as string, code);
  }
});
