// The raw native interface, nothing else. Every operation exists twice: `name` runs on the calling thread, `nameAsync` on a
// worker thread and returns a promise. What comes has been validated by lib/; null switches an optional array off. `backend`:
// one of `backends`. The arrays of a call are typed arrays, or all of them objects that deviceAllocate has tied to memory of one
// device; then work is only queued. Those named Host... are always typed arrays.

/** What native code finds memory of a device by; lib/'s DeviceTensor. */
export interface DeviceBuffer {
  readonly device: number;
  readonly dtype: string;
  readonly length: number;
}

type HostFloats = Float32Array;
type HostInts = Int32Array;
type Floats = Float32Array | DeviceBuffer;
type Ints = Int32Array | DeviceBuffer;
/** Receive outputs of one number each, in a call on a device: tensors of one float64. Null on the host, where they are returned. */
type Scalars = DeviceBuffer[] | null;
type Optional<T> = T | null;
/** One number for all classes, or [K]. */
type PerClass = number | Float64Array;

/** Where `anchorLevels` is null boxes [A, 4]; else levels [L, 5] of rows, columns, both strides and the offset of centres, and half
 *  sizes [L, S, 2]. */
export type AnchorArguments =
  | { anchorLevels: null; halfSizes: null; anchorBoxes: Floats }
  | { anchorLevels: Float64Array; halfSizes: HostFloats; anchorBoxes: null };
/** [4] weights of dx, dy, dw and dh. */
export interface BoxCoderArguments {
  coderWeights: HostFloats;
}
/** Boxes and labels may be typed arrays where the other arrays of the call lie on a device. */
export interface GroundTruthArguments {
  gtBoxes: Floats;
  gtLabels: Ints;
  gtOffsets: HostInts;
  ignoreBoxes: Optional<Floats>;
  ignoreOffsets: Optional<HostInts>;
}
export interface MatchArguments {
  positiveThreshold: number;
  negativeThreshold: number;
  allowLowQuality: boolean;
  ignoreIof: number;
}

export interface Assignment {
  /** For arrays on a device these two are objects that deviceAdopt takes. */
  positives: HostInts;
  boxTargets: HostFloats;
  positiveOffsets: HostInts;
  unmatchedGt: HostInts;
}

/** Images [images, height, width, channels], filters [filterHeight, filterWidth, channels, filters]. */
export interface ConvolutionShape {
  images: number;
  height: number;
  width: number;
  channels: number;
  filterHeight: number;
  filterWidth: number;
  filters: number;
  outHeight: number;
  outWidth: number;
  strideHeight: number;
  strideWidth: number;
  dilationHeight: number;
  dilationWidth: number;
  padTop: number;
  padLeft: number;
}

/** bias [filters]; clamped: the output lies in [low, high]. */
export interface DepthwiseArguments extends ConvolutionShape {
  input: HostFloats;
  filter: HostFloats;
  bias: Optional<HostFloats>;
  clamped: boolean;
  low: number;
  high: number;
  output: HostFloats;
}
/** addend: of the output's shape, added to it before it is clamped. */
export interface ConvolutionArguments extends DepthwiseArguments {
  addend: Optional<HostFloats>;
}
export interface DepthwiseInputGradArguments extends ConvolutionShape {
  outputGrad: HostFloats;
  filter: HostFloats;
  inputGrad: HostFloats;
}
/**
 * Both of the input's shape: addend is added to the gradient; rectified is the input where a ReLU gave it, whose gradient follows.
 */
export interface ConvolutionInputGradArguments extends DepthwiseInputGradArguments {
  addend: Optional<HostFloats>;
  rectified: Optional<HostFloats>;
}
export interface ConvolutionFilterGradArguments extends ConvolutionShape {
  input: HostFloats;
  outputGrad: HostFloats;
  filterGrad: HostFloats;
}

