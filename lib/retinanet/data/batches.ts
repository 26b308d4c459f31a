import { type Annotations, changeBoxes, changeOnGround, drawChange, type ResolvedAugment } from './augment.js';
import type { DetectionDataset } from './dataset.js';
import type { GroundTruth } from '../../operations/ground-truth.js';
import { drawMosaic } from './mosaic.js';
import { ImageOrder } from './order.js';
import { seededRandom, Stream } from './random.js';

type Annotated = Pick<
  DetectionDataset,
  'imageHeight' | 'imageWidth' | 'length' | 'boxes' | 'labels' | 'offsets' | 'ignoreBoxes' | 'ignoreOffsets'
>;

/** What batches are made of, as every thread sees it. */
export interface TrainingData extends Annotated {
  /** [m, H, W, 3]: every image of the data set; with `ring`, those of some steps, tile after tile of position after position. */
  images: Uint8Array;
  ring: boolean;
}

export interface Batch {
  /** [b, H, W, 3], 0..255 */
  images: Float32Array;
  size: number;
  truth: GroundTruth;
}

export interface BatchOptions {
  batchSize: number;
  seed: number;
  augment: ResolvedAugment | undefined;
  /** [3] What is beside images that are moved or made smaller. */
  ground: readonly number[];
}

/** The order in which a run with these options sees the images of a data set. */
export function orderOf(length: number, { seed, augment }: Pick<BatchOptions, 'seed' | 'augment'>): ImageOrder {
  return new ImageOrder(length, { seed, mosaic: augment?.mosaic ?? 0 });
}

/** Makes any part of any batch of a run, from nothing but the seed. */
export class BatchMaker {
  private readonly data: TrainingData;
  private readonly options: BatchOptions;
  private readonly order: ImageOrder;
  private images: Float32Array = new Float32Array(0);

  constructor(data: TrainingData, options: BatchOptions) {
    this.data = data;
    this.options = options;
    this.order = orderOf(data.length, options);
  }

  /**
   * Images `first` ... `last - 1` of the batch of a step (counts from 0), in an array that the next call uses again. Each epoch
   * sees every image once.
   */
  make(step: number, first: number, last: number): Batch {
    const { imageHeight, imageWidth } = this.data;
    const pixels = imageHeight * imageWidth * 3;
    const length = (last - first) * pixels;
    if (this.images.length !== length) this.images = new Float32Array(length);
    const truth = new RaggedTruth();
    for (let i = first; i < last; i++) {
      const target = this.images.subarray((i - first) * pixels, (i - first + 1) * pixels);
      truth.addImage(this.draw(step * this.options.batchSize + i, target));
    }
    return { images: this.images, size: last - first, truth: truth.finish() };
  }

  /** Draws the picture at a position of the run; returns what is in it, part by part. */
  private draw(position: number, target: Float32Array): Annotations[] {
    const { imageHeight: height, imageWidth: width } = this.data;
    const { seed, augment, ground } = this.options;
    const indices = this.order.at(position);
    const annotations = indices.map((index) => this.annotations(index));
    const images = indices.map((index, tile) => this.image(position, tile, index));
    if (!augment) {
      target.set(images[0]!);
      return annotations;
    }
    const random = seededRandom(seed, Stream.augment, position);
    const changes = indices.map(() => drawChange(augment, random, height, width));
    if (indices.length === 1) {
      const change = changes[0]!;
      changeOnGround(images[0]!, height, width, { change, ground }, target);
      return [changeBoxes(annotations[0]!, height, width, change)];
    }
    const sources = indices.map((_, i) => ({ image: images[i]!, annotations: annotations[i]!, change: changes[i]! }));
    return drawMosaic(sources, random, { height, width, ground }, target);
  }

  private image(position: number, tile: number, index: number): Uint8Array {
    const { imageHeight, imageWidth, images, ring } = this.data;
    const pixels = imageHeight * imageWidth * 3;
    const at = ring ? this.order.slot(position, tile, images.length / pixels) : index;
    return images.subarray(at * pixels, (at + 1) * pixels);
  }

  private annotations(index: number): Annotations {
    const { boxes, labels, offsets, ignoreBoxes, ignoreOffsets } = this.data;
    const [from, to] = [offsets[index]!, offsets[index + 1]!];
    const [ignoreFrom, ignoreTo] = ignoreOffsets ? [ignoreOffsets[index]!, ignoreOffsets[index + 1]!] : [0, 0];
    return {
      boxes: boxes.subarray(from * 4, to * 4),
      labels: labels.subarray(from, to),
      ignoreBoxes: ignoreBoxes?.subarray(ignoreFrom * 4, ignoreTo * 4) ?? [],
    };
  }
}

/** Collects the rows of one image after another. */
class RaggedTruth {
  private readonly boxes: number[] = [];
  private readonly labels: number[] = [];
  private readonly offsets = [0];
  private readonly ignoreBoxes: number[] = [];
  private readonly ignoreOffsets = [0];

  addImage(parts: readonly Annotations[]): void {
    for (const { boxes, labels, ignoreBoxes } of parts) {
      this.boxes.push(...Array.from(boxes));
      this.labels.push(...Array.from(labels));
      this.ignoreBoxes.push(...Array.from(ignoreBoxes));
    }
    this.offsets.push(this.labels.length);
    this.ignoreOffsets.push(this.ignoreBoxes.length / 4);
  }

  finish(): GroundTruth {
    return {
      boxes: Float32Array.from(this.boxes),
      labels: Int32Array.from(this.labels),
      offsets: Int32Array.from(this.offsets),
      ignoreBoxes: Float32Array.from(this.ignoreBoxes),
      ignoreOffsets: Int32Array.from(this.ignoreOffsets),
    };
  }
}
