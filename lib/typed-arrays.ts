// What a typed array is, whatever it says itself.

// The accessors of %TypedArray%.prototype tell the truth whatever a subclass or an own property says, in every realm.
function intrinsic(name: PropertyKey): (array: unknown) => unknown {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as { get: () => unknown };
  return (array) => get.call(array);
}

const tagOf = intrinsic(Symbol.toStringTag);
/** The number of elements. */
export const lengthIn = intrinsic('length') as (array: unknown) => number;
/** The buffer of a typed array. */
export const bufferOf = intrinsic('buffer') as (array: unknown) => ArrayBufferLike;

/** 'Float32Array', 'Int32Array', ... also for arrays made in another realm; undefined for everything else. */
export function kindOf(value: unknown): string | undefined {
  return tagOf(value) as string | undefined;
}

export function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
