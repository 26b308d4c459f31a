import { changeBoxes, changeImage, drawChange, type ResolvedAugment } from './augment.js';
import type { DetectionDataset } from './dataset.js';
import type { GroundTruth } from '../../operations/ground-truth.js';
import { permutation, seededRandom } from './random.js';

/** What a batch takes from a data set. */
export type TrainingData = Pick<
  DetectionDataset,
  'imageHeight' | 'imageWidth' | 'length' | 'images' | 'boxes' | 'labels' | 'offsets'
>;

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
}

/** Streams of one seed that must not meet: shuffling and changing images. */
const SHUFFLE = 1;
const AUGMENT = 2;

/** Makes any part of any batch of a run, from nothing but the seed: threads need not agree on anything else. */
export class BatchMaker {
  private readonly data: TrainingData;
  private readonly options: BatchOptions;
  private epoch = -1;
  private order: Int32Array = new Int32Array(0);
  private images: Float32Array = new Float32Array(0);

  constructor(data: TrainingData, options: BatchOptions) {
    this.data = data;
    this.options = options;
  }

  /**
   * Images `first` ... `last - 1` of the batch of a step (counts from 0), in an array that the next call uses again. Each epoch
   * sees every image once.
   */
  make(step: number, first: number, last: number): Batch {
    const { imageHeight: height, imageWidth: width, boxes, labels, offsets } = this.data;
    const { batchSize, seed, augment } = this.options;
    const pixels = height * width * 3;
    const length = (last - first) * pixels;
    if (this.images.length !== length) this.images = new Float32Array(length);
    const { images } = this;
    const truth = new RaggedTruth();
    for (let i = first; i < last; i++) {
      const position = step * batchSize + i;
      const index = this.imageAt(position);
      const image = this.data.images.subarray(index * pixels, (index + 1) * pixels);
      const target = images.subarray((i - first) * pixels, (i - first + 1) * pixels);
      const [from, to] = [offsets[index]!, offsets[index + 1]!];
      const imageBoxes = boxes.subarray(from * 4, to * 4);
      const imageLabels = labels.subarray(from, to);
      if (augment) {
        const change = drawChange(augment, seededRandom(seed, AUGMENT, position), height, width);
        changeImage(image, height, width, change, target);
        const changed = changeBoxes(imageBoxes, imageLabels, height, width, change);
        truth.add(changed.boxes, changed.labels, changed.ignoreBoxes);
      } else {
        target.set(image);
        truth.add(imageBoxes, imageLabels, []);
      }
    }
    return { images, size: last - first, truth: truth.finish() };
  }

  private imageAt(position: number): number {
    const epoch = Math.floor(position / this.data.length);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.order = permutation(this.data.length, seededRandom(this.options.seed, SHUFFLE, epoch));
    }
    return this.order[position % this.data.length]!;
  }
}

/** Collects the rows of one image after another. */
class RaggedTruth {
  private readonly boxes: number[] = [];
  private readonly labels: number[] = [];
  private readonly offsets = [0];
  private readonly ignoreBoxes: number[] = [];
  private readonly ignoreOffsets = [0];

  add(boxes: ArrayLike<number>, labels: ArrayLike<number>, ignoreBoxes: ArrayLike<number>): void {
    this.boxes.push(...Array.from(boxes));
    this.labels.push(...Array.from(labels));
    this.offsets.push(this.labels.length);
    this.ignoreBoxes.push(...Array.from(ignoreBoxes));
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
