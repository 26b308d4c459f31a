/** A small seeded generator (Mulberry32), so that scenes are the same on every machine. */
export class Random {
  private state: number; // not #state: that is several times slower, and this is called for every pixel

  /** Streams with different keys are independent: one per scene makes a scene depend on nothing but its own number. */
  constructor(...keys: number[]) {
    this.state = 0x9e3779b9;
    for (const key of keys) {
      this.state = Math.imul(this.state ^ (key >>> 0), 0x85ebca6b) >>> 0;
      this.state = (this.state ^ (this.state >>> 15)) >>> 0;
      this.next();
    }
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform over the integers low ... high, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }
}
