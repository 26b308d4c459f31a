// The rows of the table of bad calls that are about training sessions.
import type { ErrorCode } from 'retinanet-ops';
import { goodAnnotations, type Name } from './retinanet-calls.js';

/** `bad` adds a call whose argument of that index is `value`; `noObjects` those that are no objects. */
export function badSessionCalls(
  bad: (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void,
  noObjects: (name: Name, index: number, argument: string) => void,
  directory: string,
): void {
  noObjects('trainDetector', 1, 'options');
  noObjects('resumeDetector', 1, 'options');
  for (const [name, argument] of [
    ['resumeDetector', 'folder'],
    ['readTrainConfig', 'file'],
  ] as const) {
    for (const value of [undefined, null, 7, {}, new Uint8Array(2)]) {
      bad(name, 0, value, 'ERR_DTYPE', new RegExp(`a string for ${argument}, received`));
    }
  }
  bad('resumeDetector', 0, '/nowhere', 'ERR_DATA', /the folder of a run for folder, received .*config\.json/);
  bad('readTrainConfig', 0, '/nowhere', 'ERR_DATA', /a file of settings for \/nowhere, received none/);
  bad('resumeDetector', 1, { steps: 7 }, 'ERR_OPTION', /a known option for options, received 'steps'/);
  bad('resumeDetector', 1, { data: 7 }, 'ERR_DTYPE', /an object for data, received 7/);
  bad(
    'resumeDetector',
    1,
    { data: goodAnnotations() },
    'ERR_DATA',
    /that the run began with for data, received others/,
  );

  for (const value of [undefined, null, 7]) bad('trainDetector', 0, value, 'ERR_DTYPE', /an object for data, received/);
  const splits = { ...goodAnnotations().splits, train: { images: [] } };
  bad(
    'trainDetector',
    0,
    { ...goodAnnotations(), splits },
    'ERR_DATA',
    /at least one image for .*train, received none/,
  );
  const classes = ['cat'];
  bad('trainDetector', 0, { ...goodAnnotations(), classes }, 'ERR_LABEL', /dataset\.classes .*'dog'.*a\.jpg/);
  const out = `${directory}/never`;
  for (const [given, code, message] of [
    [{}, 'ERR_DTYPE', /a string for out, received undefined/],
    [{ out: directory }, 'ERR_DATA', /new or empty for out, received .*, which holds/],
    [{ out: `${directory}/model.json` }, 'ERR_DATA', /new or empty for out, received the file/],
    [{ out: `${directory}/run` }, 'ERR_DATA', /new or empty for out, received .*, which holds a run/],
    [{ out, step: 5 }, 'ERR_OPTION', /a known option for options, received 'step' \(did you mean 'steps'/],
    [{ out, steps: 0 }, 'ERR_RANGE', /steps, received 0/],
    [{ out, steps: 5, epochs: 2 }, 'ERR_OPTION', /only one of steps, epochs and seconds/],
    [{ out, longestSide: 64, imageWidth: 64 }, 'ERR_OPTION', /for longestSide, received both/],
    [{ out, longestSide: 8 }, 'ERR_RANGE', /longestSide, received 8/],
    [{ out, validateEvery: 0.5 }, 'ERR_RANGE', /validateEvery, received 0\.5/],
    [{ out, validationImages: 0 }, 'ERR_RANGE', /validationImages, received 0/],
    [{ out, checkpointEvery: null }, 'ERR_DTYPE', /checkpointEvery, received null/],
    [{ out, checkpointSeconds: -1 }, 'ERR_RANGE', /checkpointSeconds, received -1/],
    [{ out, patience: '3' }, 'ERR_DTYPE', /patience, received '3'/],
    [{ out, cacheBytes: -1 }, 'ERR_RANGE', /cacheBytes, received -1/],
    [{ out, trainOnVal: 1 }, 'ERR_DTYPE', /trainOnVal, received 1/],
    [{ out, weights: 7 }, 'ERR_DTYPE', /a string for weights, received 7/],
    [{ out, augment: { zoom: 0 } }, 'ERR_RANGE', /augment\.zoom, received 0/],
    [{ out, aspectRatios: [0] }, 'ERR_RANGE', /aspectRatios, received 0 at row 0/],
    [{ out, signal: true }, 'ERR_DTYPE', /an AbortSignal for signal, received true/],
    [{ out, onPlan: 'print' }, 'ERR_DTYPE', /a function for onPlan, received 'print'/],
    [{ out, onCheckpoint: 7 }, 'ERR_DTYPE', /a function for onCheckpoint, received 7/],
  ] as const) {
    bad('trainDetector', 1, given, code, message);
  }
}
