// Typed arrays over the tensors of one kernel call, on any backend.
import {
  backend as currentBackend,
  type DataType,
  type KernelBackend,
  type NamedTensorInfoMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { allocate } from '../runtime/allocate.js';
import { kindOf } from '../arguments/typed-arrays.js';
import { hasPlainMemory } from './backend/memory.js';

export type Numbers = Float32Array | Int32Array;

/** The arrays of a kernel's inputs or outputs by name. Kinds are the operations' to check. */
export class Arrays {
  readonly #arrays: ReadonlyMap<string, Numbers>;

  constructor(arrays: Iterable<[string, Numbers]>) {
    this.#arrays = new Map(arrays);
  }

  floats(name: string): Float32Array {
    return this.#required(name) as Float32Array;
  }

  ints(name: string): Int32Array {
    return this.#required(name) as Int32Array;
  }

  either(name: string): Numbers {
    return this.#required(name);
  }

  floatsIfAny(name: string): Float32Array | undefined {
    return this.#arrays.get(name) as Float32Array | undefined;
  }

  intsIfAny(name: string): Int32Array | undefined {
    return this.#arrays.get(name) as Int32Array | undefined;
  }

  #required(name: string): Numbers {
    const array = this.#arrays.get(name);
    if (array === undefined) throw new TypeError(`the kernel needs a tensor '${name}'`);
    return array;
  }
}

/** What a kernel writes in place: dtype and shape by name; undefined for what this call does not want. */
export type Outputs = Record<string, [dtype: 'float32' | 'int32', shape: number[]] | undefined>;

/** A backend whose tensors lie in one linear memory that JavaScript sees, as WebAssembly's. */
interface HeapBackend {
  getMemoryOffset(dataId: object): number;
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Numbers;
  disposeData(dataId: object): boolean;
}

/**
 * Runs `body` on the arrays of `inputs` and of new outputs and returns the outputs as tensors, with what `body` returned.
 *
 * On a backend with a heap nothing is copied: `body` reads and writes it in place; nor on the native one, whose tensors are
 * typed arrays. Elsewhere inputs are read back and outputs handed over once `body` is done. `body` keeps no input.
 */
export function compute<Result>(
  backend: KernelBackend,
  inputs: NamedTensorInfoMap,
  outputs: Outputs,
  body: (inputs: Arrays, outputs: Arrays) => Result,
): { result: Result; tensors: Record<string, TensorInfo> } {
  const given = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] !== undefined);
  const wanted = Object.entries(outputs).filter((entry) => entry[1] !== undefined) as [
    string,
    ['float32' | 'int32', number[]],
  ][];
  return hasHeap(backend) ? onHeap(backend, given, wanted, body) : elsewhere(backend, given, wanted, body);
}

/** As compute, for a body that only reads float tensors of the current backend; waits for one that computes on a device. */
export async function read<Result>(
  tensors: readonly Tensor[],
  body: (arrays: Float32Array[]) => Result,
): Promise<Result> {
  const current = currentBackend();
  if (hasPlainMemory(current)) return body(tensors.map((tensor) => valuesOf(current, tensor) as Float32Array));
  if (!hasHeap(current)) return body(await Promise.all(tensors.map(async (tensor) => tensor.data<'float32'>())));
  const inputs = Object.entries(tensors);
  return onHeap(current, inputs, [], (arrays) => body(inputs.map(([name]) => arrays.floats(name)))).result;
}

/** A new tensor of values that were computed elsewhere. */
export function write(backend: KernelBackend, values: Numbers, shape: number[]): TensorInfo {
  const dtype = kindOf(values) === 'Int32Array' ? 'int32' : 'float32';
  return { dataId: backend.write(values, shape, dtype), shape, dtype };
}

function hasHeap(backend: unknown): backend is HeapBackend {
  const methods = ['getMemoryOffset', 'makeOutput', 'typedArrayFromHeap'] as const;
  return methods.every((name) => typeof (backend as Partial<HeapBackend>)[name] === 'function');
}

function onHeap<Result>(
  backend: HeapBackend,
  inputs: [string, TensorInfo][],
  outputs: [string, ['float32' | 'int32', number[]]][],
  body: (inputs: Arrays, outputs: Arrays) => Result,
): { result: Result; tensors: Record<string, TensorInfo> } {
  // Views die when the heap grows. Two things make it grow: tensors that arrive from another backend, which the first look
  // at them moves here, and the outputs. So both come before the views that are used.
  for (const [, info] of inputs) backend.getMemoryOffset(info.dataId);
  const made = outputs.map(([name, [dtype, shape]]): [string, TensorInfo] => [name, backend.makeOutput(shape, dtype)]);
  const views = (infos: [string, TensorInfo][]): Arrays =>
    new Arrays(infos.map(([name, info]) => [name, backend.typedArrayFromHeap(info)]));
  try {
    return { result: body(views(inputs), views(made)), tensors: Object.fromEntries(made) };
  } catch (error) {
    for (const [, info] of made) backend.disposeData(info.dataId);
    throw error;
  }
}

function elsewhere<Result>(
  backend: KernelBackend,
  inputs: [string, TensorInfo][],
  outputs: [string, ['float32' | 'int32', number[]]][],
  body: (inputs: Arrays, outputs: Arrays) => Result,
): { result: Result; tensors: Record<string, TensorInfo> } {
  const made = outputs.map(([name, [dtype, shape]]) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return { name, shape, values: newArray(backend, dtype, size) };
  });
  const result = body(
    new Arrays(inputs.map(([name, info]) => [name, valuesOf(backend, info)])),
    new Arrays(made.map(({ name, values }) => [name, values])),
  );
  return {
    result,
    tensors: Object.fromEntries(made.map(({ name, shape, values }) => [name, write(backend, values, shape)])),
  };
}

function valuesOf(backend: KernelBackend, { dataId, dtype }: TensorInfo): Numbers {
  // A tensor may have been cast to another type without a copy.
  const kind = dtype === 'float32' ? 'Float32Array' : 'Int32Array';
  const values = hasPlainMemory(backend) ? backend.valuesInPlace(dataId) : undefined;
  return (kindOf(values) === kind ? values : backend.readSync(dataId)) as Numbers;
}

function newArray(backend: KernelBackend, dtype: 'float32' | 'int32', length: number): Numbers {
  if (dtype === 'float32' && hasPlainMemory(backend)) return backend.newFloats(length);
  return allocate(dtype === 'float32' ? 'Float32Array' : 'Int32Array', length);
}
