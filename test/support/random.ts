/** A seeded generator of uniform numbers in [0, 1) (mulberry32): the same cases on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function uniform(next: () => number, count: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length: count }, () => low + (high - low) * next());
}

/** Integers of [low, high). */
export function integers(next: () => number, count: number, low: number, high: number): Int32Array {
  return Int32Array.from({ length: count }, () => low + Math.floor((high - low) * next()));
}

/** Boxes with area inside [0, extent]; whole coordinates make ties and overlaps exactly on a threshold. */
export function randomBoxes(
  next: () => number,
  count: number,
  extent: number,
  smallest = 4,
  largest = extent / 2,
  whole = false,
) {
  const boxes = new Float32Array(4 * count);
  const round = (v: number) => (whole ? Math.round(v) : v);
  for (let i = 0; i < count; i++) {
    const width = round(smallest + (largest - smallest) * next());
    const height = round(smallest + (largest - smallest) * next());
    const x = round((extent - width) * next());
    const y = round((extent - height) * next());
    boxes.set([x, y, x + width, y + height], 4 * i);
  }
  return boxes;
}

/** A random order of 0 .. count - 1. */
export function shuffled(next: () => number, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Rows of `width` values put in the given order. */
export function reorder<T extends Float32Array | Int32Array>(values: T, order: readonly number[], width: number): T {
  const result = values.slice() as T;
  order.forEach((from, to) => {
    for (let j = 0; j < width; j++) result[to * width + j] = values[from * width + j]!;
  });
  return result;
}

export function pick<T>(next: () => number, from: readonly T[]): T {
  return from[Math.floor(next() * from.length)]!;
}

/** Boxes made to lead an index by place astray: crowds, sizes over many magnitudes, no size, far from zero, on a lattice. */
export function awkwardBoxes(next: () => number, count: number): Float32Array {
  const kind = pick(next, ['random', 'whole', 'plain', 'tiny', 'giant', 'mixed', 'flat', 'far', 'lattice']);
  if (kind === 'random' || kind === 'whole') return randomBoxes(next, count, 30, 3, 14, kind === 'whole');
  const boxes = new Float32Array(4 * count);
  const magnitude = { tiny: -16, giant: 18, mixed: 0 }[kind] ?? 0;
  for (let i = 0; i < count; i++) {
    const unit = 10 ** (kind === 'mixed' ? magnitude + 6 * next() - 3 : magnitude);
    const crowd = Math.floor(4 * next());
    const x = kind === 'lattice' ? Math.floor(8 * next()) : crowd * 3 * unit + next() * unit;
    const y = kind === 'lattice' ? Math.floor(8 * next()) : crowd * unit + next() * unit;
    const far = kind === 'far' ? 1e6 : 0;
    const size = () =>
      kind === 'lattice' ? Math.floor(5 * next()) : kind === 'flat' && next() < 0.3 ? 0 : next() * 2 * unit;
    boxes.set([far + x, far + y, far + x + size(), far + y + size()], 4 * i);
  }
  return boxes;
}
