// What is in pictures: the one way from them to detections, for files, data sets and validation.
import { detect, type DetectOptions, detectPicture } from '../evaluation/detect.js';
import type { LoadedImage } from '../data/load-image.js';
import type { Picture } from '../data/resize-picture.js';
import type { ResolvedConfig } from '../model/config.js';
import type { RetinaNet } from '../model/net.js';
import type { FoundObjects } from './draw-detections.js';

/** A picture in the frame of the network, and the way back. */
export type FramedImage = Pick<LoadedImage, 'pixels' | 'toPicture'>;

/** What a network is shown: the picture itself, of any size, where it has a `shorterSide`, see hasOwnFrames; else framed. */
export type ShownImage = FramedImage | Picture;

/** Whether every picture has a frame of its own; then they go through the network one by one. */
export function hasOwnFrames({ shorterSide }: Pick<ResolvedConfig, 'shorterSide'>): boolean {
  return shorterSide !== undefined;
}

/**
 * Finds objects in each of some pictures; boxes are in pixels of the pictures.
 *
 * @param options as for detect, and checked; `batchSize` counts for nothing: all go through the network at once, or each by itself
 */
export async function detectInPictures(
  net: RetinaNet,
  images: readonly ShownImage[],
  options: DetectOptions,
): Promise<FoundObjects[]> {
  const framed = images.filter((image): image is FramedImage => 'toPicture' in image);
  if (framed.length < images.length) {
    const each: FoundObjects[] = [];
    for (const picture of images as readonly Picture[]) each.push(await detectPicture(net, picture, options));
    return each;
  }
  if (framed.length === 0) return [];
  const { boxes, scores, labels, offsets } = await detect(net, framesOf(framed), {
    ...options,
    batchSize: framed.length,
  });
  return framed.map((image, i) => {
    const [first, end] = [offsets[i]!, offsets[i + 1]!];
    return {
      boxes: image.toPicture(boxes.slice(4 * first, 4 * end)),
      scores: scores.slice(first, end),
      labels: labels.slice(first, end),
    };
  });
}

/** The frames of pictures, one after the other. */
function framesOf(images: readonly FramedImage[]): Uint8Array {
  const bytes = images[0]!.pixels.length;
  const frames = new Uint8Array(images.length * bytes);
  for (const [i, { pixels }] of images.entries()) frames.set(pixels, i * bytes);
  return frames;
}
