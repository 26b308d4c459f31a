// The frame that pictures are brought into, from its longer side.

/** Frames are multiples of this: of the compact network's strides but the coarsest, whose last cells may reach beyond the frame. */
const MULTIPLE = 16;

/** A network's input, pixels. */
export interface Frame {
  imageWidth: number;
  imageHeight: number;
}

/** A frame with the given longer side, of a picture's shape. */
export function frameOfSide({ width, height }: { width: number; height: number }, side: number): Frame {
  const scale = side / Math.max(width, height, 1);
  return frameOf(width * scale, height * scale);
}

/** The frame that is nearest to a size. */
export function frameOf(width: number, height: number): Frame {
  const multiple = (side: number) => Math.max(MULTIPLE, MULTIPLE * Math.round(side / MULTIPLE));
  return { imageWidth: multiple(width), imageHeight: multiple(height) };
}
