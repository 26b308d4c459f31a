// One picture as the network takes it, and back.
import { Check } from '../../arguments/check.js';
import { decodeImage, readImageHeader } from './images.js';
import { boxesInPicture, checkFrame, fitPicture, type Frame, type Letterbox, placePicture } from './letterbox.js';
import type { Picture } from './resize-picture.js';
import { loadSharp } from './sharp.js';

/** A picture as a network takes it. */
export interface LoadedImage {
  /** [H, W, 3] RGB, 0..255: the picture at the upper left, as large as it can be with its aspect ratio, and padding. */
  pixels: Uint8Array;
  /** Width of the picture in its file, upright, in pixels. */
  width: number;
  /** Height of the picture in its file, upright, in pixels. */
  height: number;
  /** Boxes [n, 4] in pixels of the frame, such as `detect` finds, as boxes in pixels of the picture, cut at its border. */
  toPicture(boxes: Float32Array): Float32Array;
}

/**
 * Loads a picture for a network just as {@link openImages} does for its training.
 *
 * @param path of the file
 * @param frame the net's `config`
 * @throws RetinanetOpsError `ERR_DATA` naming a file that is no picture or damaged; `ERR_DTYPE`, `ERR_RANGE` or `ERR_SHAPE` for
 *   arguments that don't fit; `ERR_BACKEND` where the package sharp is not installed
 */
export async function loadImage(path: string, frame: Frame): Promise<LoadedImage> {
  const check = new Check('loadImage');
  check.string('path', path);
  const checked = checkFrame(check, 'frame', frame);
  const picture = await readImageHeader(path);
  const place = fitPicture(picture, checked);
  const {
    data,
    originalWidth: width,
    originalHeight: height,
  } = await decodeImage(path, { width: place.width, height: place.height });
  const pixels = new Uint8Array(checked.imageHeight * checked.imageWidth * 3);
  placePicture(data, place, checked, pixels);
  return {
    ...{ pixels, width, height },
    toPicture: (boxes) => boxesInPicture(new Check('toPicture').array('Float32Array', 'boxes', boxes), place, picture),
  };
}

/** A decoded picture in the frame of a network, and where it lies in it. */
export async function framePicture(
  { data, width, height }: Picture,
  frame: Required<Frame>,
): Promise<{ pixels: Uint8Array; place: Letterbox }> {
  const sharp = await loadSharp();
  const place = fitPicture({ width, height }, frame);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const resized = await image.resize(place.width, place.height, { fit: 'fill' }).raw().toBuffer();
  const pixels = new Uint8Array(frame.imageHeight * frame.imageWidth * 3);
  placePicture(resized, place, frame, pixels);
  return { pixels, place };
}
