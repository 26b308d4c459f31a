// The rows of the table of bad calls that spoil what reports are made of.
import type { ErrorCode } from 'retinanet-ops';
import type { RetinaNet } from 'retinanet-ops/retinanet';
import { f32, i32 } from './arrays.js';
import { goodAnnotations, goodCocoTruth, type Name } from './retinanet-calls.js';

type Bad = (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void;

export function badReportCalls(
  bad: Bad,
  noObjects: (name: Name, index: number, argument: string) => void,
  { net, directory }: { net: RetinaNet; directory: string },
): void {
  bad('confusionMatrix', 0, undefined, 'ERR_DTYPE', /an Array of objects for detections, received undefined/);
  noObjects('confusionMatrix', 1, 'truth');
  bad('confusionMatrix', 1, { ...goodCocoTruth(), images: [] }, 'ERR_DATA', /image_id, received 7 at row 0/);
  noObjects('confusionMatrix', 2, 'options');
  for (const [given, code, message] of [
    [{ iouThreshold: 0 }, 'ERR_RANGE', /iouThreshold, received 0/],
    [{ scoreThreshold: 1.5 }, 'ERR_RANGE', /scoreThreshold, received 1\.5/],
    [{ score: 0.5 }, 'ERR_OPTION', /a known option for options, received 'score'/],
  ] as const) {
    bad('confusionMatrix', 2, given, code, message);
  }

  bad('cumulativeLoss', 0, [1, 2, 3, 4], 'ERR_DTYPE', /a Float32Array for logits, received an Array/);
  bad('cumulativeLoss', 0, f32(1, 2, 3), 'ERR_SHAPE', /logits/);
  bad('cumulativeLoss', 1, f32(0, 1), 'ERR_DTYPE', /an Int32Array for labels, received a Float32Array/);
  bad('cumulativeLoss', 1, i32(2, -1), 'ERR_LABEL', /labels, received 2 at row 0/);
  noObjects('cumulativeLoss', 2, 'options');
  for (const [given, code, message] of [
    [{ numClasses: 0 }, 'ERR_RANGE', /numClasses, received 0/],
    [{ numClasses: 3 }, 'ERR_SHAPE', /received/],
    [{ gammas: [1, -1] }, 'ERR_RANGE', /gammas, received -1 at row 1/],
    [{ gammas: [] }, 'ERR_SHAPE', /gammas, received 0/],
    [{ fractions: [0, 2] }, 'ERR_RANGE', /fractions, received 2 at row 1/],
    [{ fractions: [0.5, 0.25] }, 'ERR_RANGE', /never fall for fractions, received 0\.25 at row 1/],
  ] as const) {
    bad('cumulativeLoss', 2, given, code, message);
  }

  bad('writeReport', 0, 7, 'ERR_DTYPE', /a string for folder, received 7/);
  bad('writeReport', 0, `${directory}/nowhere`, 'ERR_DATA', /a folder of a run for .*nowhere, received nothing there/);
  noObjects('writeReport', 1, 'options');
  const good = { net, dataset: goodAnnotations(), split: 'val' };
  for (const [given, code, message] of [
    [{ net: undefined }, 'ERR_DTYPE', /an object for net, received undefined/],
    [{ dataset: [] }, 'ERR_DTYPE', /an object for dataset, received an Array/],
    [{ dataset: { ...goodAnnotations(), splits: {} } }, 'ERR_DTYPE', /an Array for dataset\.splits\.val\.images/],
    [{ split: 'all' }, 'ERR_OPTION', /split, received 'all'/],
    [{ split: 'train', evaluation: 7 }, 'ERR_DTYPE', /an object for evaluation, received 7/],
    [{ title: 7 }, 'ERR_DTYPE', /a string for title, received 7/],
    [{ scoreThreshold: 2 }, 'ERR_RANGE', /scoreThreshold, received 2/],
    [{ pictures: -1 }, 'ERR_RANGE', /pictures, received -1/],
    [{ lossImages: 0 }, 'ERR_RANGE', /lossImages, received 0/],
    [{ batchSize: 0 }, 'ERR_RANGE', /batchSize, received 0/],
    [{ backend: 'webgl' }, 'ERR_OPTION', /backend, received 'webgl'/],
    [{ onImage: 'print' }, 'ERR_DTYPE', /a function for onImage, received 'print'/],
    [{ signal: null }, 'ERR_DTYPE', /an AbortSignal for signal, received null/],
    [{ picture: 3 }, 'ERR_OPTION', /'picture' \(did you mean 'pictures'/],
  ] as const) {
    bad('writeReport', 1, { ...good, ...given }, code, message);
  }
}
