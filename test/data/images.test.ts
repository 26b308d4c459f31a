// Pictures of every kind, whatever they are called, as upright 8-bit RGB.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { decodeImage, readDataset, readImageHeader } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { DOG, folder, picture, pixels, xml } from './folders.js';

const [WIDTH, HEIGHT] = [64, 48];
const raw = { raw: { width: WIDTH, height: HEIGHT, channels: 3 } } as const;

/** The mean of red at the middle of a box and beside it. */
function contrast({ data, width }: { data: Uint8Array; width: number }, [x1, y1, x2, y2]: readonly number[]) {
  const at = (x: number, y: number) => data[(Math.floor(y) * width + Math.floor(x)) * 3]!;
  const inside = [at(x1! + 2, y1! + 2), at(x2! - 3, y2! - 3), at((x1! + x2!) / 2, (y1! + y2!) / 2)];
  return { inside, outside: at(x2! + 3, y2! + 3) };
}

/** Where a stored pixel lies upright, by the standard's definition of each orientation. */
const UPRIGHT: Record<number, (x: number, y: number) => [x: number, y: number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [WIDTH - 1 - x, y],
  3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
  4: (x, y) => [x, HEIGHT - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [HEIGHT - 1 - y, x],
  7: (x, y) => [HEIGHT - 1 - y, WIDTH - 1 - x],
  8: (x, y) => [y, WIDTH - 1 - x],
};

test('every EXIF orientation turns the pixels, and boxes on stored pixels with them', async (t) => {
  const stored: typeof DOG = [2, 4, 22, 40];
  const root = await folder(t, {});
  for (const [orientation, upright] of Object.entries(UPRIGHT)) {
    const file = join(root, `${orientation}.jpg`);
    const exif = { orientation: Number(orientation) };
    await sharp(pixels(WIDTH, HEIGHT, stored), raw)
      .withMetadata(exif)
      .jpeg({ quality: 100 })
      .toFile(file);
    await writeFile(join(root, `${orientation}.xml`), xml(`${orientation}.jpg`, [['dog', stored]]));
    const header = await readImageHeader(file);
    const size = Number(orientation) >= 5 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    t.deepEqual([header.width, header.height, header.orientation], [...size, Number(orientation)]);
    const image = await decodeImage(file);
    t.deepEqual([image.width, image.height, image.data.length], [...size, WIDTH * HEIGHT * 3]);
    let wrong = 0;
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const [u, v] = upright(x, y);
        const isDark = image.data[(v * image.width + u) * 3]! < 110;
        if (isDark !== (x >= stored[0] && x < stored[2] && y >= stored[1] && y < stored[3])) wrong++;
      }
    }
    t.true(wrong < 8, `${orientation}: ${wrong} pixels`);
  }
  const { splits, warnings } = await readDataset(root, { val: 0 });
  for (const { file, boxes } of splits.train.images) {
    const orientation = file.slice(0, 1);
    const corners = [UPRIGHT[Number(orientation)]!(2, 4), UPRIGHT[Number(orientation)]!(21, 39)];
    const [xs, ys] = [0, 1].map((side) => corners.map((corner) => corner[side]!)) as [number[], number[]];
    const turned = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
    // Only a stated size that is not the upright one tells that boxes are on the stored pixels.
    t.deepEqual(boxes[0]!.box as number[], orientation >= '5' ? turned : stored, file);
  }
  t.deepEqual(
    warnings.map(({ kind, count }) => [kind, count]),
    [['boxes-turned', 4]],
  );
});

