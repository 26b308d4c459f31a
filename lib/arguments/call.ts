// The arrays of one call: typed arrays, or tensors that all lie on one device.
import { DeviceTensor, dtypesOf, type Floats, type Ints } from '../runtime/device-tensor.js';
import type { DType } from '../runtime/dtypes.js';
import { overlap, type Operand } from './overlap.js';
import type { ArrayKinds } from '../runtime/allocate.js';
import { Check } from './check.js';

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

/** What a call does with an array. */
interface Use {
  argument: string;
  array: Operand;
  isOutput: boolean;
}

/** The checks of a call's arguments, which remember where its arrays lie; and its outputs, which lie there too. */
export class Call extends Check {
  #home: Home | undefined;
  #groundTruthHome: Home | undefined;
  readonly #uses: Use[] = [];
  readonly #made: DeviceTensor[] = [];

  /** Known once an operand has been read. */
  override get device(): number | undefined {
    return this.#home?.device;
  }

  /** As Check's; no output may lie over it. */
  override array<Kind extends keyof ArrayKinds>(
    kind: Kind,
    argument: string,
    value: unknown,
    length?: number,
    shape?: string,
  ): ArrayKinds[Kind] {
    const array = super.array(kind, argument, value, length, shape);
    this.#use({ argument, array, isOutput: false });
    return array;
  }

  override reads(argument: string, array: ArrayBufferView): void {
    this.#use({ argument, array, isOutput: false });
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
    const array = this.#arrayOrTensor(kind, argument, value, dtypes);
    this.#home = this.#together(argument, array, this.#home);
    this.length(argument, array, length, shape);
    this.#use({ argument, array, isOutput: false });
    return array;
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
    const array = this.#arrayOrTensor(kind, argument, value, dtypesOf(kind));
    this.#groundTruthHome = this.#together(argument, array, this.#groundTruthHome);
    if (DeviceTensor.is(array)) this.#home = this.#together(argument, array, this.#home);
    this.length(argument, array, length, shape);
    this.#use({ argument, array, isOutput: false });
    return array;
  }

  #arrayOrTensor<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    dtypes: readonly DType[],
  ): Operands[Kind] {
    if (!DeviceTensor.is(value)) return super.array(kind, argument, value);
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

  /**
   * An output array: the caller's, or a new one, where the operands lie. A new tensor has the given shape. Where the operation
   * reads a place of `over` before it writes the same place, the output may be that very operand.
   */
  out<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    length: number,
    shape: readonly number[] = [length],
    over?: Floats,
  ): Operands[Kind] {
    if (value !== undefined) return this.#output(kind, argument, value, length, dtypesOf(kind), over);
    this.#home ??= { argument, device: undefined };
    return this.allocate(kind, length, shape);
  }

  /** As out, of a call that has no operands on devices. */
  outOnHost<Kind extends keyof ArrayKinds>(
    kind: Kind,
    argument: string,
    value: unknown,
    length: number,
  ): ArrayKinds[Kind] {
    if (value === undefined) return this.newArray(kind, length);
    const array = super.array(kind, argument, value, length);
    this.#use({ argument, array, isOutput: true });
    return array;
  }

  /** An output array like an operand, in type and shape; may be that very operand. */
  outLike(argument: string, value: unknown, like: Floats): Floats {
    if (!DeviceTensor.is(like)) return this.out('Float32Array', argument, value, like.length, undefined, like);
    if (value === undefined) return this.#tensor(like.shape, like.dtype);
    return this.#output('Float32Array', argument, value, like.length, [like.dtype], like);
  }

  #output<Kind extends keyof Operands>(
    kind: Kind,
    argument: string,
    value: unknown,
    length: number,
    dtypes: readonly DType[],
    over: Floats | undefined,
  ): Operands[Kind] {
    const array = this.#arrayOrTensor(kind, argument, value, dtypes);
    this.#home = this.#together(argument, array, this.#home);
    this.length(argument, array, length);
    this.#use({ argument, array, isOutput: true }, over);
    return array;
  }

  /** An output shares no memory with another array of the call, which it would spoil; but it may be the first use of `over`. */
  #use(use: Use, over?: Floats): void {
    const operand = over && this.#uses.find(({ array }) => array === over);
    for (const other of this.#uses) {
      if (!use.isOutput && !other.isOutput) continue;
      const how = overlap(use.array, other.array);
      if (how === 'apart' || (how === 'the same' && other === operand)) continue;
      const expected =
        other === operand
          ? `${other.argument} itself or an array apart from it`
          : `an array apart from ${other.argument}`;
      this.fail(
        'ERR_OPTION',
        use.argument,
        expected,
        `one over ${other === operand ? 'part of it' : 'the same memory'}`,
      );
    }
    this.#uses.push(use);
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

  override labels(argument: string, labels: Ints, lowest: number, numClasses?: number): void {
    if (!DeviceTensor.is(labels)) super.labels(argument, labels, lowest, numClasses);
  }

  override boxes(argument: string, boxes: Floats, { area }: { area: boolean }): number {
    return DeviceTensor.is(boxes) ? this.boxCount(argument, boxes) : super.boxes(argument, boxes, { area });
  }
}
