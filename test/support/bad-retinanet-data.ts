// The rows of the table of bad calls that spoil what is in images: data sets, truth and detections.
import type { ErrorCode } from 'retinanet-ops';
import { f32, i32 } from './arrays.js';
import { goodDataset, goodDetections, type Name } from './retinanet-calls.js';

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
