// Images that training changes at random, against float64; and that boxes go where their pixels go.
import test from 'ava';
import { setNumThreads } from 'retinanet-ops';

import { bits, mismatch } from '../support/compare.js';
import { random } from '../support/random.js';

interface Change {
  scaleX: number;
  scaleY: number;
  shiftX: number;
  shiftY: number;
  gain: [number, number, number];
  offset: number;
}
const { changeBoxes, changeImage } = (await import(
  new URL('./data/augment.js', import.meta.resolve('retinanet-ops/retinanet')).href
)) as {
  changeImage: (image: Uint8Array, height: number, width: number, change: Change, out: Float32Array) => void;
  changeBoxes: (
    annotations: { boxes: number[]; labels: number[]; ignoreBoxes: number[] },
    height: number,
    width: number,
    change: Change,
  ) => { boxes: number[] };
};

const clamp = (value: number, high: number) => Math.max(0, Math.min(high, value));

function reference(image: Uint8Array, height: number, width: number, change: Change): Float64Array {
  const source = (i: number, size: number, scale: number, shift: number) =>
    clamp((i + 0.5 - size / 2 - shift) / scale + size / 2 - 0.5, size - 1);
  return Float64Array.from({ length: image.length }, (_, i) => {
    const [k, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const [sx, sy] = [source(x, width, change.scaleX, change.shiftX), source(y, height, change.scaleY, change.shiftY)];
    const [left, top] = [Math.floor(sx), Math.floor(sy)];
    const at = (row: number, column: number) =>
      image[(Math.min(row, height - 1) * width + Math.min(column, width - 1)) * 3 + k]!;
    const row = (r: number) => at(r, left) + (at(r, left + 1) - at(r, left)) * (sx - left);
    const value = row(top) + (row(top + 1) - row(top)) * (sy - top);
    return clamp((value - 128) * change.gain[k]! + 128 + change.offset, 255);
  });
}

const SIZES = [
  [1, 1],
  [1, 7],
  [5, 1],
  [33, 17],
  [70, 50],
] as const;

test.serial("values are float64's, and the same for every number of threads", (t) => {
  const next = random(1);
  for (const [height, width] of SIZES) {
    const image = Uint8Array.from({ length: height * width * 3 }, () => 256 * next());
    for (let i = 0; i < 8; i++) {
      const scale = () => (next() < 0.5 ? -1 : 1) * 4 ** (2 * next() - 1);
      const change: Change = {
        ...{ scaleX: scale(), scaleY: scale() },
        ...{ shiftX: (2 * next() - 1) * width, shiftY: (2 * next() - 1) * height },
        ...{ gain: [2 * next(), 2 * next(), 2 * next()], offset: 100 * next() - 50 },
      };
      const got = [1, 2, 3].map((threads) => {
        setNumThreads(threads);
        const out = new Float32Array(image.length).fill(NaN);
        changeImage(image, height, width, change, out);
        return out;
      });
      setNumThreads(0);
      const where = `${height}x${width}, ${JSON.stringify(change)}`;
      t.is(mismatch(got[0]!, reference(image, height, width, change), { relative: 1e-6, absolute: 1e-3 }), null, where);
      t.is(bits(got[1]!), bits(got[0]!));
      t.is(bits(got[2]!), bits(got[0]!));
    }
  }
});

test('no change leaves an image as it is', (t) => {
  const image = Uint8Array.from({ length: 9 * 6 * 3 }, (_, i) => (7 * i) % 256);
  const out = new Float32Array(image.length);
  changeImage(image, 9, 6, { scaleX: 1, scaleY: 1, shiftX: 0, shiftY: 0, gain: [1, 1, 1], offset: 0 }, out);
  t.deepEqual(Uint8Array.from(out), image);
});

test('boxes go where their pixels go', (t) => {
  const next = random(2);
  const [height, width] = [48, 64];
  for (let i = 0; i < 40; i++) {
    const flip = () => (next() < 0.5 ? -1 : 1);
    const change: Change = {
      ...{ scaleX: flip() * 1.5 ** (2 * next() - 1), scaleY: flip() * 1.5 ** (2 * next() - 1) },
      ...{ shiftX: 16 * next() - 8, shiftY: 16 * next() - 8 },
      ...{ gain: [1, 1, 1], offset: 0 },
    };
    const box = [20 + Math.floor(8 * next()), 16 + Math.floor(6 * next()), 36 + Math.floor(8 * next()), 30];
    const [x1, y1, x2, y2] = box as [number, number, number, number];
    const image = Uint8Array.from({ length: height * width * 3 }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
      return x >= x1 && x < x2 && y >= y1 && y < y2 ? 255 : 0;
    });
    const out = new Float32Array(image.length);
    changeImage(image, height, width, change, out);
    const { boxes } = changeBoxes({ boxes: box, labels: [0], ignoreBoxes: [] }, height, width, change);
    // The picture's light, and where its middle is; at the border of the box half of a pixel's light.
    let [light, sumX, sumY] = [0, 0, 0];
    for (let at = 0; at < out.length; at += 3) {
      const share = out[at]! / 255;
      light += share;
      sumX += share * (((at / 3) % width) + 0.5);
      sumY += share * (Math.floor(at / 3 / width) + 0.5);
    }
    const [left, top, right, bottom] = boxes as [number, number, number, number];
    const where = `${boxes.join()}, ${JSON.stringify(change)}`;
    t.true(Math.abs(light / ((right - left) * (bottom - top)) - 1) < 0.05, where);
    t.true(Math.abs(sumX / light - (left + right) / 2) < 0.3, where);
    t.true(Math.abs(sumY / light - (top + bottom) / 2) < 0.3, where);
  }
});
