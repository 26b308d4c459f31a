import { clip, decode } from './boxes.js';
import { byFallingScore, nmsReference } from './nms.js';

export interface DecodeReferenceOptions {
  anchors: Float32Array;
  /** Anchors of each level: the top-k is taken within a level. */
  levelCounts: readonly number[];
  imageHeight: number;
  imageWidth: number;
  numClasses: number;
  scoreThreshold: number;
  topK: number;
  iouThreshold: number;
  classAgnostic?: boolean;
  maxDetections: number;
  coderWeights?: ArrayLike<number>;
}

/** RetinaNet's post-processing of one image, as torchvision does it; rows whose deltas or box are not finite are left out. */
export function decodeImageReference(logits: Float32Array, deltas: Float32Array, options: DecodeReferenceOptions) {
  const { anchors, numClasses, scoreThreshold, topK, imageHeight, imageWidth } = options;
  // In float32, whose range is the narrower.
  const isFinite = (values: Iterable<number>) => Float32Array.from(values).every(Number.isFinite);
  const isBox = (anchor: number) =>
    isFinite(deltas.subarray(4 * anchor, 4 * anchor + 4)) &&
    isFinite(decode(anchors, anchor, deltas, anchor, options.coderWeights));
  const boxes: number[] = [];
  const scores: number[] = [];
  const labels: number[] = [];
  let first = 0;
  for (const count of options.levelCounts) {
    const level = Array.from(
      logits.subarray(first * numClasses, (first + count) * numClasses),
      (x) => 1 / (1 + Math.exp(-x)),
    );
    const anchorOf = (i: number) => first + Math.floor(i / numClasses);
    const candidates = byFallingScore(level).filter((i) => level[i]! > scoreThreshold && isBox(anchorOf(i)));
    for (const i of candidates.slice(0, topK)) {
      const anchor = anchorOf(i);
      boxes.push(...clip(decode(anchors, anchor, deltas, anchor, options.coderWeights), imageHeight, imageWidth));
      scores.push(level[i]!);
      labels.push(i % numClasses);
    }
    first += count;
  }
  const classes = options.classAgnostic === true ? undefined : labels;
  const kept = nmsReference(new Float32Array(boxes), scores, options.iouThreshold, classes).slice(
    0,
    options.maxDetections,
  );
  return {
    boxes: kept.flatMap((i) => boxes.slice(4 * i, 4 * i + 4)),
    scores: kept.map((i) => scores[i]!),
    labels: kept.map((i) => labels[i]!),
  };
}

type BatchOptions = Partial<DecodeReferenceOptions> &
  Pick<DecodeReferenceOptions, 'anchors' | 'levelCounts'> & { classLogits: Float32Array; boxDeltas: Float32Array };

/** The images of a batch one by one, with the documented defaults. */
export function decodeReference({ classLogits, boxDeltas, ...given }: BatchOptions) {
  const defaults = { scoreThreshold: 0.05, topK: 1000, iouThreshold: 0.5, maxDetections: 300 };
  const options = { ...defaults, imageHeight: NaN, imageWidth: NaN, numClasses: 1, ...given };
  const count = options.anchors.length;
  const all = { boxes: [] as number[], scores: [] as number[], labels: [] as number[], offsets: [0] };
  for (let b = 0; count > 0 && b < boxDeltas.length / count; b++) {
    const span = (count / 4) * options.numClasses;
    const logits = classLogits.subarray(b * span, (b + 1) * span);
    const image = decodeImageReference(logits, boxDeltas.subarray(b * count, (b + 1) * count), options);
    all.boxes.push(...image.boxes);
    all.scores.push(...image.scores);
    all.labels.push(...image.labels);
    all.offsets.push(all.scores.length);
  }
  return all;
}
