// Typed arrays from numbers, and such as lie where few would put them.
import vm from 'node:vm';

type Numbers = Float32Array | Int32Array;

export const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
export const i32 = (...values: number[]): Int32Array => Int32Array.from(values);

/** A copy in memory that threads share. */
export function shared<T extends Numbers>(values: T): T {
  const make = values.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new make(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

/** A copy at an odd place within a larger buffer. */
export function offset<T extends Numbers>(values: T): T {
  const make = values.constructor as new (buffer: ArrayBuffer, byteOffset: number, length: number) => T;
  const copy = new make(new ArrayBuffer(values.byteLength + 20), 12, values.length);
  copy.set(values);
  return copy;
}

const realm = vm.runInNewContext('({ Float32Array, Int32Array })') as Record<string, new (values: Numbers) => Numbers>;

/** A copy of another realm: no `instanceof` knows it. */
export function foreign<T extends Numbers>(values: T): T {
  return new realm[values.constructor.name]!(values) as T;
}

/** A typed array whose buffer has gone to somebody else. */
export function detached<T extends ArrayBufferView>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}
