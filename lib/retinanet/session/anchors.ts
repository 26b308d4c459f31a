// The pyramid and the anchors for the boxes of a data set.
import { boxesInInput } from '../data/anchor-fit.js';
import { type AnchorShapes, bestIou, searchShapes } from '../data/anchor-search.js';
import type { AnnotatedImage } from '../data/annotations.js';
import { evenly } from '../data/evenly.js';
import { LEVEL_WORTH } from './defaults.js';

/** An IoU with which an anchor is an object's. */
const POSITIVE = 0.5;
/** Images that are looked at. */
const MOST_IMAGES = 1000;

export interface Anchors extends AnchorShapes {
  pyramidLevels: [number, number];
}

/** Of the pyramids, the first whose best anchors reach nearly as many boxes as those of any. */
export function anchorsFor(
  images: readonly AnnotatedImage[],
  input: { imageWidth: number; imageHeight: number },
  pyramids: readonly (readonly [number, number])[],
): Anchors {
  const looked = evenly(images.length, MOST_IMAGES).map((i) => images[i]!);
  const size = { width: input.imageWidth, height: input.imageHeight };
  const candidates = pyramids.map(([first, last]) => {
    const strides = Array.from({ length: last - first + 1 }, (_, i) => 2 ** (first + i));
    const shapes = searchShapes(looked, size, strides, POSITIVE);
    return {
      anchors: { pyramidLevels: [first, last] as [number, number], ...shapes },
      reach: reachOf(looked, size, shapes, strides),
    };
  });
  const most = Math.max(...candidates.map(({ reach }) => reach));
  return candidates.find(({ reach }) => reach >= most - LEVEL_WORTH)!.anchors;
}

/** Share of the boxes that an anchor reaches. */
function reachOf(
  images: readonly AnnotatedImage[],
  size: { width: number; height: number },
  shapes: AnchorShapes,
  strides: readonly number[],
): number {
  let [reached, all] = [0, 0];
  for (const image of images) {
    const boxes = boxesInInput(image, size);
    for (let i = 0; i < boxes.length; i += 4, all++) {
      const row = [...boxes.subarray(i, i + 4)] as [number, number, number, number];
      if (bestIou(row, shapes, strides) >= POSITIVE) reached++;
    }
  }
  return reached / Math.max(1, all);
}
