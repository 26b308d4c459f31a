/** Copies that lie in shared memory, or at an odd place within a larger buffer. */
export function shared<T extends Float32Array | Int32Array>(values: T): T {
  const copy = new (values.constructor as new (buffer: SharedArrayBuffer) => T)(
    new SharedArrayBuffer(values.byteLength),
  );
  copy.set(values);
  return copy;
}

export function offset<T extends Float32Array | Int32Array>(values: T): T {
  const buffer = new ArrayBuffer(values.byteLength + 20);
  const make = values.constructor as new (buffer: ArrayBuffer, byteOffset: number, length: number) => T;
  const copy = new make(buffer, 12, values.length);
  copy.set(values);
  return copy;
}
