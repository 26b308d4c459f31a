import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { validateDataset, type DetectionDataset } from 'retinanet-ops/retinanet';

function good(): DetectionDataset {
  return {
    classNames: ['cat', 'dog'],
    imageHeight: 8,
    imageWidth: 16,
    length: 3,
    images: new Uint8Array(new SharedArrayBuffer(3 * 8 * 16 * 3)),
    boxes: Float32Array.of(0, 0, 4, 4, 1, 1, 16, 8, -2, 3, 5, 6),
    labels: Int32Array.of(0, 1, 1),
    offsets: Int32Array.of(0, 2, 2, 3),
    names: ['a.jpg', 'b.jpg', 'c.jpg'],
  };
}

test('a well-formed data set passes, images without objects included', (t) => {
  t.notThrows(() => {
    validateDataset(good());
  });
});

const bad: [what: string, code: string, message: RegExp, change: (d: DetectionDataset) => object][] = [
  ['no classes', 'ERR_SHAPE', /classNames/, () => ({ classNames: [] })],
  ['no images', 'ERR_RANGE', /length .* got 0/, () => ({ length: 0 })],
  ['a fractional size', 'ERR_RANGE', /imageWidth .* got 1\.5/, () => ({ imageWidth: 1.5 })],
  [
    'pixels of another kind',
    'ERR_DTYPE',
    /images .* Uint8Array .* got Float32Array/,
    () => ({ images: new Float32Array(1152) }),
  ],
  ['too few pixels', 'ERR_SHAPE', /images must have 1152 elements .* got 5/, () => ({ images: new Uint8Array(5) })],
  ['labels of another kind', 'ERR_DTYPE', /labels .* Int32Array .* got Array/, () => ({ labels: [0, 1, 1] })],
  ['boxes that do not fit', 'ERR_SHAPE', /boxes must have 12 elements/, () => ({ boxes: new Float32Array(8) })],
  ['too few offsets', 'ERR_SHAPE', /offsets must have 4 elements/, () => ({ offsets: Int32Array.of(0, 3) })],
  [
    'offsets that fall',
    'ERR_SHAPE',
    /not fall \(2 before\), got 1 at entry 2/,
    () => ({ offsets: Int32Array.of(0, 2, 1, 3) }),
  ],
  ['offsets that end early', 'ERR_SHAPE', /end at 3.* got 2/, () => ({ offsets: Int32Array.of(0, 1, 2, 2) })],
  ['names that do not fit', 'ERR_SHAPE', /names/, () => ({ names: ['a.jpg'] })],
  [
    'an unknown label',
    'ERR_LABEL',
    /0 to 1, got 2 at row 2 \(image c\.jpg\)/,
    () => ({ labels: Int32Array.of(0, 1, 2) }),
  ],
  [
    'a box without area',
    'ERR_BOX',
    /\[1, 1, 1, 8\] at row 1 \(image a\.jpg\)/,
    (d) => ({ boxes: d.boxes.fill(1, 6, 7) }),
  ],
  ['a box that is not finite', 'ERR_BOX', /at row 0/, (d) => ({ boxes: d.boxes.fill(NaN, 0, 1) })],
  [
    'a box outside its image',
    'ERR_BOX',
    /touch their 16x8 image.* row 2/,
    (d) => ({ boxes: d.boxes.fill(-1, 10, 11) }),
  ],
];

for (const [what, code, message, change] of bad) {
  test(`refuses ${what}`, (t) => {
    const dataset = good();
    const error = t.throws(
      () => {
        validateDataset({ ...dataset, ...change(dataset) });
      },
      {
        instanceOf: RetinanetOpsError,
      },
    );
    t.is(error.code, code as typeof error.code);
    t.regex(error.message, message);
  });
}
