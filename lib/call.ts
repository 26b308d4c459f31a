// The arrays of one call: typed arrays, or tensors that all lie on one device.
import { DeviceTensor, dtypesOf, type DType, type Floats, type Ints } from './device-tensor.js';
import { bufferOf } from './typed-arrays.js';
import { Check } from './validate.js';

/** What stands for an array of each kind in a call: itself, or a tensor on a device. */
interface Operands {
  Float32Array: Floats;
  Int32Array: Ints;
}

/** Where an array lies: on a device, or (undefined) in the host's memory. */
interface Home {
  argument: string;
  device: number | undefined;
}

/** The checks of a call's arguments, which remember where its arrays lie; and its outputs, which lie there too. */
export class Call extends Check {
  #home: Home | undefined;
  #groundTruthHome: Home | undefined;
  readonly #made: DeviceTensor[] = [];

  /** Known once an operand has been read. */
  override get device(): number | undefined {
    return this.#home?.device;
  }

  /** As array, where a tensor on a device may stand for it. All operands of a call lie in one memory. */
  operand<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    length?: number,
    shape?: string,
    dtypes = dtypesOf(kind),
  ): Operands[Kind] {
    const operand = this.#arrayOrTensor(kind, argument, value, dtypes);
    this.#home = this.#together(argument, operand, this.#home);
    this.length(argument, operand, length, shape);
    return operand;
  }

  /** As operand, for a network's output: on a device it may be float16 or bfloat16, but of one dtype in a call. */
  activations(argument: string, value: unknown, like?: Floats): Floats {
    const dtypes: readonly DType[] = DeviceTensor.is(like) ? [like.dtype] : ['float32', 'float16', 'bfloat16'];
    return this.operand('Float32Array', argument, value, undefined, undefined, dtypes);
  }

  /** As operand, for ground truth: all of it on the host or on one device, and host arrays go with tensors as well. */
  groundTruth<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    length?: number,
    shape?: string,
  ): Operands[Kind] {
    const operand = this.#arrayOrTensor(kind, argument, value, dtypesOf(kind));
    this.#groundTruthHome = this.#together(argument, operand, this.#groundTruthHome);
    if (DeviceTensor.is(operand)) this.#home = this.#together(argument, operand, this.#home);
    this.length(argument, operand, length, shape);
    return operand;
  }

  #arrayOrTensor<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    dtypes: readonly DType[],
  ): Operands[Kind] {
    if (!DeviceTensor.is(value)) return this.array(kind, argument, value);
    if (value.isDisposed)
      this.fail('ERR_DTYPE', argument, 'a tensor that holds memory', 'one that has been disposed of');
    if (!dtypes.includes(value.dtype)) {
      this.fail('ERR_DTYPE', argument, `a tensor of dtype ${dtypes.join(' or ')}`, `one of dtype ${value.dtype}`);
    }
    return value;
  }

  #together(argument: string, operand: Floats | Ints, home: Home | undefined): Home {
    const device = DeviceTensor.is(operand) ? operand.device : undefined;
    if (home === undefined) return { argument, device };
    if (home.device === device) return home;
    const place = (on: number | undefined): string => (on === undefined ? 'a typed array' : `a tensor on device ${on}`);
    this.fail('ERR_DEVICE', argument, `${place(home.device)}, as ${home.argument} is,`, place(device));
  }

  /** An output array: the caller's, or a new one, where the operands lie. A new tensor has the given shape. */
  out<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    length: number,
    shape: readonly number[] = [length],
  ): Operands[Kind] {
    if (value !== undefined) return this.operand(kind, argument, value, length);
    this.#home ??= { argument, device: undefined };
    return this.allocate(kind, length, shape);
  }

  /** An output array like an operand, in type and shape. */
  outLike(argument: string, value: unknown, like: Floats): Floats {
    if (!DeviceTensor.is(like)) return this.out('Float32Array', argument, value, like.length);
    if (value === undefined) return this.#tensor(like.shape, like.dtype);
    return this.operand('Float32Array', argument, value, like.length, undefined, [like.dtype]);
  }

  /** Two outputs of one call share no memory: each would spoil the other. */
  apart(first: string, a: Floats | Ints | null, second: string, b: Floats | Ints): void {
    if (a === null || (a !== b && (DeviceTensor.is(a) || DeviceTensor.is(b) || !overlap(a, b)))) return;
    this.fail('ERR_OPTION', second, `an array apart from ${first}`, 'one over the same memory');
  }

  /** A new array where the operands lie; `shape` is a tensor's. */
  allocate<Kind extends keyof Operands>(
    kind: Kind,
    length: number,
    shape: readonly number[] = [length],
  ): Operands[Kind] {
    if (this.device !== undefined) return this.#tensor(shape, kind === 'Float32Array' ? 'float32' : 'int32');
    return this.newArray(kind, length);
  }

  /** Outputs of one number each on a device, where kernels write them; on the host they are returned. */
  scalars(count: number): DeviceTensor[] | null {
    return this.device === undefined ? null : Array.from({ length: count }, () => this.#tensor([], 'float64'));
  }

  #tensor(shape: readonly number[], dtype: DType): DeviceTensor {
    const tensor = DeviceTensor.allocate(this, shape, dtype, this.device ?? 0);
    this.#made.push(tensor);
    return tensor;
  }

  override abandon(): void {
    for (const tensor of this.#made) tensor.dispose();
  }

  // Values are looked at on the host only. Those of a tensor stay where they are; kernels take any.

  override values(argument: string, array: Floats, min: number, max: number, rowLength?: number): void {
    if (!DeviceTensor.is(array)) super.values(argument, array, min, max, rowLength);
  }

  override labels(argument: string, labels: Ints, lowest: -2 | 0, numClasses?: number): void {
    if (!DeviceTensor.is(labels)) super.labels(argument, labels, lowest, numClasses);
  }

  override boxes(argument: string, boxes: Floats, { area }: { area: boolean }): number {
    return DeviceTensor.is(boxes) ? this.boxCount(argument, boxes) : super.boxes(argument, boxes, { area });
  }
}

function overlap(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (bufferOf(a) !== bufferOf(b)) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
