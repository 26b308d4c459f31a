// Mean and deviation of a data set's pixels, from a sample of its pictures.
import { join } from 'node:path';
import type { AnnotatedImage } from '../data/annotations.js';
import { pixelStatistics } from '../data/dataset.js';
import { evenly } from '../data/evenly.js';
import { decodeImage } from '../data/images.js';

/** Pictures that are looked at, evenly over the set, and their longer side. */
const [MOST_IMAGES, SIDE] = [64, 128];

/** @throws RetinanetOpsError `ERR_DATA` naming a picture that cannot be decoded */
export async function samplePixels(
  root: string,
  images: readonly AnnotatedImage[],
): Promise<{ pixelMean: number[]; pixelStd: number[] }> {
  const parts: Uint8Array[] = [];
  for (const i of evenly(images.length, MOST_IMAGES)) {
    const { file, width, height } = images[i]!;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const pixels = (side: number) => Math.max(1, Math.round(side * scale));
    parts.push((await decodeImage(join(root, file), { width: pixels(width), height: pixels(height) })).data);
  }
  return pixelStatistics({ images: new Uint8Array(Buffer.concat(parts)) });
}
