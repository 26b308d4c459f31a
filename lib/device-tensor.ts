// Arrays in a CUDA device's memory.
import { mark } from './copies.js';
import { native } from './native.js';
import { plan } from './plan.js';
import { kindOf } from './typed-arrays.js';
import type { ArrayKinds } from './allocate.js';
import { Check } from './validate.js';

/** Element types; their order is the wire format between lib/ and the addon. */
export const DTYPES = ['float32', 'float16', 'bfloat16', 'int32', 'float64'] as const;
export type DType = (typeof DTYPES)[number];
const BYTES: Record<DType, number> = { float32: 4, float16: 2, bfloat16: 2, int32: 4, float64: 8 };

/** What a tensor's elements are on the host; float16 and bfloat16 come and go as float32. */
export type TensorData = Float32Array | Int32Array | Float64Array;
export const KINDS = {
  float32: 'Float32Array',
  float16: 'Float32Array',
  bfloat16: 'Float32Array',
  int32: 'Int32Array',
  float64: 'Float64Array',
} as const;

/** How many elements a shape has. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The native number of the CUDA backend. */
export const CUDA = 1;

/**
 * An array in a device's memory, made by `cuda.tensor` or as the result of a call on other tensors. Its elements can be written
 * and read; calls on it are queued on its device in the order they are made. To be disposed of when no longer needed: garbage
 * collection does it too, but knows nothing of how full a device is.
 */
export class DeviceTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Index of the device, as in `cuda.devices()`. */
  readonly device: number;
  /** Number of elements, as of a typed array. */
  readonly length: number;
  #isDisposed = false;

  private constructor(shape: readonly number[], dtype: DType, device: number) {
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.device = device;
    this.length = elements(shape);
  }

  /** Number of elements, as of other libraries' tensors. */
  get size(): number {
    return this.length;
  }

  /** Bytes of device memory. */
  get bytes(): number {
    return this.length * BYTES[this.dtype];
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /**
   * The address in the device's memory, for other addons; work of theirs has to wait for ours (`cuda.synchronize`).
   *
   * @throws RetinanetOpsError ERR_DTYPE once the tensor has been disposed of
   */
  get pointer(): bigint {
    const pointer = native().devicePointer(this);
    if (pointer === undefined) this.#live(new Check('DeviceTensor.pointer'));
    return pointer as bigint;
  }

  /**
   * The elements: waits, on a worker thread, for what was queued on the device before. Float32Array for float32, float16 and
   * bfloat16, Int32Array for int32, Float64Array for float64.
   *
   * @throws RetinanetOpsError ERR_DTYPE: disposed of; ERR_BACKEND: work queued before, or the device, failed; ERR_OUT_OF_MEMORY
   */
  async data(): Promise<TensorData> {
    const check = new Check('DeviceTensor.data');
    this.#live(check);
    const out = check.newArray(KINDS[this.dtype], this.length);
    return plan(check, 'deviceDownload', [CUDA, this, out], () => out).runAsync();
  }

  /**
   * Writes all elements, after what was queued before: from an array of the kind that data() gives, which may be changed again
   * at once, or queued from a tensor of the same dtype on the same device.
   *
   * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_DEVICE: unfit data; ERR_BACKEND: the device failed
   */
  copyFrom(data: TensorData | DeviceTensor): this {
    const check = new Check('DeviceTensor.copyFrom');
    this.#live(check);
    if (!DeviceTensor.is(data)) {
      const array = check.array(KINDS[this.dtype], 'data', data, this.length);
      plan(check, 'deviceUpload', [CUDA, this, array], () => undefined).runSync();
      return this;
    }
    if (data === this) return this;
    data.#live(check, 'data');
    if (data.dtype !== this.dtype) check.fail('ERR_DTYPE', 'data', `a tensor of dtype ${this.dtype}`, data.dtype);
    if (data.device !== this.device) {
      check.fail(
        'ERR_DEVICE',
        'data',
        `a tensor on device ${String(this.device)}`,
        `one on device ${String(data.device)}`,
      );
    }
    check.length('data', data, this.length);
    plan(check, 'deviceCopy', [CUDA, this, data], () => undefined).runSync();
    return this;
  }

  /** Gives the memory back, once what was queued on it has been done; promised calls under way still have it. Idempotent. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    native().deviceDispose(this);
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(check: Check, argument = 'this'): void {
    if (this.#isDisposed)
      check.fail('ERR_DTYPE', argument, 'a tensor that holds memory', 'one that has been disposed of');
  }

  /** @internal True for our tensors, false for look-alikes. */
  static is(value: unknown): value is DeviceTensor {
    return typeof value === 'object' && value !== null && #isDisposed in value;
  }

  static {
    mark(this.prototype);
  }

  /** @internal Uninitialised. */
  static allocate(check: Check, shape: readonly number[], dtype: DType, device: number): DeviceTensor {
    const tensor = new DeviceTensor(shape, dtype, device);
    const args: [number, DeviceTensor, number, number, number] = [
      CUDA,
      tensor,
      device,
      DTYPES.indexOf(dtype),
      tensor.length,
    ];
    return plan(check, 'deviceAllocate', args, () => tensor).runSync();
  }

  /** @internal A tensor of what native code allocated. */
  static adopt(holder: object, shape: readonly number[], dtype: DType, device: number): DeviceTensor {
    const tensor = new DeviceTensor(shape, dtype, device);
    native().deviceAdopt(tensor, holder);
    return tensor;
  }

  /** @internal The first elements, in a tensor of their own; this one is disposed of. */
  head(check: Check, shape: readonly number[]): DeviceTensor {
    const tensor = DeviceTensor.allocate(check, shape, this.dtype, this.device);
    plan(check, 'deviceCopy', [CUDA, tensor, this], () => undefined).runSync();
    this.dispose();
    return tensor;
  }
}

/** The arrays of a call: typed arrays, or tensors that all lie on one device. */
export type Floats = Float32Array | DeviceTensor;
export type Ints = Int32Array | DeviceTensor;
/** Where float arrays of type F lie: float arrays, int arrays and numbers in that memory. */
export type FloatsLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : Float32Array;
export type IntsLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : Int32Array;
export type NumberLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : number;

/** The dtypes of tensors that stand for typed arrays of a kind. */
export function dtypesOf(kind: 'Float32Array' | 'Int32Array'): readonly DType[] {
  return kind === 'Float32Array' ? ['float32'] : ['int32'];
}

/** The kind of a typed array, or of the one that a tensor stands for; undefined for everything else. */
export function operandKind(value: unknown): string | undefined {
  return DeviceTensor.is(value) ? KINDS[value.dtype] : kindOf(value);
}

/** The first `rows` of an output of which no more was written. */
export function head<A extends Floats | Ints>(check: Check, array: A, rows: number, rowLength?: number): A {
  const shape = rowLength === undefined ? [rows] : [rows, rowLength];
  if (DeviceTensor.is(array)) return array.head(check, shape) as A;
  const length = rows * (rowLength ?? 1);
  if (length === array.length) return array;
  const out = check.newArray(kindOf(array) as keyof ArrayKinds, length);
  out.set(array.subarray(0, length));
  return out as A;
}

/** Gives back an output that the caller did not ask for. */
export function discard(value: number | Floats): void {
  if (DeviceTensor.is(value)) value.dispose();
}
