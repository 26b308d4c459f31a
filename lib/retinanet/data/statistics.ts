// Numbers of a data set, for people who look at it before they train.
import type { AnnotatedDataset, AnnotatedImage, SplitName } from './annotations.js';

/** The least, the middle one and the greatest of some numbers; zeros where there are none. */
export interface Spread {
  /** The least. */
  min: number;
  /** The middle one, or the mean of the two in the middle. */
  median: number;
  /** The greatest. */
  max: number;
}

/** What one split holds. */
export interface SplitStatistics {
  /** Images of the split. */
  images: number;
  /** Images without any box. */
  emptyImages: number;
  /** Boxes on all of them. */
  boxes: number;
  /** Boxes that are said to be difficult. */
  difficult: number;
  /** Regions to ignore. */
  ignore: number;
  /** Boxes on one image. */
  boxesPerImage: Spread;
}

/** What a data set holds. */
export interface DatasetStatistics {
  /** What each split holds. */
  splits: Record<SplitName, SplitStatistics>;
  /** In the order of the data set's classes. */
  classes: ClassStatistics[];
  /** Pixels, upright, over all splits. */
  imageWidth: Spread;
  /** Pixels, upright. */
  imageHeight: Spread;
  /** Pixels. */
  boxWidth: Spread;
  /** Pixels. */
  boxHeight: Spread;
}

/** What there is of one class. */
export interface ClassStatistics {
  /** The class. */
  name: string;
  /** Its boxes, by split. */
  boxes: Record<SplitName, number>;
  /** The square root of their area in pixels, over all splits. */
  side: Spread;
}

const SPLITS = ['train', 'val', 'test'] as const;

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { min: 0, median: 0, max: 0 };
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}

export function statisticsOf({ splits, classes }: AnnotatedDataset): DatasetStatistics {
  const all = SPLITS.flatMap((split) => splits[split].images);
  const boxes = all.flatMap((image) => image.boxes);
  const bySplit = <T>(value: (images: readonly AnnotatedImage[]) => T) =>
    Object.fromEntries(SPLITS.map((split) => [split, value(splits[split].images)])) as Record<SplitName, T>;
  const counts = bySplit(countClasses);
  const sides = new Map(classes.map((name) => [name, [] as number[]]));
  for (const { class: name, box } of boxes) sides.get(name)?.push(Math.sqrt((box[2] - box[0]) * (box[3] - box[1])));
  return {
    splits: bySplit(splitStatistics),
    classes: classes.map((name) => ({
      name,
      boxes: { train: counts.train.get(name) ?? 0, val: counts.val.get(name) ?? 0, test: counts.test.get(name) ?? 0 },
      side: spreadOf(sides.get(name)!),
    })),
    imageWidth: spreadOf(all.map(({ width }) => width)),
    imageHeight: spreadOf(all.map(({ height }) => height)),
    boxWidth: spreadOf(boxes.map(({ box }) => box[2] - box[0])),
    boxHeight: spreadOf(boxes.map(({ box }) => box[3] - box[1])),
  };
}

function splitStatistics(images: readonly AnnotatedImage[]): SplitStatistics {
  const boxes = images.flatMap((image) => image.boxes);
  return {
    images: images.length,
    emptyImages: images.filter((image) => image.boxes.length === 0).length,
    boxes: boxes.length,
    difficult: boxes.filter(({ difficult }) => difficult).length,
    ignore: images.reduce((sum, { ignore }) => sum + ignore.length, 0),
    boxesPerImage: spreadOf(images.map((image) => image.boxes.length)),
  };
}

function countClasses(images: readonly AnnotatedImage[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { boxes } of images) for (const box of boxes) counts.set(box.class, (counts.get(box.class) ?? 0) + 1);
  return counts;
}