test('formats by content: names that lie, gray, transparent, palettes, CMYK, animations, 16 bits, shares', async (t) => {
  const root = await folder(t, {});
  const source = () => sharp(pixels(WIDTH, HEIGHT, DOG), raw);
  const deep = (most: number) =>
    Uint16Array.from(pixels(WIDTH, HEIGHT, DOG), (value) => Math.round((value / 255) * most));
  const frames = Buffer.concat([pixels(WIDTH, HEIGHT, DOG), pixels(WIDTH, HEIGHT)]);
  const made: Record<string, [bytes: Buffer, format: string, range?: number]> = {
    'png.jpg': [await picture('png'), 'png'],
    'jpeg.png': [await picture('jpeg'), 'jpeg'],
    'webp.jpeg': [await picture('webp'), 'webp'],
    'gif.JPG': [await picture('gif'), 'gif'],
    'tiff.bmp': [await picture('tiff'), 'tiff'],
    'gray.jpg': [await source().grayscale().jpeg().toBuffer(), 'jpeg'],
    'gray.png': [await source().grayscale().png().toBuffer(), 'png'],
    'alpha.png': [await source().ensureAlpha(1).png().toBuffer(), 'png'],
    'grayalpha.png': [await source().grayscale().ensureAlpha(1).png().toBuffer(), 'png'],
    'palette.png': [await source().png({ palette: true, colours: 4 }).toBuffer(), 'png'],
    'cmyk.jpg': [await source().toColourspace('cmyk').jpeg().toBuffer(), 'jpeg'],
    'animated.gif': [
      await sharp(frames, { raw: { ...raw.raw, height: 2 * HEIGHT, pageHeight: HEIGHT } })
        .gif()
        .toBuffer(),
      'gif',
    ],
    'deep.png': [await sharp(deep(65_535), raw).toColourspace('rgb16').png().toBuffer(), 'png', 65_535],
    'twelve.png': [await sharp(deep(4095), raw).toColourspace('rgb16').png().toBuffer(), 'png', 4095],
  };
  for (const [name, [bytes, format, range]] of Object.entries(made)) {
    const file = join(root, name);
    await writeFile(file, bytes);
    const header = await readImageHeader(file);
    t.deepEqual(
      [header.format, header.width, header.height, header.deep],
      [format, WIDTH, HEIGHT, range !== undefined],
      name,
    );
    const image = await decodeImage(file);
    t.is(image.data.length, WIDTH * HEIGHT * 3, name);
    t.is(image.range, range, name);
    const { inside, outside } = contrast(image, DOG);
    const spread = name.startsWith('cmyk') ? 30 : 6;
    for (const value of inside) t.true(Math.abs(value - 20) <= spread, `${name} ${value}`);
    t.true(Math.abs(outside - 200) <= spread, `${name} ${outside}`);
    const small = await decodeImage(file, { width: 32, height: 24 });
    t.deepEqual([small.width, small.height, small.originalWidth, small.originalHeight], [32, 24, WIDTH, HEIGHT]);
    t.true(
      contrast(
        small,
        DOG.map((side) => side / 2),
      ).outside > 150,
      name,
    );
  }
  const clear = Buffer.alloc(4 * 16);
  await writeFile(
    join(root, 'clear.png'),
    await sharp(clear, { raw: { width: 4, height: 4, channels: 4 } })
      .png()
      .toBuffer(),
  );
  t.is((await decodeImage(join(root, 'clear.png'))).data[0], 255, 'what is transparent is white');
});

