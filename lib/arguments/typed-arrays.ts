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
export const byteLengthIn = intrinsic('byteLength') as (array: unknown) => number;
export const byteOffsetIn = intrinsic('byteOffset') as (array: unknown) => number;
/** The buffer of a typed array. */
export const bufferOf = intrinsic('buffer') as (array: unknown) => ArrayBufferLike;

/** 'Float32Array', 'Int32Array', ... also for arrays made in another realm; undefined for everything else. */
export function kindOf(value: unknown): string | undefined {
  return tagOf(value) as string | undefined;
}

/**
 * An array that the addon made, in this realm: it makes them where Node.js loaded it, which under test runners (Jest, vitest's
 * vmThreads) and in vm contexts is elsewhere, and `instanceof` of others tells the two apart.
 */
export function ofThisRealm<T extends Float32Array | Int32Array>(array: T): T {
  const Constructor = kindOf(array) === 'Int32Array' ? Int32Array : Float32Array;
  if (Object.getPrototypeOf(array) === Constructor.prototype) return array;
  return new Constructor(array.buffer as ArrayBuffer, array.byteOffset, array.length) as T;
}

export function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
