// The rows of the table of bad calls that spoil truth and detections in COCO's formats.
import type { ErrorCode } from 'retinanet-ops';
import { f32, i32 } from './arrays.js';
import { goodCocoResults, goodCocoTruth, goodDetections, type Name } from './retinanet-calls.js';

type Bad = (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp) => void;

export function badCocoCalls(bad: Bad, noObjects: (name: Name, index: number, argument: string) => void): void {
  for (const name of ['evaluateCoco', 'evaluateVoc'] as const) {
    noObjects(name, 1, 'truth');
    const ofTruth = (given: object, code: ErrorCode, message: RegExp) => {
      bad(name, 1, { ...goodCocoTruth(), ...given }, code, message);
    };
    for (const list of ['images', 'categories', 'annotations']) {
      ofTruth(
        { [list]: undefined },
        'ERR_DTYPE',
        new RegExp(`an Array of objects for truth.${list}, received undefined`),
      );
      ofTruth({ [list]: { 1: {} } }, 'ERR_DTYPE', new RegExp(`truth.${list}, received an object`));
      ofTruth({ [list]: [null] }, 'ERR_DTYPE', new RegExp(`truth.${list}, received null at row 0`));
    }
    const twice = [{ id: 1, file_name: 'a.jpg' }, { id: 7 }, { id: 1, file_name: 'b.jpg' }];
    ofTruth(
      { images: twice },
      'ERR_DATA',
      /truth\.images\[\]\.id, received 1 as at row 0 \('a\.jpg' and 'b\.jpg'\) at row 2/,
    );
    ofTruth(
      { images: [{ file_name: 'a.jpg' }] },
      'ERR_DTYPE',
      /an integer or a string for truth\.images\[\]\.id, received undefined at row 0/,
    );
    ofTruth(
      { categories: [{ id: 3 }, { id: 3 }] },
      'ERR_DATA',
      /truth\.categories\[\]\.id, received 3 as at row 0 at row 1/,
    );
    ofTruth({ categories: [{ id: 3, name: {} }] }, 'ERR_DTYPE', /a string for .*name, received an object at row 0/);
    ofTruth({ categories: [{ id: 0.5 }] }, 'ERR_DTYPE', /truth\.categories\[\]\.id, received 0\.5 at row 0/);

    const [object] = goodCocoTruth().annotations;
    const ofObject = (given: object, code: ErrorCode, text: string) => {
      ofTruth({ annotations: [object, { ...object, ...given }] }, code, new RegExp(`${text} at row 1$`));
    };
    ofObject(
      { image_id: 2 },
      'ERR_DATA',
      'the id of one of truth.images for truth.annotations\\[\\].image_id, received 2',
    );
    ofObject({ category_id: '3' }, 'ERR_LABEL', "one of truth.categories for .*category_id, received '3'");
    ofObject({ category_id: null }, 'ERR_DTYPE', 'category_id, received null');
    ofObject({ area: 'large' }, 'ERR_DTYPE', "a finite number for truth.annotations\\[\\].area, received 'large'");
    ofObject({ area: NaN }, 'ERR_RANGE', 'truth.annotations\\[\\].area, received NaN');
    ofObject({ iscrowd: 2 }, 'ERR_DTYPE', '0 or 1 for truth.annotations\\[\\].iscrowd, received 2');
    const ofBox = (bbox: unknown, text: string) => {
      ofObject(
        { bbox },
        'ERR_BOX',
        `four finite numbers \\(x, y, width, height\\) for .*annotations\\[\\].bbox, received ${text}`,
      );
    };
    ofBox(undefined, 'undefined');
    ofBox([1, 2, 3], '\\[1,2,3\\]');
    ofBox([1, 2, 3, '4'], '\\[1,2,3,"4"\\]');
    ofBox([1, 2, 3, Infinity], '\\[1,2,3,null\\]');
    ofBox({ x: 1 }, 'an object');

    const ofResult = (given: object, code: ErrorCode, text: string) => {
      bad(
        name,
        0,
        [goodCocoResults()[0], { ...goodCocoResults()[1], ...given }],
        code,
        new RegExp(`${text} at row 1$`),
      );
    };
    for (const value of [undefined, null, goodCocoTruth(), goodDetections(), 'results.json']) {
      bad(name, 0, value, 'ERR_DTYPE', /an Array of objects for detections, received/);
    }
    bad(name, 0, [[1, 2]], 'ERR_DTYPE', /detections, received an Array at row 0/);
    ofResult({ image_id: 99 }, 'ERR_DATA', 'truth.images for detections\\[\\].image_id, received 99');
    ofResult({ image_id: undefined }, 'ERR_DTYPE', 'detections\\[\\].image_id, received undefined');
    ofResult({ category_id: 1 }, 'ERR_LABEL', 'truth.categories for detections\\[\\].category_id, received 1');
    ofResult({ bbox: [0, 0, 4] }, 'ERR_BOX', 'detections\\[\\].bbox, received \\[0,0,4\\]');
    ofResult({ score: undefined }, 'ERR_DTYPE', 'a number for detections\\[\\].score, received undefined');
    ofResult({ score: '0.5' }, 'ERR_DTYPE', "detections\\[\\].score, received '0.5'");
  }
  noObjects('evaluateVoc', 2, 'options');
  bad('evaluateVoc', 2, { iouThreshold: 2 }, 'ERR_RANGE', /iouThreshold, received 2/);
  bad('evaluateVoc', 2, { iou: 0.5 }, 'ERR_OPTION', /'iou' \(did you mean 'iouThreshold'/);

  noObjects('cocoResults', 0, 'detections');
  noObjects('cocoResults', 1, 'options');
  bad(
    'cocoResults',
    0,
    { ...goodDetections(), offsets: i32(1, 2) },
    'ERR_RANGE',
    /detections\.offsets, received 1 at row 0/,
  );
  bad('cocoResults', 0, { ...goodDetections(), scores: f32(1) }, 'ERR_SHAPE', /detections\.scores, received 1/);
  bad('cocoResults', 1, { imageIds: [1] }, 'ERR_SHAPE', /2 elements .*detections\.offsets, received 4/);
  bad('cocoResults', 1, { categoryIds: [1] }, 'ERR_LABEL', /below 1 for detections\.labels, received 1 at row 1/);
  bad('cocoResults', 1, { categoryIds: [1, null] }, 'ERR_DTYPE', /categoryIds, received null at row 1/);
  bad('cocoResults', 1, { categoryIds: 'cat' }, 'ERR_DTYPE', /an Array of ids for categoryIds, received 'cat'/);

  const image = { file: 'a.jpg', width: 9, height: 9, boxes: [{ class: 'bird', box: [0, 0, 4, 4] }], ignore: [] };
  bad('cocoTruth', 0, 'cat', 'ERR_DTYPE', /an Array of strings for classes, received 'cat'/);
  bad('cocoTruth', 1, undefined, 'ERR_DTYPE', /an Array of annotated images for images, received undefined/);
  bad('cocoTruth', 1, [image], 'ERR_LABEL', /one of classes for .*class, received 'bird' at row 0 \(image a\.jpg\)/);
}