/** Images [images, height, width, channels] to [images, outHeight, outWidth, channels]. */
interface PixelShape {
  images: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
}
export interface PoolShape extends PixelShape {
  average: boolean;
  windowHeight: number;
  windowWidth: number;
  strideHeight: number;
  strideWidth: number;
  padTop: number;
  padLeft: number;
}
export interface ResizeShape extends PixelShape {
  bilinear: boolean;
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

interface OnBackend {
  backend: number;
}
interface OnDevice {
  device: number;
}

/** What each operation takes, by name. lib/'s plan() puts the values into the order that native code reads them in. */
export interface Operations {
  /** Numbers: sum of losses, number of positives. */
  focalLoss(
    call: OnBackend & {
      rows: number;
      classes: number;
      logits: Floats;
      labels: Optional<Ints>;
      targets: Optional<Floats>;
      anchorWeights: Optional<Floats>;
      alpha: Optional<PerClass>;
      gamma: PerClass;
      labelSmoothing: number;
      normalizer: number;
      normalizeByPositives: boolean;
      gradOutput: Optional<Floats | number>;
      losses: Optional<Floats>;
      grad: Optional<Floats>;
      numbers: Scalars;
    },
  ): number[] | undefined;
  /** Numbers: sum of losses. kind: one of `regressions`. */
  regressionLoss(
    call: OnBackend & {
      kind: number;
      rows: number;
      columns: number;
      predictions: Floats;
      targets: Floats;
      weights: Optional<Floats>;
      beta: number;
      normalizer: number;
      gradOutput: Optional<Floats | number>;
      losses: Optional<Floats>;
      grad: Optional<Floats>;
      numbers: Scalars;
    },
  ): number[] | undefined;
  assign(
    call: OnBackend &
      AnchorArguments &
      GroundTruthArguments &
      MatchArguments &
      BoxCoderArguments & { labels: Ints; matches: Ints },
  ): Assignment;
  gridBoxes(call: OnBackend & AnchorArguments & { out: Floats }): void;
  encodeBoxes(call: OnBackend & AnchorArguments & BoxCoderArguments & { boxes: Floats; out: Floats }): void;
  decodeBoxes(call: OnBackend & AnchorArguments & BoxCoderArguments & { deltas: Floats; out: Floats }): void;
  clipBoxes(call: OnBackend & { boxes: Floats; height: number; width: number; out: Floats }): void;
  boxIou(call: OnBackend & { a: Floats; b: Floats; out: Floats }): void;
  /** Returns how many rows of `keep` were written. */
  nms(
    call: OnBackend & {
      boxes: Floats;
      scores: Floats;
      classes: Optional<Ints>;
      iouThreshold: number;
      maxOutput: number;
      keep: Ints;
    },
  ): number;
  decodeDetections(
    call: OnBackend &
      AnchorArguments &
      BoxCoderArguments & {
        images: number;
        classes: number;
        classLogits: Floats;
        boxDeltas: Floats;
        levelCounts: Float64Array;
        imageHeight: number;
        imageWidth: number;
        scoreThreshold: number;
        topK: number;
        iouThreshold: number;
        classAgnostic: boolean;
        maxDetections: number;
        boxes: Floats;
        scores: Floats;
        labels: Ints;
        offsets: HostInts;
      },
  ): void;
  /** Numbers: loss, class loss, box loss, number of positives. boxLoss: one of `regressions`. */
  retinanetLoss(
    call: OnBackend &
      AnchorArguments &
      GroundTruthArguments &
      MatchArguments &
      BoxCoderArguments & {
        classes: number;
        classLogits: Floats;
        boxDeltas: Floats;
        alpha: Optional<PerClass>;
        gamma: PerClass;
        labelSmoothing: number;
        boxLoss: number;
        beta: number;
        boxWeight: number;
        normalizer: number;
        normalizeByPositives: boolean;
        normalizeByImage: boolean;
        divisor: Optional<DeviceBuffer>;
        lossScale: number;
        classGrad: Floats;
        boxGrad: Floats;
        numbers: Scalars;
      },
  ): number[] | undefined;
  /** Returns how many rows of `keep` were written. */
  selectHardNegatives(
    call: OnBackend & {
      rows: number;
      columns: number;
      losses: Floats;
      labels: Ints;
      ratio: number;
      minNegatives: number;
      keep: Ints;
    },
  ): number;

