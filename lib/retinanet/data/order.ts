// Which images a training run sees, and in which order.
import { TILES } from './mosaic.js';
import { permutation, seededRandom, Stream } from './random.js';

export interface OrderOptions {
  seed: number;
  /** Probability of a mosaic. */
  mosaic: number;
}

/** The order of a run, from nothing but the seed: threads need not agree on anything else. */
export class ImageOrder {
  /** Most images that one picture is made of. */
  readonly tiles: number;
  private readonly length: number;
  private readonly options: OrderOptions;
  private epoch = -1;
  private order: Int32Array = new Int32Array(0);

  /** `length`: images of the data set. */
  constructor(length: number, options: OrderOptions) {
    this.length = length;
    this.options = options;
    this.tiles = options.mosaic > 0 ? TILES : 1;
  }

  /** The images of the picture at a position of the run, from 0: one, or those of a mosaic. The first of all are a permutation each epoch. */
  at(position: number): number[] {
    const { seed, mosaic } = this.options;
    const first = this.imageAt(position);
    if (mosaic === 0) return [first];
    const random = seededRandom(seed, Stream.mosaic, position);
    if (random() >= mosaic) return [first];
    return Array.from({ length: TILES }, (_, tile) => (tile === 0 ? first : Math.floor(random() * this.length)));
  }

  /** Where a ring of `slots` images holds that of a tile. */
  slot(position: number, tile: number, slots: number): number {
    return (position * this.tiles + tile) % slots;
  }

  private imageAt(position: number): number {
    const epoch = Math.floor(position / this.length);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.order = permutation(this.length, seededRandom(this.options.seed, Stream.shuffle, epoch));
    }
    return this.order[position % this.length]!;
  }
}
