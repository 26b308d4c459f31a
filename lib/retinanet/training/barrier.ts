/**
 * A point that `parties` threads pass only together, any number of times. All of them have to call `wait` equally often;
 * a thread that dies leaves the others waiting, and its owner has to terminate them.
 */
export class Barrier {
  static readonly BYTES = 8;
  private readonly state: Int32Array;
  private readonly parties: number;

  /** `shared` holds `Barrier.BYTES` zero bytes that all parties see. */
  constructor(shared: SharedArrayBuffer, parties: number) {
    this.state = new Int32Array(shared, 0, 2);
    this.parties = parties;
  }

  wait(): void {
    const generation = Atomics.load(this.state, 1);
    if (Atomics.add(this.state, 0, 1) === this.parties - 1) {
      Atomics.store(this.state, 0, 0);
      Atomics.add(this.state, 1, 1);
      Atomics.notify(this.state, 1);
      return;
    }
    while (Atomics.load(this.state, 1) === generation) Atomics.wait(this.state, 1, generation);
  }
}
