// How a picture of any size comes into a frame of one size: shrunk or enlarged as a whole, never squeezed, in the upper left corner;
// what it leaves of the frame has one colour.
import type { Check } from '../../arguments/check.js';
import { IMAGENET_MEAN, type ResolvedConfig } from '../model/config.js';

/** What pictures are brought to: a net's `config`, or these fields of one. */
export interface Frame extends Pick<ResolvedConfig, 'imageHeight' | 'imageWidth'> {
  /** [3] Rounded, the colour beside the picture, which the network then sees as about nought. Default: ImageNet's. */
  pixelMean?: readonly number[];
}

/** Where a picture lies in a frame, whose upper left corner is its own. */
export interface Letterbox {
  /** Pixels of the frame that the picture is wide, at least 1. */
  width: number;
  /** Pixels of the frame that the picture is high, at least 1. */
  height: number;
  /** Pixels of the frame per pixel of the picture; it differs from `scaleY` by the rounding of `width` and `height` alone. */
  scaleX: number;
  scaleY: number;
}

export function checkFrame(check: Check, argument: string, value: unknown): Required<Frame> {
  const given = check.fields<Frame>(argument, value, ['imageHeight', 'imageWidth', 'pixelMean']);
  const size = { min: 1, max: 65_536, integer: true };
  const { pixelMean = IMAGENET_MEAN } = given;
  const mean = check.numbers(`${argument}.pixelMean`, pixelMean, { min: 0, max: 255 });
  check.length(`${argument}.pixelMean`, mean, 3, '(one per channel)');
  return {
    imageHeight: check.number(`${argument}.imageHeight`, given.imageHeight, size),
    imageWidth: check.number(`${argument}.imageWidth`, given.imageWidth, size),
    pixelMean: mean,
  };
}

/** The largest that the picture can be in the frame. */
export function fitPicture(picture: { width: number; height: number }, frame: Frame): Letterbox {
  const scale = Math.min(frame.imageWidth / picture.width, frame.imageHeight / picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  return { width, height, scaleX: width / picture.width, scaleY: height / picture.height };
}

/** Writes a picture's pixels [height, width, 3], already of the size that it has there, into a frame `out` [H, W, 3]. */
export function placePicture(
  pixels: Uint8Array,
  { width, height }: Letterbox,
  { imageHeight, imageWidth, pixelMean }: Required<Frame>,
  out: Uint8Array,
): void {
  const row = imageWidth * 3;
  const colour = pixelMean.map(Math.round);
  const padding = Uint8Array.from({ length: row }, (_, i) => colour[i % 3]!);
  for (let y = 0; y < imageHeight; y++) {
    const used = y < height ? width * 3 : 0;
    if (used > 0) out.set(pixels.subarray(y * used, (y + 1) * used), y * row);
    out.set(padding.subarray(used), y * row + used);
  }
}

/** Boxes [n, 4] of a frame as boxes of the picture in it, cut at its `width` and `height`. */
export function boxesInPicture(
  boxes: Float32Array,
  { scaleX, scaleY }: Letterbox,
  { width, height }: { width: number; height: number },
): Float32Array {
  const within = (value: number, size: number) => Math.max(0, Math.min(size, value));
  return boxes.map((value, i) => (i % 2 === 0 ? within(value / scaleX, width) : within(value / scaleY, height)));
}
