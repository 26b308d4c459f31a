// Arrays in a CUDA device's memory.
import { mark } from './copies.js';
import { BYTES, elements, KINDS, readShape, type DType, type TensorData } from './dtypes.js';
import { native } from './native.js';
import { plan } from './plan.js';
import { kindOf } from '../arguments/typed-arrays.js';
import type { ArrayKinds } from './allocate.js';
import { Check } from '../arguments/check.js';

/**
 * An array in a device's memory, made by `cuda.tensor` or as the result of a call on other tensors. Its elements can be written
 * and read; calls on it are queued on its device in the order they are made. To be disposed of when no longer needed: garbage
 * collection does it too, but knows nothing of how full a device is.
 */
export class DeviceTensor {
  /** Sizes of the axes, row-major; [] for a single number. */
  readonly shape: readonly number[];
  /** What an element is. */
  readonly dtype: DType;
  /** Index of the device, as in `cuda.devices()`. */
  readonly device: number;
  /** Number of elements, as of a typed array. */
  readonly length: number;
  #isDisposed = false;
  #shares = false;

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

  /** Whether the memory has been given back. */
  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** @internal Whether others may have the same memory. */
  get shares(): boolean {
    return this.#shares;
  }

  /**
   * The address in the device's memory, for other addons; work of theirs has to wait for ours (`cuda.record`, `cuda.synchronize`).
   *
   * @throws RetinanetOpsError ERR_DTYPE once the tensor has been disposed of
   */
  get pointer(): bigint {
    const pointer = native().devicePointer(this);
    if (pointer === undefined) this.#live(new Check('DeviceTensor.pointer'));
    return pointer as bigint;
  }

  /**
   * The elements as they are once what has been queued on the device by now is done: a worker thread waits for that, asleep, and
   * neither waits for nor sees what is queued later. They are put aside on the device meanwhile; where it has no room for that, what
   * is queued before the promise settles may be waited for, and show. Float32Array for float32, float16 and bfloat16, Int32Array for
   * int32, Float64Array for float64.
   *
   * @throws RetinanetOpsError ERR_DTYPE: disposed of; ERR_BACKEND: work queued before, or the device, failed; ERR_OUT_OF_MEMORY
   */
  async data(): Promise<TensorData> {
    const check = new Check('DeviceTensor.data');
    this.#live(check);
    const out = check.newArray(KINDS[this.dtype], this.length);
    return plan(check, 'deviceDownload', { from: this, to: out }, () => out).runAsync();
  }

  /**
   * Writes all elements, after what was queued before: from an array of the kind that data() gives, which may be changed again
   * at once, or queued from a tensor of the same dtype, on whichever device (then after what was queued there as well).
   *
   * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE: unfit data; ERR_BACKEND: the device failed
   */
  copyFrom(data: TensorData | DeviceTensor): this {
    const check = new Check('DeviceTensor.copyFrom');
    this.#live(check);
    if (!DeviceTensor.is(data)) {
      const array = check.array(KINDS[this.dtype], 'data', data, this.length);
      plan(check, 'deviceUpload', { to: this, from: array }, () => undefined).runSync();
      return this;
    }
    if (data === this) return this;
    data.#live(check, 'data');
    if (data.dtype !== this.dtype) check.fail('ERR_DTYPE', 'data', `a tensor of dtype ${this.dtype}`, data.dtype);
    check.length('data', data, this.length);
    plan(check, 'deviceCopy', { to: this, from: data }, () => undefined).runSync();
    return this;
  }

  /**
   * A tensor [end - begin] over some of the elements in their order, as a typed array's subarray is: it shares their memory and
   * keeps it alive, and is to be disposed of by itself. Negative indices count from the end.
   *
   * @throws RetinanetOpsError ERR_DTYPE: disposed of, no integers; ERR_RANGE
   */
  subarray(begin = 0, end = this.length): DeviceTensor {
    const check = new Check('DeviceTensor.subarray');
    this.#live(check);
    const index = (argument: string, value: unknown): number => {
      const given = check.number(argument, value, { min: -Infinity, integer: true });
      return Math.min(this.length, Math.max(0, given < 0 ? this.length + given : given));
    };
    const first = index('begin', begin);
    return this.#view(first, [Math.max(0, index('end', end) - first)]);
  }

  /**
   * A tensor of another shape over the same elements: it shares their memory and keeps it alive, and is to be disposed of by itself.
   *
   * @throws RetinanetOpsError ERR_DTYPE: disposed of; ERR_SHAPE: another number of elements; ERR_RANGE
   */
  reshape(shape: readonly number[]): DeviceTensor {
    const check = new Check('DeviceTensor.reshape');
    this.#live(check);
    const sizes = readShape(check, 'shape', shape);
    if (elements(sizes) !== this.length) {
      check.fail('ERR_SHAPE', 'shape', `a shape of ${String(this.length)} elements`, `[${sizes.join(', ')}]`);
    }
    return this.#view(0, sizes);
  }

  #view(first: number, shape: readonly number[]): DeviceTensor {
    const view = new DeviceTensor(shape, this.dtype, this.device);
    native().deviceView(view, this, first, view.length);
    this.#shares = view.#shares = true;
    return view;
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
    const { length } = tensor;
    const fields = { device, tensor, dtype: native().dtypes[dtype], length };
    return plan(check, 'deviceAllocate', fields, () => tensor).runSync();
  }

  /** @internal Over memory of somebody else; `released` is called when nothing here holds it any more. */
  static wrap(
    check: Check,
    pointer: bigint,
    shape: readonly number[],
    dtype: DType,
    device: number,
    released: (() => void) | null,
  ): DeviceTensor {
    const tensor = new DeviceTensor(shape, dtype, device);
    tensor.#shares = true;
    const { length } = tensor;
    const fields = { device, tensor, dtype: native().dtypes[dtype], length, pointer, released };
    return plan(check, 'deviceWrap', fields, () => tensor).runSync();
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
    plan(check, 'deviceCopy', { to: tensor, from: this }, () => undefined).runSync();
    this.dispose();
    return tensor;
  }
}

/** A float array of a call: a typed array, or a tensor; tensors of one call lie on one device. */
export type Floats = Float32Array | DeviceTensor;
/** An integer array of a call: a typed array, or a tensor of dtype int32. */
export type Ints = Int32Array | DeviceTensor;
/** A float array in the same memory as one of type F: on the host or on a device. */
export type FloatsLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : Float32Array;
/** An integer array in the same memory as a float array of type F. */
export type IntsLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : Int32Array;
/** A number where a float array of type F lies: a JavaScript number, or a tensor of one float64 on the device. */
export type NumberLike<F extends Floats> = F extends DeviceTensor ? DeviceTensor : number;

/** The dtypes of tensors that stand for typed arrays of a kind. */
export function dtypesOf(kind: 'Float32Array' | 'Int32Array'): readonly DType[] {
  return kind === 'Float32Array' ? ['float32'] : ['int32'];
}

/** The kind of a typed array, or of the one that a tensor stands for; undefined for everything else. */
export function operandKind(value: unknown): string | undefined {
  return DeviceTensor.is(value) ? KINDS[value.dtype] : kindOf(value);
}

/** The first `rows` of an output, where no more of it was written. */
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
