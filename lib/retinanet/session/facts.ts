// What is known of a data set before training: what defaults follow from.
import type { AnnotatedDataset, AnnotatedImage } from '../data/annotations.js';
import { spreadOf } from '../data/statistics.js';

export interface DatasetFacts {
  /** Names of the classes. */
  classes: readonly string[];
  /** Images to train on. */
  images: number;
  /** Images to validate on. */
  validationImages: number;
  /** Median width of the training images, pixels. */
  width: number;
  /** Median height of the training images, pixels. */
  height: number;
  /** Square roots of the areas of the training boxes as shares of their picture's longer side, ascending. */
  sides: Float64Array;
}

/** @param train the images that are trained on */
export function factsOf(
  { classes }: AnnotatedDataset,
  train: readonly AnnotatedImage[],
  validation: readonly AnnotatedImage[],
): DatasetFacts {
  const sides = train.flatMap(({ boxes, width, height }) =>
    boxes.map(({ box: [x1, y1, x2, y2] }) => Math.sqrt((x2 - x1) * (y2 - y1)) / Math.max(width, height)),
  );
  return {
    classes,
    images: train.length,
    validationImages: validation.length,
    width: spreadOf(train.map(({ width }) => width)).median,
    height: spreadOf(train.map(({ height }) => height)).median,
    sides: Float64Array.from(sides).sort(),
  };
}

/** The value below which a share of sorted values lies; 0 of none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
