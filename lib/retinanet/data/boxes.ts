// The boxes of one image: from what the source says to pixels of the upright image.
import type { AnnotatedBox, BoxEdges } from './annotations.js';
import type { SourceBox, SourceImage } from './formats/source.js';
import type { ImageHeader } from './images.js';
import type { WarningKind, Warnings } from './warnings.js';

type Size = Pick<ImageHeader, 'width' | 'height'>;
type Map4 = (edges: BoxEdges) => BoxEdges;

/** Beyond an edge by no more than rounding does it. */
const ROUNDING = 0.1;
/** A box with a shorter side shows nothing. */
const SHORTEST = 0.5;

/** The boxes that are left, and the regions to ignore. */
export function placeBoxes(
  image: SourceImage,
  header: Size & Partial<ImageHeader>,
  shares: boolean,
  warnings: Warnings,
): { boxes: AnnotatedBox[]; ignore: BoxEdges[] } {
  const toPixels = shares ? scaleBy(header.width, header.height) : fromStated(image, header, warnings);
  const boxes: AnnotatedBox[] = [];
  const ignore: BoxEdges[] = [];
  const seen = new Set<string>();
  for (const source of image.boxes) {
    const edges = placeBox(source, toPixels, header, warnings);
    if (!edges) continue;
    if (source.crowd) {
      ignore.push(edges);
      continue;
    }
    const key = `${source.class}\0${edges.map((value) => value.toFixed(2)).join()}`;
    if (seen.has(key)) {
      warnings.add('box-repeated', source.at, `${source.name} [${show(edges)}]`);
      continue;
    }
    seen.add(key);
    const box: AnnotatedBox = { class: source.class, box: edges };
    if (source.difficult) box.difficult = true;
    boxes.push(box);
  }
  return { boxes, ignore };
}

function placeBox(
  source: SourceBox,
  toPixels: Map4,
  { width, height }: Size,
  warnings: Warnings,
): BoxEdges | undefined {
  const { at, name, edges: given } = source;
  const note = (kind: WarningKind, why: string) => {
    warnings.add(kind, at, `${name} [${show(given)}]${why}`);
  };
  if (!given.every(Number.isFinite)) {
    note('box-unreadable', ' is not finite');
    return undefined;
  }
  const [a, b, c, d] = toPixels(given);
  if (a > c || b > d) note('box-swapped', '');
  const [x1, y1, x2, y2] = [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  if (x1 >= width || y1 >= height || x2 <= 0 || y2 <= 0) {
    note(x1 === x2 || y1 === y2 ? 'box-empty' : 'box-outside', ` is outside ${width}x${height}`);
    return undefined;
  }
  const clipped: BoxEdges = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
  if (clipped[2] - clipped[0] < SHORTEST || clipped[3] - clipped[1] < SHORTEST) {
    note('box-empty', ' has no area');
    return undefined;
  }
  const out = Math.max(-x1, -y1, x2 - width, y2 - height);
  // Coordinates of six digits are off by more in a larger image.
  if (out > Math.max(ROUNDING, 1e-4 * Math.max(width, height))) {
    note('box-clipped', ` sticks out of ${width}x${height} by ${show([out])} pixels`);
  }
  return clipped;
}

const show = (numbers: readonly number[]): string => numbers.map((value) => Number(value.toFixed(4))).join(', ');

const scaleBy =
  (x: number, y: number): Map4 =>
  ([x1, y1, x2, y2]) => [x1 * x, y1 * y, x2 * x, y2 * y];

/** What makes pixels of the upright image of coordinates in the size that the source states. */
function fromStated(
  { stated, at, file }: SourceImage,
  { width, height, orientation = 1 }: Size & Partial<ImageHeader>,
  warnings: Warnings,
): Map4 {
  const asGiven: Map4 = (edges) => edges;
  if (!stated || (stated.width === width && stated.height === height)) return asGiven;
  const sizes = `${stated.width}x${stated.height} stated, ${file} is ${width}x${height}`;
  if (orientation >= 5 && stated.width === height && stated.height === width) {
    warnings.add('boxes-turned', at, `${sizes} after its EXIF orientation ${orientation}`);
    return (edges) => turnEdges(edges, stated, orientation);
  }
  const [x, y] = [width / stated.width, height / stated.height];
  if (Math.abs(x / y - 1) < 0.01 && Math.abs(x - 1) > 0.01) {
    warnings.add('boxes-scaled', at, sizes);
    return scaleBy(x, y);
  }
  warnings.add('size-differs', at, sizes);
  return asGiven;
}

/** Edges on stored pixels, as they lie after the EXIF orientation has been applied. `width` and `height` are the stored ones. */
export function turnEdges([x1, y1, x2, y2]: BoxEdges, { width: w, height: h }: Size, orientation: number): BoxEdges {
  switch (orientation) {
    case 2:
      return [w - x2, y1, w - x1, y2];
    case 3:
      return [w - x2, h - y2, w - x1, h - y1];
    case 4:
      return [x1, h - y2, x2, h - y1];
    case 5:
      return [y1, x1, y2, x2];
    case 6:
      return [h - y2, x1, h - y1, x2];
    case 7:
      return [h - y2, w - x2, h - y1, w - x1];
    case 8:
      return [y1, w - x2, y2, w - x1];
    default:
      return [x1, y1, x2, y2];
  }
}
