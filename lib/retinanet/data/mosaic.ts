// Four images in one picture: objects in more places and sizes, and beside others, than any image shows them (Bochkovskiy et al.,
// YOLOv4, 2020).
import { type Annotations, type Change, changeBoxes, changeOnGround, type Rectangle } from './augment.js';
import type { Random } from './random.js';

/** Images that a mosaic is made of. */
export const TILES = 4;

/** The lines at which the tiles meet lie within this share of the picture around its middle, either way. */
const MIDDLE = 0.2;

/** An image [H, W, 3], what is in it, and how it is to be changed. */
export interface Source {
  image: Uint8Array;
  annotations: Annotations;
  change: Change;
}

/** Draws the changed images, each cut to its tile, into `out` [H, W, 3]; returns what of each is to be seen. */
export function drawMosaic(
  sources: readonly Source[],
  random: Random,
  { height, width, ground }: { height: number; width: number; ground: readonly number[] },
  out: Float32Array,
): Annotations[] {
  const tiles = drawTiles(random, height, width);
  const whole = new Float32Array(out.length);
  return sources.map(({ image, annotations, change }, i) => {
    const tile = tiles[i]!;
    const inTile = changeInTile(change, tile, height, width);
    changeOnGround(image, height, width, { change: inTile, ground }, whole);
    copyRectangle(whole, out, width, tile);
    return changeBoxes(annotations, height, width, inTile, tile);
  });
}

/** The four parts of a picture, of whole pixels. */
function drawTiles(random: Random, height: number, width: number): Rectangle[] {
  const cut = (size: number) => Math.round(size * (0.5 + MIDDLE * (2 * random() - 1)));
  const [x, y] = [cut(width), cut(height)];
  return [
    [0, 0, x, y],
    [x, 0, width, y],
    [0, y, x, height],
    [x, y, width, height],
  ];
}

/** The change after which an image that `change` alters covers a tile, its middle in the tile's, its aspect ratio kept. */
function changeInTile(change: Change, [x1, y1, x2, y2]: Rectangle, height: number, width: number): Change {
  const scale = Math.max((x2 - x1) / width, (y2 - y1) / height);
  return {
    ...change,
    scaleX: change.scaleX * scale,
    scaleY: change.scaleY * scale,
    shiftX: change.shiftX * scale + (x1 + x2 - width) / 2,
    shiftY: change.shiftY * scale + (y1 + y2 - height) / 2,
  };
}

function copyRectangle(from: Float32Array, to: Float32Array, width: number, [x1, y1, x2, y2]: Rectangle): void {
  for (let y = y1; y < y2; y++) {
    const [first, end] = [(y * width + x1) * 3, (y * width + x2) * 3];
    to.set(from.subarray(first, end), first);
  }
}
