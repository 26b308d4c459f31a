// Splits: as the source has them, or drawn by a seed.
import type { AnnotatedImage, SplitName } from './annotations.js';
import { permutation, seededRandom, Stream } from './random.js';

/** What near-copies of one picture share: Roboflow's augmented copies are called x.rf.HASH.jpg. */
export const pictureOf = (file: string): string => file.replace(/\.rf\.[0-9a-z]{6,}(?=\.[^./]+$)/i, '');

/** Draws a share of the images for validation. Copies of one picture stay together, so that none is trained on and measured. */
export function drawSplit(
  images: readonly AnnotatedImage[],
  share: number,
  seed: number,
): Record<SplitName, AnnotatedImage[]> {
  const pictures = [...new Set(images.map(({ file }) => pictureOf(file)))];
  const wanted = images.length > 1 && share > 0 ? Math.max(1, Math.round(share * images.length)) : 0;
  const sizes = new Map<string, number>();
  for (const { file } of images) sizes.set(pictureOf(file), (sizes.get(pictureOf(file)) ?? 0) + 1);
  const drawn = new Set<string>();
  let count = 0;
  for (const index of permutation(pictures.length, seededRandom(seed, Stream.split))) {
    const picture = pictures[index]!;
    // The last picture stays in training.
    if (count >= wanted || drawn.size === pictures.length - 1) break;
    drawn.add(picture);
    count += sizes.get(picture)!;
  }
  const isDrawn = ({ file }: AnnotatedImage) => drawn.has(pictureOf(file));
  return { train: images.filter((image) => !isDrawn(image)), val: images.filter(isDrawn), test: [] };
}
