// What there is to know about a data set before training.
import { Check } from '../../arguments/check.js';
import {
  anchorGrid,
  FRAME_MULTIPLE,
  isResizing,
  resolveConfig,
  type ResolvedConfig,
  type RetinaNetConfig,
} from '../model/config.js';
import { fitAnchors, type AnchorFit, type ImageFit } from './anchor-fit.js';
import { searchShapes, type AnchorShapes } from './anchor-search.js';
import type { AnnotatedDataset, AnnotatedImage } from './annotations.js';
import { type Frame, FRAME_UNIT, frameOfSide } from './frame.js';
import { permutation, seededRandom } from './random.js';
import { readDataset, type ReadDatasetOptions } from './read-dataset.js';
import { spreadOf, statisticsOf, type DatasetStatistics } from './statistics.js';

/** Images whose anchors are assigned; larger sets are sampled. */
const MOST_IMAGES = 1000;
/** The stream of the seed that samples images. */
const SAMPLE = 4;
/** The longer side of the network's input, where nothing else is said. */
const LONGEST_INPUT = 640;

/** How to read a data set, and the anchors to compare it with. */
export interface InspectOptions extends ReadDatasetOptions {
  /**
   * What the anchors belong to: the anchor options of a RetinaNetConfig, and its image size. Default: the `compact` preset, and the
   * size that most images have, at most 640 pixels, in multiples of 32.
   */
  config?: Partial<RetinaNetConfig>;
  /** Longer side of the network's input in pixels, whose shape is the median picture's; instead of the image size of `config`. */
  longestSide?: number;
}

/** A network's input and its anchors. */
export interface AnchorConfig extends AnchorShapes {
  /** Pixels. */
  imageWidth: number;
  /** Pixels. */
  imageHeight: number;
  /** First and last level of the pyramid. */
  pyramidLevels: number[];
}

/** How the anchors of a configuration fit, and which would fit better. */
export interface AnchorReport extends AnchorFit {
  /** The configuration: the network's input and its anchors. */
  config: AnchorConfig;
  /** Sizes and aspect ratios found by a search, with how they fit. */
  suggested: AnchorShapes & Pick<AnchorFit, 'unreached' | 'unmatched' | 'positivesPerBox'>;
}

/** What inspectDataset gives. */
export interface DatasetInspection {
  /** What readDataset gives. */
  dataset: AnnotatedDataset;
  /** Counts and sizes. */
  statistics: DatasetStatistics;
  /** How anchors fit the training boxes. */
  anchors: AnchorReport;
  /** Of the images looked at, which boxes an anchor reaches. */
  reached: ImageFit[];
}

/**
 * Reads a data set and measures it: what it holds, what was mended, and how the anchors of a configuration fit its training boxes.
 *
 * @param folder with everything below it
 * @throws RetinanetOpsError as readDataset; `ERR_RANGE` or `ERR_OPTION` for a bad configuration
 */
export async function inspectDataset(folder: string, options: InspectOptions = {}): Promise<DatasetInspection> {
  const check = new Check('inspectDataset');
  check.string('folder', folder);
  const {
    config: given,
    longestSide,
    ...reading
  } = check.fields<InspectOptions>('options', options, OPTION_NAMES, true);
  if (given !== undefined) check.fields('config', given, []);
  if (longestSide !== undefined) {
    check.number('longestSide', longestSide, { min: 32, max: 16_384, integer: true });
    if (given?.imageWidth !== undefined || given?.imageHeight !== undefined) {
      check.fail('ERR_OPTION', 'longestSide', 'it or an image size in config', 'both');
    }
  }
  const dataset = await readDataset(folder, reading);
  const { images } = dataset.splits.train;
  const unit = isResizing(given ?? {}) ? FRAME_MULTIPLE : FRAME_UNIT;
  const defaults = { numClasses: Math.max(1, dataset.classes.length), ...inputSizeFor(images, longestSide, unit) };
  const config = resolveConfig(check, { ...defaults, ...given }, 'config.');
  const looked = sampleImages(images, reading.seed ?? 0);
  const grid = anchorGrid(check, config, 'config.');
  const { fit, perImage } = fitAnchors(grid, looked);
  const shapes = searchShapes(
    looked,
    { width: config.imageWidth, height: config.imageHeight },
    grid.levels.map(({ stride }) => stride),
  );
  const suggested = fitAnchors(anchorGrid(check, { ...config, ...shapes }, 'config.'), looked).fit;
  const { unreached, unmatched, positivesPerBox } = suggested;
  return {
    dataset,
    statistics: statisticsOf(dataset),
    anchors: { config: anchorsOf(config), ...fit, suggested: { ...shapes, unreached, unmatched, positivesPerBox } },
    reached: perImage,
  };
}

const OPTION_NAMES = ['format', 'val', 'seed', 'checkImages', 'onImage', 'config', 'longestSide'] as const;

/** The size of most images with the given longer side, in multiples of `unit`; without one it is at most 640 pixels, and sides are multiples of 32. */
function inputSizeFor(images: readonly AnnotatedImage[], longestSide: number | undefined, unit: number): Frame {
  const [width, height] = [
    spreadOf(images.map((image) => image.width)).median,
    spreadOf(images.map((image) => image.height)).median,
  ];
  if (longestSide !== undefined) return frameOfSide({ width, height }, longestSide, unit);
  const scale = Math.min(1, LONGEST_INPUT / Math.max(width, height, 1));
  const multiple = (side: number) => Math.max(32, 32 * Math.round((side * scale) / 32));
  return { imageWidth: multiple(width), imageHeight: multiple(height) };
}

function sampleImages(images: readonly AnnotatedImage[], seed: number): AnnotatedImage[] {
  const filled = images.filter(({ boxes }) => boxes.length > 0);
  if (filled.length <= MOST_IMAGES) return filled;
  const drawn = permutation(filled.length, seededRandom(seed, SAMPLE)).slice(0, MOST_IMAGES).sort();
  return Array.from(drawn, (index) => filled[index]!);
}

function anchorsOf(config: ResolvedConfig): AnchorReport['config'] {
  const { imageWidth, imageHeight, anchorSizeInStrides, anchorScales, aspectRatios, pyramidLevels } = config;
  return {
    imageWidth,
    imageHeight,
    pyramidLevels: [...pyramidLevels],
    anchorSizeInStrides,
    anchorScales: [...anchorScales],
    aspectRatios: [...aspectRatios],
  };
}
