/** A stream of uniform numbers in [0, 1). */
export type Random = () => number;

/** Streams of one seed that must not meet. */
export const Stream = { shuffle: 1, augment: 2, mosaic: 3, split: 4 } as const;

/** sfc32 (Chris Doty-Humphrey, PractRand): a stream that follows from up to three integers. */
export function seededRandom(seed: number, a = 0, b = 0): Random {
  let [x, y, z, counter] = [seed | 0, a | 0, b | 0, 1];
  const next: Random = () => {
    const t = (((x + y) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    x = y ^ (y >>> 9);
    y = (z + (z << 3)) | 0;
    z = (z << 21) | (z >>> 11);
    z = (z + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** 0 ... n - 1 in random order (Fisher-Yates). */
export function permutation(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