  // Networks: all of these run on the CPU.

  /** Of the weights [first, end) of `length`: gradient = scale * sum of the `parts` rows of partials; gives the sum of its squares. */
  sumGradients(call: {
    length: number;
    first: number;
    end: number;
    parts: number;
    partials: HostFloats;
    scale: number;
    gradient: HostFloats;
  }): number;
  /** Of the same weights. learningRate: with the correction of the first moment; average = decay * average + (1 - decay) * weights. */
  adam(call: {
    length: number;
    first: number;
    end: number;
    gradient: HostFloats;
    weights: HostFloats;
    firstMoment: HostFloats;
    secondMoment: HostFloats;
    average: HostFloats;
    beta1: number;
    beta2: number;
    learningRate: number;
    secondCorrection: number;
    gradientScale: number;
    averageDecay: number;
  }): void;
  /** A picture [height, width, 3] as native/math/image_change.h says; red, green and blue are the gains. */
  changeImage(call: {
    height: number;
    width: number;
    image: Uint8Array;
    scaleX: number;
    scaleY: number;
    shiftX: number;
    shiftY: number;
    red: number;
    green: number;
    blue: number;
    offset: number;
    output: HostFloats;
  }): void;
  convolution(call: ConvolutionArguments): void;
  convolutionInputGrad(call: ConvolutionInputGradArguments): void;
  convolutionFilterGrad(call: ConvolutionFilterGradArguments): void;
  /** `filters` of each channel; outputs [images, outHeight, outWidth, channels * filters], and a bias of as many channels. */
  depthwiseConvolution(call: DepthwiseArguments): void;
  depthwiseInputGrad(call: DepthwiseInputGradArguments): void;
  depthwiseFilterGrad(call: ConvolutionFilterGradArguments): void;

  /** kind: one of `unaries`. */
  unary(call: { kind: number; alpha: number; beta: number; input: HostFloats; output: HostFloats }): void;
  /** kind: one of `binaries`. Shapes of one rank; those of a and b broadcast to `shape`. */
  binary(call: {
    kind: number;
    alpha: number;
    shape: Float64Array;
    aShape: Float64Array;
    bShape: Float64Array;
    a: HostFloats;
    b: HostFloats;
    output: HostFloats;
  }): void;
  stridedCopy(call: {
    shape: Float64Array;
    inputOffset: number;
    inputStrides: Float64Array;
    input: HostFloats;
    outputOffset: number;
    outputStrides: Float64Array;
    output: HostFloats;
  }): void;
  /** input [outer, reduced, inner], output [outer, inner]; kind: one of `reductions`. */
  reduce(call: {
    kind: number;
    outer: number;
    reduced: number;
    inner: number;
    input: HostFloats;
    output: HostFloats;
  }): void;

  pool(call: PoolShape & { input: HostFloats; output: HostFloats }): void;
  /** wholeWindows: averages were of whole windows, whatever the image lacks of them. */
  poolGrad(
    call: PoolShape & { wholeWindows: boolean; input: HostFloats; outputGrad: HostFloats; inputGrad: HostFloats },
  ): void;
  resize(call: ResizeShape & { input: HostFloats; output: HostFloats }): void;
  resizeGrad(call: ResizeShape & { outputGrad: HostFloats; inputGrad: HostFloats }): void;
  /** output = (input - mean) * factor + offset, of [pixels, channels]. */
  batchNorm(call: {
    pixels: number;
    channels: number;
    mean: HostFloats;
    factor: HostFloats;
    offset: HostFloats;
    input: HostFloats;
    output: HostFloats;
  }): void;
  /** sums [2, channels]: over pixels, of outputGrad and of outputGrad * (input - mean). */
  batchNormSums(call: {
    pixels: number;
    channels: number;
    mean: HostFloats;
    input: HostFloats;
    outputGrad: HostFloats;
    sums: HostFloats;
  }): void;

