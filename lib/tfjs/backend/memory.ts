// Memory of tensors, used again once the last tensor on it is disposed of.
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { backend_util, DataType } from '@tensorflow/tfjs-core';
import { totalmem } from 'node:os';
import { alignedFloats } from '../../runtime/allocate.js';

/** Smaller arrays cost as little to allocate anew. */
const LEAST_BYTES = 1024;

/** Of a network's memory all is unused between its steps; more than a quarter of the machine's is not kept for the next. */
const SHARE = 1 / 4;

/**
 * Aligned arrays by their length. An array is free when no tensor lies on its buffer any more: cpu kernels make tensors of parts of
 * other tensors' arrays, so tensors are counted by buffer.
 */
export class TensorMemory {
  readonly #limit: number;
  /** The sizes least recently used come first. */
  readonly #free = new Map<number, Float32Array[]>();
  readonly #tensors = new WeakMap<ArrayBufferLike, { array: Float32Array; count: number }>();
  #freeBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is kept for later, in bytes. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** An array of arbitrary content. */
  allocate(length: number): Float32Array {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    if (bytes < LEAST_BYTES) return new Float32Array(length);
    const found = this.#free.get(bytes)?.pop();
    if (found !== undefined) this.#freeBytes -= bytes;
    const array = found ?? alignedFloats(length);
    this.#tensors.set(array.buffer, { array, count: 0 });
    return array;
  }

  /** A tensor lies on `values`. */
  take(values: unknown): void {
    const entry = this.#entry(values);
    if (entry !== undefined) entry.count++;
  }

  /** A tensor on `values` is no more. */
  release(values: unknown): void {
    const entry = this.#entry(values);
    if (entry === undefined || --entry.count > 0) return;
    const { array } = entry;
    const bytes = array.byteLength;
    this.#tensors.delete(array.buffer);
    const same = this.#free.get(bytes) ?? [];
    this.#free.delete(bytes);
    this.#free.set(bytes, same);
    same.push(array);
    this.#freeBytes += bytes;
    for (const [size, arrays] of this.#free) {
      while (this.#freeBytes > this.#limit && arrays.pop() !== undefined) this.#freeBytes -= size;
      if (arrays.length === 0 && size !== bytes) this.#free.delete(size);
      if (this.#freeBytes <= this.#limit) break;
    }
  }

  /** Whether the memory of `values` is used again one day. */
  owns(values: unknown): boolean {
    return this.#entry(values) !== undefined;
  }

  #entry(values: unknown): { array: Float32Array; count: number } | undefined {
    const buffer = bufferIn(values);
    return buffer && this.#tensors.get(buffer);
  }
}

function bufferIn(values: unknown): ArrayBufferLike | undefined {
  return ArrayBuffer.isView(values) ? values.buffer : undefined;
}

function machineMemory(): number {
  const granted = process.constrainedMemory();
  return granted > 0 ? Math.min(granted, totalmem()) : totalmem();
}

/** All tensors' of the native backend. */
export const tensorMemory = new TensorMemory(machineMemory() * SHARE);

/** A backend whose tensors lie in plain memory that is used again. */
export interface PlainMemory {
  /** The values of a tensor, for as long as it lives: what a kernel computes with, and nobody keeps. */
  valuesInPlace(dataId: object): unknown;
  /** For a new tensor: of arbitrary content. */
  newFloats(length: number): Float32Array;
}

/** Also of another copy of the package. */
export function hasPlainMemory(backend: unknown): backend is PlainMemory {
  return typeof (backend as Partial<PlainMemory>).valuesInPlace === 'function';
}

type Values = backend_util.BackendValues;

/** A cpu backend whose tensors' memory is used again. */
export function withTensorMemory(Base: typeof MathBackendCPU): typeof MathBackendCPU {
  return class extends Base implements PlainMemory {
    valuesInPlace(dataId: object): unknown {
      return this.data.get(dataId).values;
    }

    newFloats(length: number): Float32Array {
      return tensorMemory.allocate(length);
    }

    override write(values: Values, shape: number[], dtype: DataType): object {
      tensorMemory.take(values);
      return super.write(values, shape, dtype);
    }

    override move(dataId: object, values: Values, shape: number[], dtype: DataType, refCount: number): void {
      tensorMemory.take(values);
      super.move(dataId, values, shape, dtype, refCount);
    }

    /** A caller keeps what he gets, and may take its buffer for the tensor's alone. */
    override readSync(dataId: object): Values {
      const values = super.readSync(dataId);
      return tensorMemory.owns(values) ? (values as Float32Array).slice() : values;
    }

    override disposeData(dataId: object, force?: boolean): boolean {
      const values = this.data.has(dataId) ? this.data.get(dataId).values : undefined;
      const isGone = super.disposeData(dataId, force);
      if (isGone) tensorMemory.release(values);
      return isGone;
    }

    /** What is disposed of is free at once. */
    override memory(): { unreliable: boolean; reasons: string[] } {
      return { unreliable: false, reasons: [] };
    }
  };
}
