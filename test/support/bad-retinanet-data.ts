// The rows of the table of bad calls that spoil what is in images: data sets, truth and detections.
import type { ErrorCode } from 'retinanet-ops';
import { f32, i32 } from './arrays.js';
import { goodAnnotations, goodDataset, goodDetections, type Name } from './retinanet-calls.js';

/** `bad` adds a call whose argument of that index is `value`. */
export function badRetinanetData(
  bad: (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void,
): void {
  const ofTruth = (given: object, code: ErrorCode, text: string): void => {
    const spoilt = { ...goodDataset(), ...given };
    bad('validateDataset', 0, spoilt, code, new RegExp(text.replaceAll('DATA', 'dataset')));
    bad('trainRetinaNet', 1, spoilt, code, new RegExp(text.replaceAll('DATA', 'dataset')));
    bad('evaluateDetections', 1, spoilt, code, new RegExp(text.replaceAll('DATA', 'truth')));
  };
  ofTruth({ classNames: undefined }, 'ERR_DTYPE', 'an Array of strings for DATA.classNames, received undefined');
  ofTruth({ classNames: [] }, 'ERR_SHAPE', 'at least one name for DATA.classNames');
  ofTruth({ classNames: ['cat', null] }, 'ERR_DTYPE', 'a string for DATA.classNames, received null at row 1');
  ofTruth({ labels: [0, 1, 1] }, 'ERR_DTYPE', 'an Int32Array for DATA.labels, received an Array');
  ofTruth({ labels: new Uint32Array(3) }, 'ERR_DTYPE', 'DATA.labels, received a Uint32Array');
  ofTruth({ labels: i32(0, 1) }, 'ERR_SHAPE', '8 elements .*for DATA.boxes, received 12');
  ofTruth({ labels: i32(0, 1, 2) }, 'ERR_LABEL', 'below 2 for DATA.labels, received 2 at row 2 \\(image c.jpg\\)');
  ofTruth({ labels: i32(0, -1, 1) }, 'ERR_LABEL', 'DATA.labels, received -1 at row 1 \\(image a.jpg\\)');
  ofTruth({ boxes: null }, 'ERR_DTYPE', 'a Float32Array for DATA.boxes, received null');
  ofTruth({ boxes: new Float64Array(12) }, 'ERR_DTYPE', 'DATA.boxes, received a Float64Array');
  ofTruth({ boxes: new Float32Array(6) }, 'ERR_SHAPE', '12 elements .*for DATA.boxes, received 6');
  ofTruth(
    { boxes: f32(0, 0, 4, 4, 1, 1, 1, 8, -2, 3, 5, 6) },
    'ERR_BOX',
    'DATA.boxes, received \\[1, 1, 1, 8\\] at row 1 \\(image a.jpg\\)',
  );
  ofTruth(
    { boxes: f32(0, 0, 4, 4, 1, 1, 16, 8, -2, 3, NaN, 6), names: undefined },
    'ERR_BOX',
    'DATA.boxes, received \\[-2, 3, NaN, 6\\] at row 2 \\(image 2\\)',
  );
  ofTruth({ offsets: null }, 'ERR_DTYPE', 'an Int32Array for DATA.offsets, received null');
  ofTruth({ offsets: i32(1, 2, 2, 3) }, 'ERR_RANGE', 'start at 0 for DATA.offsets, received 1 at row 0');
  ofTruth({ offsets: i32(0, 2, 1, 3) }, 'ERR_RANGE', 'never fall \\(after 2\\) for DATA.offsets, received 1 at row 2');
  ofTruth({ offsets: i32(0, 1, 2, 2) }, 'ERR_SHAPE', 'a last offset of 3.* for DATA.offsets, received 2');
  ofTruth({ offsets: i32() }, 'ERR_SHAPE', 'DATA.offsets, received 0');
  ofTruth({ names: 'abc' }, 'ERR_DTYPE', "an Array of strings for DATA.names, received 'abc'");
  ofTruth({ names: ['a.jpg'] }, 'ERR_SHAPE', '3 elements \\(one per image\\) for DATA.names, received 1');
  ofTruth({ names: ['a.jpg', 2, 'c.jpg'] }, 'ERR_DTYPE', 'a string for DATA.names, received 2 at row 1');
  const ofDataset = (given: object, code: ErrorCode, message: RegExp): void => {
    bad('validateDataset', 0, { ...goodDataset(), ...given }, code, message);
    bad('trainRetinaNet', 1, { ...goodDataset(), ...given }, code, message);
  };
  ofDataset({ imageHeight: 1.5 }, 'ERR_RANGE', /dataset\.imageHeight, received 1\.5/);
  ofDataset({ imageWidth: '24' }, 'ERR_DTYPE', /dataset\.imageWidth, received '24'/);
  ofDataset({ length: 0 }, 'ERR_RANGE', /dataset\.length, received 0/);
  ofDataset({ length: 2 }, 'ERR_SHAPE', /2304 elements \[n, H, W, 3\] for dataset\.images, received 3456/);
  ofDataset({ images: new Uint8Array(5) }, 'ERR_SHAPE', /dataset\.images, received 5/);
  ofDataset(
    { boxes: f32(0, 0, 4, 4, 1, 1, 16, 8, -2, 3, -1, 6) },
    'ERR_BOX',
    /touch their 24x16 image .*row 2 \(image c/,
  );
  const ignored = { ignoreBoxes: f32(0, 0, 4, 4), ignoreOffsets: i32(0, 0, 1, 1) };
  const ofIgnored = (given: object, code: ErrorCode, message: RegExp): void => {
    ofDataset({ ...ignored, ...given }, code, message);
  };
  ofIgnored({ ignoreOffsets: undefined }, 'ERR_OPTION', /together for dataset\.ignoreOffsets, received undefined/);
  ofIgnored({ ignoreBoxes: undefined }, 'ERR_OPTION', /together for dataset\.ignoreBoxes, received undefined/);
  ofIgnored({ ignoreBoxes: null }, 'ERR_DTYPE', /a Float32Array for dataset\.ignoreBoxes, received null/);
  ofIgnored({ ignoreBoxes: f32(0, 0, 4) }, 'ERR_SHAPE', /four values per box for dataset\.ignoreBoxes, received 3/);
  ofIgnored({ ignoreBoxes: f32(0, 0, 0, 4) }, 'ERR_BOX', /dataset\.ignoreBoxes, .*row 0 \(image b\.jpg\)/);
  ofIgnored({ ignoreOffsets: i32(0, 0, 1) }, 'ERR_SHAPE', /4 elements .*dataset\.ignoreOffsets, received 3/);
  ofIgnored(
    { ignoreOffsets: i32(0, 0, 2, 1) },
    'ERR_RANGE',
    /never fall .*dataset\.ignoreOffsets, received 1 at row 3/,
  );
  bad(
    'trainRetinaNet',
    1,
    { ...goodDataset(), read: true },
    'ERR_DTYPE',
    /a function for dataset\.read, received true/,
  );
  const source = { ...goodDataset(), read: () => Promise.resolve() };
  bad('trainRetinaNet', 1, { ...source, length: 2 }, 'ERR_SHAPE', /dataset\.offsets, received 4/);
  bad(
    'trainRetinaNet',
    1,
    { ...source, imageWidth: 32 },
    'ERR_SHAPE',
    /24, as the net has it, for dataset\.imageWidth/,
  );

  const ofAnnotations = (given: object, code: ErrorCode, message: RegExp): void => {
    bad('openImages', 0, { ...goodAnnotations(), ...given }, code, message);
  };
  ofAnnotations({ root: null }, 'ERR_DTYPE', /a string for dataset\.root, received null/);
  ofAnnotations({ classes: 'cat' }, 'ERR_DTYPE', /an Array of strings for dataset\.classes, received 'cat'/);
  ofAnnotations(
    { classes: ['cat'] },
    'ERR_LABEL',
    /one of dataset\.classes for a box, received 'dog' \(image a\.jpg\)/,
  );
  ofAnnotations({ splits: null }, 'ERR_DTYPE', /an object for dataset\.splits, received null/);
  ofAnnotations({ splits: {} }, 'ERR_DTYPE', /an object for dataset\.splits\.train, received undefined/);
  const ofImages = (images: unknown, code: ErrorCode, message: RegExp): void => {
    ofAnnotations({ splits: { train: { images } } }, code, message);
  };
  const [image] = goodAnnotations().splits.train.images;
  ofImages({}, 'ERR_DTYPE', /an Array for dataset\.splits\.train\.images, received an object/);
  ofImages([], 'ERR_DATA', /at least one image for dataset\.splits\.train, received none/);
  ofImages([image, 7], 'ERR_DTYPE', /an object for dataset\.splits\.train\.images\[1\], received 7/);
  ofImages([{ ...image, file: 7 }], 'ERR_DTYPE', /a string for .*images\.file, received 7 at row 0/);
  ofImages([{ ...image, width: 0 }], 'ERR_RANGE', /images\.width, received 0 at row 0/);
  ofImages([{ ...image, boxes: null }], 'ERR_DTYPE', /an Array for .*images\.boxes, received null at row 0/);
  ofImages([{ ...image, ignore: undefined }], 'ERR_DTYPE', /an Array for .*images\.ignore, received undefined/);
  const ofBox = (box: unknown, code: ErrorCode, message: RegExp): void => {
    ofImages([{ ...image, boxes: [box] }], code, message);
  };
  ofBox(null, 'ERR_DTYPE', /an object for a box, received null \(image a\.jpg\)/);
  ofBox({ class: 'dog' }, 'ERR_DTYPE', /\[x1, y1, x2, y2\] for a box, received undefined \(image a\.jpg\)/);
  ofBox({ class: 'dog', box: [0, 0, 4] }, 'ERR_DTYPE', /\[x1, y1, x2, y2\] for a box, received an Array/);
  ofBox(
    { class: 'dog', box: [4, 0, 4, 4] },
    'ERR_BOX',
    /x2 > x1 .* for dataset\.boxes, received .* at row 0 \(image a\.jpg\)/,
  );
  ofBox({ class: 'dog', box: [640, 0, 650, 4] }, 'ERR_BOX', /touch their 640x480 image for a box, .*\(image a\.jpg\)/);
  bad('openImages', 1, 'training', 'ERR_OPTION', /one of 'train', 'val', 'test' for split, received 'training'/);
  bad('openImages', 1, 'val', 'ERR_DATA', /at least one image for dataset\.splits\.val, received none/);
  for (const name of ['openImages', 'loadImage'] as const) {
    const index = name === 'openImages' ? 2 : 1;
    const ofFrame = (frame: unknown, code: ErrorCode, message: RegExp): void => {
      bad(name, index, frame, code, message);
    };
    const size = { imageHeight: 16, imageWidth: 24 };
    ofFrame(undefined, 'ERR_DTYPE', /an object for frame, received undefined/);
    ofFrame({ ...size, imageHeight: '16' }, 'ERR_DTYPE', /frame\.imageHeight, received '16'/);
    ofFrame({ ...size, imageWidth: 0 }, 'ERR_RANGE', /frame\.imageWidth, received 0/);
    ofFrame({ ...size, pixelMean: [1, 2] }, 'ERR_SHAPE', /3 elements .*frame\.pixelMean, received 2/);
    ofFrame({ ...size, pixelMean: [1, 2, 256] }, 'ERR_RANGE', /frame\.pixelMean, received 256 at row 2/);
  }
  bad('evaluateDataset', 2, 'training', 'ERR_OPTION', /one of 'train', 'val', 'test' for split, received 'training'/);
  bad('evaluateDataset', 3, { scoreThreshold: 2 }, 'ERR_RANGE', /scoreThreshold, received 2/);
  bad('evaluateDataset', 3, { signal: true }, 'ERR_DTYPE', /an AbortSignal for signal, received true/);
  bad('evaluateDataset', 3, { onImage: 7 }, 'ERR_DTYPE', /a function for onImage, received 7/);
  bad('evaluateDataset', 3, { cache: 7 }, 'ERR_OPTION', /a known option for options, received 'cache'/);
  bad('openImages', 3, { cacheBytes: -1 }, 'ERR_RANGE', /cacheBytes, received -1/);
  bad('openImages', 3, { cacheByte: 1 }, 'ERR_OPTION', /'cacheByte' \(did you mean 'cacheBytes'/);

  const ofDetections = (given: object, code: ErrorCode, message: RegExp): void => {
    bad('evaluateDetections', 0, { ...goodDetections(), ...given }, code, message);
  };
  ofDetections({ boxes: f32(0, 0) }, 'ERR_SHAPE', /8 elements .*for detections\.boxes, received 2/);
  ofDetections({ boxes: f32(0, 0, 4, 4, 1, NaN, 16, 8) }, 'ERR_BOX', /detections\.boxes, .* at row 1 \(image 2\)/);
  ofDetections({ boxes: [0, 0, 4, 4] }, 'ERR_DTYPE', /detections\.boxes, received an Array/);
  ofDetections({ scores: f32(0.5) }, 'ERR_SHAPE', /2 elements \(one per label\) for detections\.scores, received 1/);
  ofDetections({ scores: undefined }, 'ERR_DTYPE', /detections\.scores, received undefined/);
  ofDetections({ labels: i32(0, 2) }, 'ERR_LABEL', /detections\.labels, received 2 at row 1 \(image 2\)/);
  ofDetections({ labels: f32(0, 1) }, 'ERR_DTYPE', /detections\.labels, received a Float32Array/);
  ofDetections({ offsets: i32(0, 2) }, 'ERR_SHAPE', /4 elements \(images \+ 1\) for detections\.offsets, received 2/);
  ofDetections({ offsets: i32(0, 1, 1, 3) }, 'ERR_SHAPE', /a last offset of 2.* for detections\.offsets, received 3/);
}
