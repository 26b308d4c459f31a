// Memory of results.
import { Buffer, constants } from 'node:buffer';
import { native } from './native.js';
import { recycledBuffer } from './recycling.js';

export interface ArrayKinds {
  Float32Array: Float32Array;
  Int32Array: Int32Array;
  Float64Array: Float64Array;
  Uint8Array: Uint8Array;
}

interface ArrayConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (lengthOrBuffer: number | ArrayBufferLike): T;
}

const CONSTRUCTORS = { Float32Array, Int32Array, Float64Array, Uint8Array };

/**
 * A new array, large ones of arbitrary content. Native code writes all of it: filling it with zeros first, or fresh memory, would
 * take as long as some operations.
 */
export function allocate<Kind extends keyof ArrayKinds>(kind: Kind, length: number): ArrayKinds[Kind] {
  const constructor = CONSTRUCTORS[kind] as unknown as ArrayConstructor<ArrayKinds[Kind]>;
  const bytes = length * constructor.BYTES_PER_ELEMENT;
  if (bytes < 2 ** 16 || bytes > constants.MAX_LENGTH) return new constructor(length);
  return new constructor(recycledBuffer(native(), bytes) ?? Buffer.allocUnsafeSlow(bytes).buffer);
}

/** Of a line of the cache, and of the longest vector. */
const LINE_BYTES = 64;

/**
 * New floats that begin where a line of the cache does, in a buffer that is a little longer: vectors of them do not lie across two
 * lines, as nearly all would in memory of the runtime's.
 */
export function alignedFloats(length: number): Float32Array {
  const inLine = LINE_BYTES / Float32Array.BYTES_PER_ELEMENT;
  const spacious = new Float32Array(length + inLine - 1);
  const into = native().bytesIntoLine(spacious) / Float32Array.BYTES_PER_ELEMENT;
  const first = (inLine - into) % inLine;
  return spacious.subarray(first, first + length);
}
