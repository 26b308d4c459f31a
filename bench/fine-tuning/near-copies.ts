// Whether two folders hold the same pictures: by whether neighbouring areas get lighter or darker, which neither another size nor
// another compression changes much.
import sharp from 'sharp';

/** Areas of a row and of a column. */
const SIDE = 16;
/** Of 256 comparisons, those that may differ between copies; pictures that have nothing to do with each other differ in about half. */
const COPY = 32;

export type Fingerprint = Uint8Array;

export async function fingerprint(file: string): Promise<Fingerprint> {
  const pixels = await sharp(file)
    .flatten()
    .greyscale()
    .resize(SIDE + 1, SIDE, { fit: 'fill' })
    .raw()
    .toBuffer();
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const at = Math.floor(i / SIDE) * (SIDE + 1) + (i % SIDE);
    return pixels[at]! < pixels[at + 1]! ? 1 : 0;
  });
}

export const isNearCopy = (a: Fingerprint, b: Fingerprint) =>
  a.reduce((sum, bit, i) => sum + (bit === b[i] ? 0 : 1), 0) <= COPY;
