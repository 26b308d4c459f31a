// The rows of the table of bad calls that are about data sets in folders and about pictures.
import type { ErrorCode } from 'retinanet-ops';
import { type Name } from './retinanet-calls.js';

/** `bad` adds a call whose argument of that index is `value`. */
export function badDataCalls(
  bad: (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void,
): void {
  for (const [name, argument] of [
    ['readDataset', 'folder'],
    ['inspectDataset', 'folder'],
    ['readImageHeader', 'path'],
    ['decodeImage', 'path'],
  ] as const) {
    for (const value of [undefined, null, 7, {}, new Uint8Array(2)]) {
      bad(name, 0, value, 'ERR_DTYPE', new RegExp(`a string for ${argument}, received`));
    }
  }
  bad('readDataset', 0, '/nowhere', 'ERR_DATA', /a folder for \/nowhere, received nothing there/);
  for (const [given, code, message] of [
    [{ format: 'tfrecord' }, 'ERR_OPTION', /one of 'voc', 'coco', .*'cvat' for format, received 'tfrecord'/],
    [{ format: null }, 'ERR_OPTION', /for format, received null/],
    [{ val: 1 }, 'ERR_RANGE', /for val, received 1/],
    [{ val: -0.1 }, 'ERR_RANGE', /for val, received -0\.1/],
    [{ val: '0.2' }, 'ERR_DTYPE', /for val, received '0\.2'/],
    [{ seed: 0.5 }, 'ERR_RANGE', /for seed, received 0\.5/],
    [{ checkImages: 1 }, 'ERR_DTYPE', /a boolean for checkImages, received 1/],
    [{ onImage: 'print' }, 'ERR_DTYPE', /a function for onImage, received 'print'/],
    [{ validation: 0.2 }, 'ERR_OPTION', /a known option for options, received 'validation'/],
    [null, 'ERR_DTYPE', /an object for options, received null/],
    [[], 'ERR_DTYPE', /an object for options, received an Array/],
  ] as const) {
    bad('readDataset', 1, given, code, message);
  }
  for (const [given, code, message] of [
    [{ config: 7 }, 'ERR_DTYPE', /an object for config, received 7/],
    [{ config: { imageWidth: 0 } }, 'ERR_RANGE', /for config\.imageWidth, received 0/],
    [{ config: { aspectRatios: [0] } }, 'ERR_RANGE', /for config\.aspectRatios, received 0 at row 0/],
    [{ config: { aspectRatio: [1] } }, 'ERR_OPTION', /'aspectRatio' \(did you mean 'aspectRatios'/],
    [{ longestSide: 16 }, 'ERR_RANGE', /for longestSide, received 16/],
    [{ longestSide: 64, config: { imageWidth: 64 } }, 'ERR_OPTION', /for longestSide, received both/],
    [{ configuration: {} }, 'ERR_OPTION', /a known option for options, received 'configuration'/],
    [null, 'ERR_DTYPE', /an object for options, received null/],
  ] as const) {
    bad('inspectDataset', 1, given, code, message);
  }
  for (const [given, code, message] of [
    [null, 'ERR_DTYPE', /an object for size, received null/],
    [{ width: 4 }, 'ERR_DTYPE', /an integer for size\.height, received undefined/],
    [{ width: 0, height: 4 }, 'ERR_RANGE', /for size\.width, received 0/],
    [{ width: 4, height: 4, fit: 'fill' }, 'ERR_OPTION', /a known option for size, received 'fit'/],
  ] as const) {
    bad('decodeImage', 1, given, code, message);
  }
  bad('contactSheet', 0, undefined, 'ERR_DTYPE', /an Array for fits, received undefined/);
  bad('contactSheet', 1, undefined, 'ERR_DTYPE', /an object for options, received undefined/);
  bad('contactSheet', 1, {}, 'ERR_DTYPE', /a string for options\.root, received undefined/);
  bad('contactSheet', 1, { root: '.', count: 0 }, 'ERR_RANGE', /for options\.count, received 0/);
}
