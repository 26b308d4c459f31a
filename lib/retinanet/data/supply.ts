// Where the images of a run come from: memory that every training thread reads, filled ahead of the steps.
import { types } from 'node:util';

import type { Check } from '../../arguments/check.js';
import { bufferOf } from '../../arguments/typed-arrays.js';
import { type BatchOptions, orderOf, type TrainingData } from './batches.js';
import type { DetectionDataset, ImageSource } from './dataset.js';

/** The images of the steps of a run, which come one after the other. */
export interface Supply {
  readonly data: TrainingData;
  /** Resolves when the images of the step are there. The steps before it must be over: their memory is used again. */
  ready(step: number): Promise<void>;
  /** Fetches nothing more, and waits for what is being read. */
  close(): Promise<void>;
}

export interface SupplyOptions extends BatchOptions {
  /** Batches that are fetched ahead. */
  prefetch: number;
  /** The step with which the run begins, from 0. */
  firstStep: number;
  /** The step before which it ends; Infinity where that is not known. */
  endStep: number;
}

export function openSupply(check: Check, dataset: DetectionDataset | ImageSource, options: SupplyOptions): Supply {
  return 'read' in dataset ? new Prefetcher(check, dataset, options) : inMemory(dataset);
}

/** All images where every thread can read them: as they are when they lie in shared memory, else a copy. */
function inMemory(dataset: DetectionDataset): Supply {
  let { images } = dataset;
  if (!types.isSharedArrayBuffer(bufferOf(images))) {
    images = new Uint8Array(new SharedArrayBuffer(images.length));
    images.set(dataset.images);
  }
  const nothing = () => Promise.resolve();
  return { data: trainingData(dataset, images, false), ready: nothing, close: nothing };
}

/** Pictures read at the same time; sharp has as many threads unless told otherwise (UV_THREADPOOL_SIZE). */
const READS = 4;

/** A ring of the batch of the step and those after it. The order of a run is known, so what is needed next is. */
class Prefetcher implements Supply {
  readonly data: TrainingData;
  private readonly check: Check;
  private readonly source: ImageSource;
  private readonly options: SupplyOptions;
  private readonly order: ReturnType<typeof orderOf>;
  private readonly pixels: number;
  private readonly slots: number;
  private readonly fetched = new Map<number, Promise<void>>();
  private readonly limit = new Limit(READS);
  private next: number;
  private closed = false;

  constructor(check: Check, source: ImageSource, options: SupplyOptions) {
    this.check = check;
    this.source = source;
    this.options = options;
    this.order = orderOf(source.length, options);
    this.pixels = source.imageHeight * source.imageWidth * 3;
    const { batchSize, prefetch } = options;
    this.slots = (prefetch + 1) * batchSize * this.order.tiles;
    const ring = this.makeRing();
    this.data = trainingData(source, ring, true);
    this.next = options.firstStep;
  }

  private makeRing(): Uint8Array {
    try {
      return new Uint8Array(new SharedArrayBuffer(this.slots * this.pixels));
    } catch (cause) {
      const images = `${this.slots} images of ${this.pixels} bytes (a batch, and those that prefetch reads ahead)`;
      return this.check.fail('ERR_OUT_OF_MEMORY', 'batchSize', `memory for ${images}`, (cause as Error).message, {
        cause,
      });
    }
  }

  async ready(step: number): Promise<void> {
    const end = Math.min(step + this.options.prefetch + 1, this.options.endStep);
    for (; this.next < end; this.next++) {
      const fetching = this.fetch(this.next);
      // Whoever waits for this step hears of it; the steps before it are still done.
      fetching.catch(() => undefined);
      this.fetched.set(this.next, fetching);
    }
    const fetched = this.fetched.get(step);
    this.fetched.delete(step);
    await fetched;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.fetched.values());
  }

  private async fetch(step: number): Promise<void> {
    const { batchSize } = this.options;
    const reads: Promise<void>[] = [];
    for (let position = step * batchSize; position < (step + 1) * batchSize; position++) {
      for (const [tile, index] of this.order.at(position).entries()) {
        const slot = this.order.slot(position, tile, this.slots);
        const out = this.data.images.subarray(slot * this.pixels, (slot + 1) * this.pixels);
        reads.push(this.limit.run(() => this.read(index, out)));
      }
    }
    const failed = (await Promise.allSettled(reads)).find((read) => read.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async read(index: number, out: Uint8Array): Promise<void> {
    if (this.closed) return;
    try {
      await this.source.read(index, out);
    } catch (cause) {
      if ((cause as Error | undefined)?.name === 'RetinanetOpsError') throw cause;
      const name = this.source.names?.[index] ?? String(index);
      this.check.fail('ERR_DATA', `image ${name}`, 'pixels', String(cause), { cause });
    }
  }
}

/** Runs no more than `most` at a time, in the order of the calls. */
class Limit {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(most: number) {
    this.free = most;
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}

function trainingData(dataset: DetectionDataset | ImageSource, images: Uint8Array, ring: boolean): TrainingData {
  const { imageHeight, imageWidth, length, boxes, labels, offsets, ignoreBoxes, ignoreOffsets } = dataset;
  return { imageHeight, imageWidth, length, images, ring, boxes, labels, offsets, ignoreBoxes, ignoreOffsets };
}
