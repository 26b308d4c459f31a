// What the readers of annotated data sets give, whatever their format: what `inspect --json` prints.

/** The left, upper, right and lower edge in pixels of the upright image; right and lower edge exclusive. */
export type BoxEdges = [x1: number, y1: number, x2: number, y2: number];

/** An object in an image. */
export interface AnnotatedBox {
  /** One of the data set's classes. */
  class: string;
  /** Pixels of the upright image. */
  box: BoxEdges;
  /** Hard to see, says the source: neither an object nor background in training, ignored in evaluation. */
  difficult?: boolean;
}

/** An image and what is in it. */
export interface AnnotatedImage {
  /** Relative to the data set's folder, with '/' on every platform: what identifies the image. */
  file: string;
  /** Width in pixels, upright: after its EXIF orientation. */
  width: number;
  /** Height in pixels, upright. */
  height: number;
  /** The objects. */
  boxes: AnnotatedBox[];
  /** Regions that are neither objects nor background, such as crowds. */
  ignore: BoxEdges[];
}

/** What was mended, left out or is worth knowing: all places of one kind. */
export interface DataWarning {
  /** Stable name of the kind, such as `box-outside`. */
  kind: string;
  /** How many places. */
  count: number;
  /** The first few of them. */
  examples: DataPlace[];
}

/** A place in a data set. */
export interface DataPlace {
  /** The file, relative to the data set's folder. */
  file: string;
  /** Its line, from 1, where there is one. */
  line?: number;
  /** What is there. */
  message: string;
}

/** The formats that are read. */
export type DataFormat = 'voc' | 'coco' | 'yolo' | 'csv' | 'labelme' | 'cvat';

const FORMATS: Record<DataFormat, true> = { voc: true, coco: true, yolo: true, csv: true, labelme: true, cvat: true };
/** All of them, as messages and `--help` list them; with one missing this does not compile. */
export const DATA_FORMATS = Object.keys(FORMATS) as DataFormat[];

/** Images that belong together: to train on, to choose by, to report on. */
export type SplitName = 'train' | 'val' | 'test';

/** One split of a data set. */
export interface AnnotatedSplit {
  /** In the order of the source. */
  images: AnnotatedImage[];
}

/** A data set as its folder holds it: annotations, no pixels. */
export interface AnnotatedDataset {
  /** The folder. */
  root: string;
  /** What has been read. */
  format: DataFormat;
  /** Names of the K classes; a label is an index into them. */
  classes: string[];
  /** The images by split; one may be empty. */
  splits: Record<SplitName, AnnotatedSplit>;
  /** One entry per kind. */
  warnings: DataWarning[];
}
