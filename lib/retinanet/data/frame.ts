// The frame that pictures are brought into, from its longer side.

/** Frames are multiples of this: of the compact network's strides but the coarsest, whose last cells may reach beyond the frame. */
export const FRAME_UNIT = 16;

/** A network's input, pixels. */
export interface Frame {
  imageWidth: number;
  imageHeight: number;
}

/** A frame with the given longer side, of a picture's shape. */
export function frameOfSide(
  { width, height }: { width: number; height: number },
  side: number,
  unit: number = FRAME_UNIT,
): Frame {
  const scale = side / Math.max(width, height, 1);
  return frameOf(width * scale, height * scale, unit);
}

/** The frame that is nearest to a size, in multiples of `unit`. */
export function frameOf(width: number, height: number, unit: number = FRAME_UNIT): Frame {
  const near = (side: number) => Math.max(unit, unit * Math.round(side / unit));
  return { imageWidth: near(width), imageHeight: near(height) };
}
