/** Indices of at most `most` of n things, rising, evenly over them. */
export function evenly(n: number, most: number): number[] {
  const count = Math.min(n, most);
  return Array.from({ length: count }, (_, i) => Math.floor((i * n) / count));
}
