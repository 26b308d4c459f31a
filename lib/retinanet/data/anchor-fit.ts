// How the anchors of a configuration fit the boxes of a data set.
import { assignAnchors, type AnchorGrid } from '../../index.js';
import type { AnnotatedImage } from './annotations.js';
import { fitPicture } from './letterbox.js';

/** Pixels of the images that the network sees. */
export interface InputSize {
  width: number;
  height: number;
}

/** One level of the pyramid. */
export interface LevelFit {
  /** Pixels between neighbouring cells. */
  stride: number;
  /** Sides of its square anchors, pixels. */
  sides: number[];
  /** Positive anchors on all images looked at. */
  positives: number;
  /** Boxes that have at least one of them. */
  boxes: number;
}

/** Positive anchors of a box, over all boxes. */
export interface PositivesPerBox {
  /** The least. */
  min: number;
  /** On average. */
  mean: number;
  /** The most. */
  max: number;
}

/** How anchors fit. */
export interface AnchorFit {
  /** Images looked at. */
  images: number;
  /** Their boxes. */
  boxes: number;
  /** IoU from which on an anchor is positive. */
  positiveThreshold: number;
  /** Boxes that no anchor reaches with that IoU: they train on the anchors of their best IoU alone. */
  unreached: number;
  /** Boxes that have no positive anchor even so: none overlaps them, or all prefer another box. */
  unmatched: number;
  /** Positive anchors of a box, those of its best IoU included. */
  positivesPerBox: PositivesPerBox;
  /** One entry per stride. */
  levels: LevelFit[];
}

/** What an image's boxes are to the anchors: true where one reaches the box. */
export interface ImageFit {
  /** The image. */
  image: AnnotatedImage;
  /** One for each of its boxes. */
  reached: boolean[];
}

/** An image's boxes in the network's input, [n, 4] flat. */
export function boxesInInput(image: AnnotatedImage, input: InputSize): Float32Array {
  const { boxes } = image;
  const { scaleX: x, scaleY: y } = fitPicture(image, { imageWidth: input.width, imageHeight: input.height });
  return Float32Array.from(boxes.flatMap(({ box: [x1, y1, x2, y2] }) => [x1 * x, y1 * y, x2 * x, y2 * y]));
}

/** Assigns the anchors to the boxes of every image, as training does. */
export function fitAnchors(
  grid: AnchorGrid,
  images: readonly AnnotatedImage[],
  positiveThreshold = 0.5,
): { fit: AnchorFit; perImage: ImageFit[] } {
  const input = { width: grid.imageWidth, height: grid.imageHeight };
  const options = { positiveThreshold, negativeThreshold: Math.min(0.4, positiveThreshold) };
  const levels = grid.levels.map(({ stride }, i) => ({
    stride,
    sides: [...grid.sizes[i]!],
    positives: 0,
    boxes: 0,
  }));
  const fit: AnchorFit = {
    images: images.length,
    boxes: 0,
    positiveThreshold,
    unreached: 0,
    unmatched: 0,
    positivesPerBox: { min: Infinity, mean: 0, max: 0 },
    levels,
  };
  let total = 0;
  const perImage = images.map((image): ImageFit => {
    const boxes = boxesInInput(image, input);
    const n = image.boxes.length;
    if (n === 0) return { image, reached: [] };
    const labels = new Int32Array(n);
    const { matches, positives, unmatchedGt } = assignAnchors(grid, boxes, labels, options);
    const counts = new Array<number>(n).fill(0);
    const onLevel = levels.map(() => new Set<number>());
    for (const anchor of positives) {
      const level = grid.levels.findLastIndex(({ offset }) => offset <= anchor);
      const box = matches[anchor]!;
      counts[box]!++;
      levels[level]!.positives++;
      onLevel[level]!.add(box);
    }
    for (const [level, own] of onLevel.entries()) levels[level]!.boxes += own.size;
    const reached = reachedBoxes(grid, boxes, options);
    fit.boxes += n;
    fit.unmatched += unmatchedGt.length;
    fit.unreached += reached.filter((is) => !is).length;
    for (const count of counts) {
      total += count;
      fit.positivesPerBox.min = Math.min(fit.positivesPerBox.min, count);
      fit.positivesPerBox.max = Math.max(fit.positivesPerBox.max, count);
    }
    return { image, reached };
  });
  fit.positivesPerBox.min = fit.boxes === 0 ? 0 : fit.positivesPerBox.min;
  fit.positivesPerBox.mean = total / Math.max(1, fit.boxes);
  return { fit, perImage };
}

/** Whether an anchor reaches each box with the threshold's IoU, be it another box's in the end. */
function reachedBoxes(
  grid: AnchorGrid,
  boxes: Float32Array,
  options: { positiveThreshold: number; negativeThreshold: number },
): boolean[] {
  const strict = { ...options, allowLowQualityMatches: false };
  const n = boxes.length / 4;
  const missing = new Set(assignAnchors(grid, boxes, new Int32Array(n), strict).unmatchedGt);
  return Array.from({ length: n }, (_, i) => {
    if (!missing.has(i)) return true;
    const alone = assignAnchors(grid, boxes.slice(4 * i, 4 * i + 4), new Int32Array(1), strict);
    return alone.numPositives > 0;
  });
}
