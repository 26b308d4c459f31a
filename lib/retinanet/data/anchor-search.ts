// Which sizes and aspect ratios of anchors fit the boxes of a data set.
import type { AnnotatedImage } from './annotations.js';
import { boxesInInput, type InputSize } from './anchor-fit.js';

/** The options of a configuration that shape its anchors. */
export interface AnchorShapes {
  /** Side of the smallest anchor of a level, in strides of that level. */
  anchorSizeInStrides: number;
  /** Sizes of the anchors of one level, relative to the smallest. */
  anchorScales: number[];
  /** Height / width. */
  aspectRatios: number[];
}

const SIZES = [1, 1.5, 2, 3, 4, 6];
const SCALES = [[1], [1, 2 ** 0.5], [1, 2 ** (1 / 3), 2 ** (2 / 3)]];
const MOST_RATIOS = 3;
/** Reach that more anchors must add to be worth their time. */
const WORTH = 0.005;
/** Boxes that the search looks at. */
const MOST_BOXES = 5000;

/**
 * Searches sizes, scales and aspect ratios: of those that reach nearly as many boxes as the best with the threshold's IoU, the fewest
 * anchors. Ratios come from the boxes' own, by k-means of their logarithms.
 */
export function searchShapes(
  images: readonly AnnotatedImage[],
  input: InputSize,
  strides: readonly number[],
  positiveThreshold = 0.5,
): AnchorShapes {
  const boxes = sample(images.flatMap((image) => rowsOf(boxesInInput(image, input))));
  const logRatios = boxes.map(([x1, y1, x2, y2]) => Math.log((y2 - y1) / (x2 - x1)));
  const ratios = Array.from({ length: MOST_RATIOS }, (_, k) => clusters(logRatios, k + 1).map(rounded));
  const candidates = ratios.flatMap((aspectRatios) =>
    SCALES.flatMap((anchorScales) =>
      SIZES.map((anchorSizeInStrides): AnchorShapes => ({ anchorSizeInStrides, anchorScales, aspectRatios })),
    ),
  );
  const rated = candidates.map((shapes) => ({ shapes, ...rate(boxes, shapes, strides, positiveThreshold) }));
  const most = Math.max(...rated.map(({ reach }) => reach));
  const anchors = ({ shapes }: (typeof rated)[number]) => shapes.anchorScales.length * shapes.aspectRatios.length;
  const good = rated.filter(({ reach }) => reach >= most - WORTH);
  good.sort((a, b) => anchors(a) - anchors(b) || b.meanIou - a.meanIou);
  return good[0]!.shapes;
}

type Row = [number, number, number, number];

function rowsOf(boxes: Float32Array): Row[] {
  return Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)] as Row);
}

function sample(boxes: Row[]): Row[] {
  const step = boxes.length / Math.min(MOST_BOXES, boxes.length);
  return Array.from({ length: Math.min(MOST_BOXES, boxes.length) }, (_, i) => boxes[Math.floor(i * step)]!);
}

/** Share of the boxes whose best IoU reaches the threshold, and the mean of the best. */
function rate(boxes: readonly Row[], shapes: AnchorShapes, strides: readonly number[], threshold: number) {
  let [reached, sum] = [0, 0];
  for (const box of boxes) {
    const best = bestIou(box, shapes, strides);
    if (best >= threshold) reached++;
    sum += best;
  }
  return { reach: reached / Math.max(1, boxes.length), meanIou: sum / Math.max(1, boxes.length) };
}

/** The best IoU of any anchor with a box. Of one shape the best is that of the nearest cell. */
export function bestIou([x1, y1, x2, y2]: Row, shapes: AnchorShapes, strides: readonly number[]): number {
  const [width, height] = [x2 - x1, y2 - y1];
  let best = 0;
  for (const stride of strides) {
    const fromCentre = (middle: number) => Math.abs(middle - (Math.floor(middle / stride) + 0.5) * stride);
    const [dx, dy] = [fromCentre((x1 + x2) / 2), fromCentre((y1 + y2) / 2)];
    for (const scale of shapes.anchorScales) {
      const side = stride * shapes.anchorSizeInStrides * scale;
      for (const ratio of shapes.aspectRatios) {
        const [w, h] = [side / Math.sqrt(ratio), side * Math.sqrt(ratio)];
        const shared = (length: number, own: number, distance: number) =>
          Math.max(0, Math.min(length, own, (length + own) / 2 - distance));
        const inter = shared(w, width, dx) * shared(h, height, dy);
        best = Math.max(best, inter / (w * h + width * height - inter));
      }
    }
  }
  return best;
}

/** Centres of k clusters of numbers (Lloyd's iteration from quantiles). */
function clusters(values: readonly number[], k: number): number[] {
  const sorted = Float64Array.from(values).sort();
  let centres = Array.from({ length: k }, (_, i) => sorted[Math.floor(((i + 0.5) / k) * sorted.length)] ?? 0);
  for (let round = 0; round < 20; round++) {
    const sums = centres.map(() => [0, 0] as [number, number]);
    for (const value of sorted) {
      const distances = centres.map((centre) => Math.abs(centre - value));
      const nearest = sums[distances.indexOf(Math.min(...distances))]!;
      nearest[0] += value;
      nearest[1]++;
    }
    centres = centres.map((centre, i) => (sums[i]![1] > 0 ? sums[i]![0] / sums[i]![1] : centre));
  }
  return [...new Set(centres.map((centre) => rounded(Math.exp(centre))))].sort((a, b) => a - b);
}

const rounded = (value: number): number => Number(value.toPrecision(2));
