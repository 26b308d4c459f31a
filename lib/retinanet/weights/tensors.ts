// Tensors in files: what their numbers are stored as, and how they become float32.
import { float16Value } from '../export/float16.js';
import type { FileSource } from './file-source.js';

/** What numbers are stored as, by safetensors' names. */
export type StoredType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

interface Format {
  bytes: number;
  read: (view: DataView, at: number) => number;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function bfloat16(view: DataView, at: number): number {
  bits[0] = view.getUint16(at, true) << 16;
  return float[0]!;
}

/** Little-endian, as both formats have them. */
export const STORED_TYPES: Readonly<Record<StoredType, Format>> = {
  F64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { bytes: 2, read: (view, at) => float16Value(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: bfloat16 },
  I64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  I32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  I16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  I8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  U8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { bytes: 1, read: (view, at) => view.getUint8(at) },
};

/** Numbers in a row somewhere in the file. Several tensors may lie on one storage. */
export interface Storage {
  type: StoredType;
  /** Numbers. */
  length: number;
  /** Where its first byte lies in the file. */
  start: number;
}

/** A tensor of a file, of which only this is in memory. */
export interface StoredTensor {
  storage: Storage;
  /** The first number's place in the storage. */
  offset: number;
  shape: readonly number[];
  /** Numbers from one to the next along each dimension. */
  strides: readonly number[];
}

/** Tensors by the names that the file has for them. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** Elements; NaN where a size is no whole number >= 0, or they are too many to count. */
export function sizeOfShape(shape: readonly unknown[]): number {
  const size = shape.reduce<number>(
    (product, one) => (Number.isSafeInteger(one) && (one as number) >= 0 ? product * (one as number) : NaN),
    1,
  );
  return Number.isSafeInteger(size) ? size : NaN;
}

/** Strides of rows that follow on each other. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides: number[] = [];
  for (let stride = 1, d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

/** From the first number of a tensor to behind its last, in numbers. */
export function spanOf({ shape, strides }: Pick<StoredTensor, 'shape' | 'strides'>): number {
  return shape.includes(0) ? 0 : shape.reduce((span, size, d) => span + (size - 1) * strides[d]!, 1);
}

/** The values as float32, row by row. Only the part of the storage that the tensor lies on is read. */
export function readTensor(source: FileSource, tensor: StoredTensor): Float32Array {
  const { storage, offset, shape, strides } = tensor;
  const { bytes: each, read } = STORED_TYPES[storage.type];
  const bytes = source.read(storage.start + offset * each, spanOf(tensor) * each);
  const size = sizeOfShape(shape);
  const isRowMajor = rowMajor(shape).every((stride, d) => shape[d] === 1 || stride === strides[d]);
  if (isRowMajor && storage.type === 'F32' && isLittleEndian) return new Float32Array(bytes.buffer, 0, size);
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(size);
  if (isRowMajor) {
    for (let i = 0; i < size; i++) values[i] = read(view, i * each);
    return values;
  }
  const index = shape.map(() => 0);
  for (let i = 0, at = 0; i < size; i++) {
    values[i] = read(view, at * each);
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      at -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return values;
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