/** A Windows bitmap of 1, 4, 8, 16, 24 or 32 bits with a dark box on light ground. */
function bitmap(bits: number, topDown = false): Buffer {
  const colours = bits <= 8 ? 2 : 0;
  const rowBytes = 4 * Math.ceil((WIDTH * bits) / 32);
  const start = 54 + 4 * colours;
  const bytes = Buffer.alloc(start + rowBytes * HEIGHT);
  bytes.write('BM', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(start, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(WIDTH, 18);
  bytes.writeInt32LE(topDown ? -HEIGHT : HEIGHT, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(bits, 28);
  bytes.writeUInt32LE(colours, 46);
  if (colours > 0) bytes.set([200, 100, 200, 0, 20, 20, 20, 0], 54);
  for (let y = 0; y < HEIGHT; y++) {
    const row = start + rowBytes * (topDown ? y : HEIGHT - 1 - y);
    for (let x = 0; x < WIDTH; x++) {
      const dark = x >= DOG[0] && x < DOG[2] && y >= DOG[1] && y < DOG[3];
      if (bits <= 8 && dark) bytes[row + Math.floor((x * bits) / 8)]! |= 1 << (8 - bits - ((x * bits) % 8));
      else if (bits === 16)
        bytes.writeUInt16LE(dark ? (2 << 10) | (2 << 5) | 2 : (24 << 10) | (12 << 5) | 24, row + 2 * x);
      else if (bits > 16) bytes.set(dark ? [20, 20, 20] : [200, 100, 200], row + (bits / 8) * x);
    }
  }
  return bytes;
}

test('Windows bitmaps of every depth, either way up', async (t) => {
  const root = await folder(t, {});
  const file = join(root, 'b.jpg');
  for (const bits of [1, 4, 8, 16, 24, 32]) {
    for (const topDown of [false, true]) {
      await writeFile(file, bitmap(bits, topDown));
      t.deepEqual(await readImageHeader(file), {
        format: 'bmp',
        width: WIDTH,
        height: HEIGHT,
        orientation: 1,
        deep: false,
      });
      const image = await decodeImage(file);
      const { inside, outside } = contrast(image, DOG);
      for (const value of inside) t.true(Math.abs(value - 20) <= 4, `${bits}: ${value}`);
      t.true(Math.abs(outside - 200) <= 4, `${bits}: ${outside}`);
      t.true(Math.abs(image.data[1]! - 100) <= 4, `${bits}: green ${image.data[1] ?? ''}`);
    }
  }
  await writeFile(file, bitmap(24).subarray(0, 5000));
  await t.throwsAsync(() => readImageHeader(file), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_DATA',
    message: /cut off/,
  });
});

test('what is cut off, empty or no picture is told by the header already, and left out of a data set', async (t) => {
  const root = await folder(t, {});
  const whole = await picture('jpeg');
  const damaged: Record<string, Buffer> = {
    'empty.jpg': Buffer.alloc(0),
    'page.jpg': Buffer.from('<!DOCTYPE html><html><body>404</body></html>'),
    'drawing.png': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"/>'),
    'zeros.png': Buffer.alloc(500),
  };
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff'] as const) {
    const bytes = await picture(format);
    damaged[`half.${format}`] = bytes.subarray(0, bytes.length / 2);
    damaged[`last.${format}`] = bytes.subarray(0, Math.floor(bytes.length * 0.9));
  }
  for (const [name, bytes] of Object.entries(damaged)) {
    await writeFile(join(root, name), bytes);
    for (const read of [readImageHeader, decodeImage]) {
      const message = new RegExp(`^${read.name}: expected a picture for .*${name}, received [^\\n]+$`);
      await t.throwsAsync(
        () => read(join(root, name)),
        { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message },
        name,
      );
    }
    await writeFile(join(root, name.replace(/\.\w+$/, `_${name.split('.')[1]!}.xml`)), xml(name, [['dog', DOG]]));
  }
  await writeFile(join(root, 'trailing.jpg'), Buffer.concat([whole, Buffer.alloc(6000)]));
  t.is((await readImageHeader(join(root, 'trailing.jpg'))).width, WIDTH, 'bytes after the end do no harm');
  for (let i = 0; i < 20; i++) {
    await writeFile(join(root, `good${i}.jpg`), whole);
    await writeFile(join(root, `good${i}.xml`), xml(`good${i}.jpg`, [['dog', DOG]]));
  }
  const { splits, warnings } = await readDataset(root, { val: 0 });
  t.is(splits.train.images.length, 20);
  t.deepEqual(
    warnings.map(({ kind, count }) => [kind, count]),
    [
      ['image-without-annotation', 1],
      ['image-damaged', Object.keys(damaged).length],
    ],
  );
});
