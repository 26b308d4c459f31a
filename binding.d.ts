// The raw native interface, nothing else. Every operation exists twice: `name` runs on the calling thread, `nameAsync` on a
// worker thread and returns a promise. Arguments are positional and have been validated by lib/; null switches an optional
// array off. `backend`: 0 auto, 1 cpu, 2 cuda.

type Floats = Float32Array;
type Ints = Int32Array;
type Optional<T> = T | null;
/** One number for all classes, or [K]. */
type PerClass = number | Float64Array;

/** `data` is boxes [A, 4] where `levels` is null; else half sizes [L, S, 2] and levels [L, 4]: height, width, stride, first. */
type AnchorArguments = [data: Floats, levels: Optional<Float64Array>];
type GroundTruthArguments = [
  boxes: Floats,
  labels: Ints,
  offsets: Ints,
  ignoreBoxes: Optional<Floats>,
  ignoreOffsets: Optional<Ints>,
];
type MatchArguments = [
  positiveThreshold: number,
  negativeThreshold: number,
  allowLowQuality: boolean,
  ignoreIof: number,
];

export interface Assignment {
  positives: Ints;
  positiveOffsets: Ints;
  boxTargets: Floats;
  unmatchedGt: Ints;
}

export interface Operations {
  /** scalars: [sum of losses, number of positives] */
  focalLoss(
    backend: number,
    rows: number,
    classes: number,
    logits: Floats,
    labels: Optional<Ints>,
    targets: Optional<Floats>,
    anchorWeights: Optional<Floats>,
    alpha: Optional<PerClass>,
    gamma: PerClass,
    labelSmoothing: number,
    normalizer: number,
    normalizeByPositives: boolean,
    gradOutput: Optional<Floats>,
    losses: Optional<Floats>,
    grad: Optional<Floats>,
    scalars: Float64Array,
  ): void;
  /** scalars: [sum of losses] */
  smoothL1(
    backend: number,
    rows: number,
    columns: number,
    predictions: Floats,
    targets: Floats,
    weights: Optional<Floats>,
    beta: number,
    normalizer: number,
    gradOutput: Optional<Floats>,
    losses: Optional<Floats>,
    grad: Optional<Floats>,
    scalars: Float64Array,
  ): void;
  assign(
    backend: number,
    ...rest: [...AnchorArguments, ...GroundTruthArguments, ...MatchArguments, labels: Ints, matches: Ints]
  ): Assignment;
  gridBoxes(backend: number, ...rest: [...AnchorArguments, out: Floats]): void;
  encodeBoxes(backend: number, ...rest: [...AnchorArguments, boxes: Floats, out: Floats]): void;
  decodeBoxes(backend: number, ...rest: [...AnchorArguments, deltas: Floats, out: Floats]): void;
  clipBoxes(backend: number, boxes: Floats, height: number, width: number, out: Floats): void;
  boxIou(backend: number, a: Floats, b: Floats, out: Floats): void;
  /** Returns how many rows of `keep` were written. */
  nms(
    backend: number,
    boxes: Floats,
    scores: Floats,
    classes: Optional<Ints>,
    iouThreshold: number,
    maxOutput: number,
    keep: Ints,
  ): number;
  decodeDetections(
    backend: number,
    ...rest: [
      ...AnchorArguments,
      images: number,
      classes: number,
      classLogits: Floats,
      boxDeltas: Floats,
      levelCounts: Float64Array,
      imageHeight: number,
      imageWidth: number,
      scoreThreshold: number,
      topK: number,
      iouThreshold: number,
      maxDetections: number,
      boxes: Floats,
      scores: Floats,
      labels: Ints,
      offsets: Ints,
    ]
  ): void;
  /** scalars: [class loss, box loss, number of positives] */
  retinanetLoss(
    backend: number,
    ...rest: [
      ...AnchorArguments,
      ...GroundTruthArguments,
      ...MatchArguments,
      classes: number,
      classLogits: Floats,
      boxDeltas: Floats,
      alpha: Optional<PerClass>,
      gamma: PerClass,
      labelSmoothing: number,
      beta: number,
      boxWeight: number,
      normalizer: number,
      normalizeByPositives: boolean,
      classGrad: Floats,
      boxGrad: Floats,
      scalars: Float64Array,
    ]
  ): void;
  /** Returns how many rows of `keep` were written. */
  selectHardNegatives(
    backend: number,
    rows: number,
    columns: number,
    losses: Floats,
    labels: Ints,
    ratio: number,
    keep: Ints,
  ): number;
}

type AsyncOperations = {
  [Name in keyof Operations as `${Name}Async`]: (
    ...args: Parameters<Operations[Name]>
  ) => Promise<ReturnType<Operations[Name]>>;
};

export interface BackendState {
  available: boolean;
  /** Present where available. */
  instructionSet?: string;
  /** Present where not available. */
  reason?: string;
}

export interface Binding extends Operations, AsyncOperations {
  backendInfo(): { cpu: BackendState; cuda: BackendState };
  /** Index of the first value not in [lowest, highest] (NaN never is; bounds in the array's own type), or -1. */
  firstOutside(values: Floats | Ints, lowest: number, highest: number): number;
  /** Cores that Linux's control groups grant, 0 where nothing limits them; `root` comes before every path, '' but in tests. */
  cgroupCores(root: string): number;
  /** Where decoding clips dw and dh. */
  readonly largestLogSize: number;
  numThreads(): number;
  /** 0 restores the default. */
  setNumThreads(count: number): void;
}
