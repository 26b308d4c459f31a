// The rows of the table of bad calls that are about finding pictures, detecting in them and drawing.
import { join } from 'node:path';
import type { ErrorCode } from 'retinanet-ops';
import { f32, i32 } from './arrays.js';
import { goodDetections, type Name } from './retinanet-calls.js';

/** `bad` adds a call whose argument of that index is `value`; `noObjects` adds calls with what is no object. */
export function badDetectionCalls(
  bad: (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void,
  noObjects: (name: Name, index: number, argument: string) => void,
  directory: string,
): void {
  bad('findPictures', 0, undefined, 'ERR_DTYPE', /an Array of strings for inputs, received undefined/);
  bad('findPictures', 0, ['a', 7], 'ERR_DTYPE', /a string for inputs, received 7 at row 1/);
  bad(
    'findPictures',
    0,
    '/nowhere',
    'ERR_DATA',
    /a picture, a folder.* for '\/nowhere', received a path where nothing is/,
  );
  bad('findPictures', 0, join(directory, '*.gif'), 'ERR_DATA', /a pattern that pictures match/);

  for (const value of [undefined, null, 'a.png', new Uint8Array(2)]) {
    bad('detectFiles', 1, value, 'ERR_DTYPE', /an Array of strings for files, received/);
  }
  bad('detectFiles', 1, ['a.png', null], 'ERR_DTYPE', /a string for files, received null at row 1/);
  noObjects('detectFiles', 2, 'options');
  for (const [given, code, message] of [
    [{ classes: 'cat' }, 'ERR_DTYPE', /an Array of strings for classes, received 'cat'/],
    [{ classes: ['9'] }, 'ERR_OPTION', /one of '0', '1' for classes, received '9'/],
    [{ onError: true }, 'ERR_DTYPE', /a function for onError, received true/],
    [{ signal: {} }, 'ERR_DTYPE', /an AbortSignal for signal, received an object/],
    [{ scoreThreshold: 2 }, 'ERR_RANGE', /scoreThreshold, received 2/],
    [{ batchSize: 0 }, 'ERR_RANGE', /batchSize, received 0/],
    [{ maxDetection: 3 }, 'ERR_OPTION', /'maxDetection' \(did you mean 'maxDetections'/],
  ] as const) {
    bad('detectFiles', 2, given, code, message);
  }

  for (const value of [undefined, null, 7, [], new Uint8Array(12)]) {
    bad('drawDetections', 0, value, 'ERR_DTYPE', /a path, or pixels with their size, for picture, received/);
  }
  const data = new Uint8Array(12);
  bad('drawDetections', 0, { data, width: 2, height: 0 }, 'ERR_RANGE', /for picture\.height, received 0/);
  bad('drawDetections', 0, { data, width: 2, height: 3 }, 'ERR_SHAPE', /18 elements .* for picture\.data, received 12/);
  noObjects('drawDetections', 1, 'detections');
  const found = goodDetections();
  for (const [given, code, message] of [
    [{ boxes: [0, 0, 1, 1] }, 'ERR_DTYPE', /a Float32Array for detections\.boxes, received an Array/],
    [{ boxes: f32(1, 2, 3) }, 'ERR_SHAPE', /four values per box for detections\.boxes, received 3 values/],
    [{ boxes: f32(0, 0, 1, NaN, 0, 0, 1, 1) }, 'ERR_BOX', /detections\.boxes, received \[0, 0, 1, NaN\] at row 0/],
    [{ scores: f32(1) }, 'ERR_SHAPE', /2 elements \(one per box\) for detections\.scores, received 1/],
    [{ labels: i32(0, -1) }, 'ERR_LABEL', /detections\.labels, received -1 at row 1/],
  ] as const) {
    bad('drawDetections', 1, { ...found, ...given }, code, message);
  }
  noObjects('drawDetections', 2, 'options');
  for (const [given, code, message] of [
    [{ classNames: ['cat'] }, 'ERR_LABEL', /below 1 for detections\.labels, received 1 at row 1/],
    [{ classNames: 'cat' }, 'ERR_DTYPE', /an Array of strings for classNames, received 'cat'/],
    [{ minScore: 2 }, 'ERR_RANGE', /minScore, received 2/],
    [{ truth: [0, 0, 1, 1] }, 'ERR_DTYPE', /a Float32Array for truth, received an Array/],
    [{ truth: f32(0, 0, 1) }, 'ERR_SHAPE', /four values per box for truth, received 3 values/],
    [{ scale: 0 }, 'ERR_RANGE', /scale, received 0/],
    [{ format: 'gif' }, 'ERR_OPTION', /one of 'png', 'jpeg', 'webp' for format, received 'gif'/],
    [{ minscore: 0.5 }, 'ERR_OPTION', /'minscore' \(did you mean 'minScore'/],
  ] as const) {
    bad('drawDetections', 2, given, code, message);
  }
}