  // On devices: all of these run on the CUDA backend.

  /** Ties the object to new memory. dtype: one of `dtypes`. */
  deviceAllocate(call: OnDevice & { tensor: DeviceBuffer; dtype: number; length: number }): void;
  /** float16 and bfloat16 come from and go to a Float32Array. */
  deviceUpload(call: { to: DeviceBuffer; from: TypedArray }): void;
  /** Waits for what was queued before the call, and for no more. */
  deviceDownload(call: { from: DeviceBuffer; to: TypedArray }): void;
  /** As many elements as `to` has; between devices too. */
  deviceCopy(call: { to: DeviceBuffer; from: DeviceBuffer }): void;
  deviceClear(call: { tensor: DeviceBuffer }): void;
  /** As deviceDownload waits. */
  deviceSynchronize(call: OnDevice): void;
  /** limit and trim: negative where nothing is to be done. */
  deviceMemory(call: OnDevice & { limit: number; trim: number }): DeviceMemory;
  /** A buffer over pinned memory, or undefined where the runtime forbids such. */
  devicePinned(call: { bytes: number }): ArrayBuffer | undefined;
  /** Ties the object to memory of somebody else; `released` is called when nothing here holds it any more. */
  deviceWrap(
    call: OnDevice & {
      tensor: DeviceBuffer;
      dtype: number;
      length: number;
      pointer: bigint;
      released: Optional<() => void>;
    },
  ): void;
  /** The device whose memory an address is, or -1; bytes from there to the end of the allocation, -1 where not known. */
  deviceLocate(call: { pointer: bigint }): { device: number; bytes: number };
  /** Its cudaStream_t. */
  deviceStream(call: OnDevice): bigint;
  /** A cudaEvent_t after what has been queued so far, which lives as long as the object. */
  deviceRecord(call: OnDevice & { holder: object }): bigint;
  /** What is queued from now on waits for a cudaEvent_t, or for what is queued on a cudaStream_t. */
  deviceWaitFor(call: OnDevice & { handle: bigint; isStream: boolean }): void;
}

/** What an operation takes. */
export type Fields<Name extends keyof Operations> = Parameters<Operations[Name]>[0];

type TypedArray = Float32Array | Int32Array | Float64Array;

/** Memory of a device that this process holds, in bytes. */
export interface DeviceMemory {
  /** Tensors of this process that have not been disposed of. */
  numTensors: number;
  /** Bytes of these tensors; memory of others that they wrap is not counted. */
  bytes: number;
  /** The most that `bytes` has been. */
  peak: number;
  /** Bytes that the memory pool holds, scratch memory and what it keeps for later included. */
  reserved: number;
  /** While more than so many bytes are reserved, a wait for the device gives back what is free; Infinity: all is kept. */
  limit: number;
  /** Bytes of pinned host memory, of the whole process: arrays, and the buffers that copies pass through. */
  pinned: number;
}

/** The operations as the addon exports them: each takes the values of its fields in the order of `fields`. */
type Exports = {
  [Name in keyof Operations]: (...values: unknown[]) => ReturnType<Operations[Name]>;
} & {
  [Name in keyof Operations as `${Name}Async`]: (...values: unknown[]) => Promise<ReturnType<Operations[Name]>>;
} & {
  readonly fields: { readonly [Name in keyof Operations]: readonly (keyof Fields<Name>)[] };
};

/** What can be said of a backend. */
export interface BackendState {
  /** Whether calls can run on it. */
  available: boolean;
  /** Present where available. */
  instructionSet?: string;
  /** Present where not available. */
  reason?: string;
}

/** A CUDA device. */
export interface CudaDevice {
  /** As CUDA names it. */
  name: string;
  /** Such as '9.0'. */
  computeCapability: string;
  /** Streaming multiprocessors. */
  multiprocessors: number;
  /** Bytes of its memory. */
  totalBytes: number;
}

/** What can be said of CUDA. */
export interface CudaState {
  /** Whether calls can run on a device. */
  available: boolean;
  /**
   * Present where not available: 'no-library' (the plugin is absent or does not load), 'abi-mismatch' (it is of another version of
   * this package), 'no-driver' (none, or it does not work), 'old-driver' (it knows no CUDA as new as `runtimeVersion`), 'no-device'
   * (none, or none to be had), 'old-device' (this package has no machine code for any of them).
   */
  reason?: string;
  /** The same in the words of the system or of CUDA. */
  detail?: string;
  /** Such as '12.8'; the newest CUDA that the driver knows. Present where the plugin loads and a driver is there. */
  driverVersion?: string;
  /** Such as '12.9'; the CUDA that the plugin was built with. Present where the plugin loads. */
  runtimeVersion?: string;
  /** The first of `devices` that runs the kernels; calls that name none take it. Present where available. */
  device?: number;
  /** All devices that the driver shows; their order is that of their indices. */
  devices: CudaDevice[];
}

/** Memory of large results that is used again, of the whole process, in bytes. */
export interface RecycledMemory {
  /** Of `kept`; 0 where nothing is recycled. */
  limit: number;
  /** Free, held for results to come. */
  kept: number;
  /** Of results that the garbage collector has not freed. */
  inUse: number;
}

export interface Binding extends Exports {
  cpuInfo(): BackendState;
  cudaInfo(): CudaState;
  /** Devices there are, asked without making a context on them; 0 where CUDA is out of the question. */
  cudaDeviceCount(): number;
  /** Ties the object to what native code tied `holder` to, which loses it. */
  deviceAdopt(tensor: DeviceBuffer, holder: object): void;
  /** Ties the object to elements of a tensor, whose memory it then shares. */
  deviceView(tensor: DeviceBuffer, of: DeviceBuffer, first: number, length: number): void;
  deviceDispose(tensor: DeviceBuffer): void;
  /** undefined once disposed of. */
  devicePointer(tensor: DeviceBuffer): bigint | undefined;
  /** Index of the first value not in [lowest, highest] (NaN never is; bounds in the array's own type), or -1. */
  firstOutside(values: HostFloats | HostInts, lowest: number, highest: number): number;
  /** Row of the first box that is not finite or, where `area` is asked for, has none; or -1. */
  firstBadBox(boxes: HostFloats, area: boolean): number;
  /** From the first byte of `a` in memory to that of `b`. */
  bytesBetween(a: ArrayBufferView, b: ArrayBufferView): number;
  /** From the last multiple of 64 in memory to the first byte of the array. */
  bytesIntoLine(array: ArrayBufferView): number;
  /** Whether memory can be recycled here; nothing is until the limit is set. */
  canRecycle(): boolean;
  setRecycledLimit(bytes: number): void;
  recycledMemory(): RecycledMemory;
  /** Of arbitrary content; undefined where no recycled memory is to be had. */
  recycledBuffer(bytes: number): ArrayBuffer | undefined;
  /** Cores that Linux's control groups grant, 0 where nothing limits them; `root` comes before every path, '' but in tests. */
  cgroupCores(root: string): number;
  readonly backends: { readonly cpu: number; readonly cuda: number };
  readonly dtypes: { readonly [Name in 'float32' | 'float16' | 'bfloat16' | 'int32' | 'float64']: number };
  /** By the names of native/backend/regressions.def. */
  readonly regressions: Readonly<Record<string, number>>;
  /** By the names of native/math/elementwise.def. */
  readonly unaries: Readonly<Record<string, number>>;
  readonly binaries: Readonly<Record<string, number>>;
  readonly reductions: { readonly Sum: number; readonly Mean: number; readonly Max: number; readonly Min: number };
  readonly labels: { readonly background: number; readonly ignored: number };
  /** Where decoding clips dw and dh. */
  readonly largestLogSize: number;
  readonly maxThreads: number;
  numThreads(): number;
  /** Up to maxThreads; 0 restores the default. */
  setNumThreads(count: number): void;
  /** At most so many for operations that this thread calls, 1 to maxThreads; as many as all may have until it is called. */
  setThreadsOfCaller(count: number): void;
}
