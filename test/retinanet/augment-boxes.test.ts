// Coloured rectangles are drawn into images, pixels and boxes changed together, and each colour must be where its box says.
import fc from 'fast-check';
import test from 'ava';

interface Batch {
  images: Float32Array;
  truth: { boxes: Float32Array; labels: Int32Array; offsets: Int32Array; ignoreBoxes: Float32Array };
}
const modules = import.meta.resolve('retinanet-ops/retinanet');
const { BatchMaker } = (await import(new URL('./data/batches.js', modules).href)) as {
  BatchMaker: new (data: object, options: object) => { make(step: number, first: number, last: number): Batch };
};

const [HEIGHT, WIDTH] = [72, 96];
/** One primary colour a class; the ground is black, so that a share of it says how much of a pixel the rectangle covers. */
const COLOURS = 3;
const LIGHT = 240;

type Box = [x1: number, y1: number, x2: number, y2: number];

/** At most one rectangle of each colour in an image, none over another: they lie in columns of their own. */
const image = fc.tuple(...Array.from({ length: COLOURS }, () => fc.option(
  fc.record({ x: fc.integer({ min: 0, max: 12 }), y: fc.integer({ min: 0, max: 30 }), width: fc.integer({ min: 8, max: 19 }), height: fc.integer({ min: 8, max: 41 }), ignored: fc.boolean() }),
))).map((columns) => columns.flatMap((given, label) => {
  if (!given) return [];
  const x = label * 32 + given.x;
  const box: Box = [x, given.y, x + given.width, given.y + given.height];
  return [{ label, box, ignored: given.ignored }];
})); // prettier-ignore

const augment = fc.record({
  horizontalFlip: fc.boolean(),
  verticalFlip: fc.boolean(),
  zoom: fc.double({ min: 1, max: 2, noNaN: true }),
  aspect: fc.double({ min: 1, max: 2, noNaN: true }),
  shift: fc.double({ min: 0, max: 0.4, noNaN: true }),
  mosaic: fc.constantFrom(0, 0.5, 1),
  ...{ brightness: fc.constant(0), contrast: fc.constant(0), colour: fc.constant(0) },
});

function dataOf(images: { label: number; box: Box; ignored: boolean }[][]) {
  const pixels = new Uint8Array(images.length * HEIGHT * WIDTH * 3);
  const [boxes, labels, offsets]: [number[], number[], number[]] = [[], [], [0]];
  const [ignoreBoxes, ignoreOffsets]: [number[], number[]] = [[], [0]];
  images.forEach((objects, i) => {
    for (const { label, box, ignored } of objects) {
      for (let y = box[1]; y < box[3]; y++) {
        for (let x = box[0]; x < box[2]; x++) pixels[((i * HEIGHT + y) * WIDTH + x) * 3 + label] = LIGHT;
      }
      (ignored ? ignoreBoxes : boxes).push(...box);
      if (!ignored) labels.push(label);
    }
    offsets.push(labels.length);
    ignoreOffsets.push(ignoreBoxes.length / 4);
  });
  return {
    ...{ imageHeight: HEIGHT, imageWidth: WIDTH, length: images.length, images: pixels, ring: false },
    ...{ boxes: Float32Array.from(boxes), labels: Int32Array.from(labels), offsets: Int32Array.from(offsets) },
    ...{ ignoreBoxes: Float32Array.from(ignoreBoxes), ignoreOffsets: Int32Array.from(ignoreOffsets) },
  };
}

const inside = (x: number, y: number, [x1, y1, x2, y2]: Box, margin: number) =>
  x >= x1 + margin && x < x2 - margin && y >= y1 + margin && y < y2 - margin;

/** The first pixel that says otherwise than the boxes, or undefined. */
function contradiction({ images, truth }: Batch): string | undefined {
  const rows = (boxes: Float32Array) =>
    Array.from({ length: boxes.length / 4 }, (_, i) => Array.from(boxes.slice(4 * i, 4 * i + 4)) as Box);
  const objects = rows(truth.boxes).map((box, i) => ({ box, label: truth.labels[i]! }));
  const ignored = rows(truth.ignoreBoxes);
  for (let i = 0; i < HEIGHT * WIDTH; i++) {
    const [x, y] = [(i % WIDTH) + 0.5, Math.floor(i / WIDTH) + 0.5];
    const at = `at ${x}, ${y}: ${images.slice(3 * i, 3 * i + 3).join()}`;
    for (const { box, label } of objects) {
      if (inside(x, y, box, 1) && images[3 * i + label]! < 0.9 * LIGHT) return `no ${label} in ${box.join()} ${at}`;
    }
    for (let label = 0; label < COLOURS; label++) {
      if (images[3 * i + label]! < 0.6 * LIGHT) continue;
      const near = [...objects.filter((object) => object.label === label).map(({ box }) => box), ...ignored];
      if (!near.some((box) => inside(x, y, box, -1))) return `${label} outside of its boxes ${at}`;
    }
  }
  return undefined;
}

test('rectangles lie under their boxes, to a pixel, however images are changed and put together', (t) => {
  let [objects, ignored] = [0, 0];
  fc.assert(
    fc.property(fc.array(image, { minLength: 4, maxLength: 4 }), augment, fc.nat(1000), (images, options, seed) => {
      const maker = new BatchMaker(dataOf(images), { batchSize: 2, seed, augment: options, ground: [0, 0, 0] });
      for (let i = 0; i < 2; i++) {
        const batch = maker.make(0, i, i + 1);
        objects += batch.truth.labels.length;
        ignored += batch.truth.ignoreBoxes.length / 4;
        const found = contradiction(batch);
        if (found !== undefined) throw new Error(found);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
  t.log(`${objects} boxes, ${ignored} ignored`);
  t.true(objects > 300 && ignored > 100);
});
