// Annotated data sets and detections in COCO's formats.
import { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { value } from '../../arguments/options.js';
import type { Detections } from '../../operations/decode-detections.js';
import type { AnnotatedImage, BoxEdges } from '../data/annotations.js';
import { isId, type CocoAnnotation, type CocoId, type CocoResult, type CocoTruth } from './coco-format.js';
import { checkDetections } from './evaluate.js';

/**
 * What a split of an annotated data set holds, as COCO's instances.json has it. Image i gets the id i + 1, class k the id k + 1.
 * A difficult box is a crowd, which is neither object nor background, and so is a region to ignore, for every class.
 *
 * @param classes names of the K classes
 * @param images what readers of data sets give: boxes x1, y1, x2, y2 in pixels
 * @throws RetinanetOpsError `ERR_LABEL` for a box of another class, with the row of its image; `ERR_DTYPE`
 */
export function cocoTruth(classes: readonly string[], images: readonly AnnotatedImage[]): CocoTruth {
  const check = new Check('cocoTruth');
  const ids = new Map(check.strings('classes', classes).map((name, k) => [name, k + 1]));
  if (!Array.isArray(images)) check.fail('ERR_DTYPE', 'images', 'an Array of annotated images', describe(images));
  const annotations: CocoAnnotation[] = [];
  const add = (i: number, category: number, [x1, y1, x2, y2]: BoxEdges, ignored: boolean) =>
    annotations.push({
      id: annotations.length + 1,
      image_id: i + 1,
      category_id: category,
      bbox: [x1, y1, x2 - x1, y2 - y1],
      area: (x2 - x1) * (y2 - y1),
      iscrowd: ignored ? 1 : 0,
    });
  for (const [i, { file, boxes, ignore }] of images.entries()) {
    for (const { class: name, box, difficult } of boxes) {
      const category = ids.get(name);
      if (category === undefined) {
        return check.fail('ERR_LABEL', 'images[].boxes[].class', 'one of classes', describe(name), {
          row: i,
          image: file,
        });
      }
      add(i, category, box, difficult === true);
    }
    for (const box of ignore) for (const category of ids.values()) add(i, category, box, true);
  }
  return {
    images: images.map(({ file, width, height }, i) => ({ id: i + 1, file_name: file, width, height })),
    categories: classes.map((name, k) => ({ id: k + 1, name })),
    annotations,
  };
}

/** Options of `cocoResults`. */
export interface CocoResultsOptions {
  /** [n] ids of the images. Default 1 ... n, as in `cocoTruth`. */
  imageIds?: readonly CocoId[];
  /** [K] ids of the classes. Default 1 ... K, as in `cocoTruth`. */
  categoryIds?: readonly CocoId[];
}

/**
 * Detections as the COCO tool takes them: what `detect` or `decodeDetections` finds, one object each.
 *
 * @param detections ragged over n images; boxes x1, y1, x2, y2 in pixels
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE`, `ERR_LABEL`, `ERR_BOX`, `ERR_RANGE` or `ERR_OPTION`, naming the row
 */
export function cocoResults(detections: Detections, options: CocoResultsOptions = {}): CocoResult[] {
  const check = new Check('cocoResults');
  const ids = value<readonly CocoId[], readonly CocoId[] | undefined>((_check, argument, given) => {
    if (!Array.isArray(given)) check.fail('ERR_DTYPE', argument, 'an Array of ids', describe(given));
    const list = given as unknown[];
    const wrong = list.findIndex((id) => !isId(id));
    if (wrong >= 0) check.fail('ERR_DTYPE', argument, 'an integer or a string', describe(list[wrong]), wrong);
    return list as CocoId[];
  });
  const { imageIds, categoryIds } = check.options('options', options, { imageIds: ids, categoryIds: ids });
  const { boxes, scores, labels, offsets } = checkDetections(check, detections, imageIds?.length, categoryIds?.length);
  const results: CocoResult[] = [];
  for (let image = 0; image + 1 < offsets.length; image++) {
    for (let row = offsets[image]!; row < offsets[image + 1]!; row++) {
      const [x1, y1, x2, y2] = boxes.subarray(4 * row, 4 * row + 4) as unknown as BoxEdges;
      const label = labels[row]!;
      results.push({
        image_id: imageIds?.[image] ?? image + 1,
        category_id: categoryIds?.[label] ?? label + 1,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        score: scores[row]!,
      });
    }
  }
  return results;
}
