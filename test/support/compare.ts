/** Smallest normal float32, and the step between the denormal ones below it. */
const NORMAL = 2 ** -126;
const STEP = 2 ** -149;

export interface Tolerance {
  /** Relative to the wanted value, or to `scale` where given. */
  relative?: number;
  absolute?: number;
  /** What rounding errors are relative to where the wanted value is a difference of larger terms. */
  scale?: ArrayLike<number>;
}

/**
 * The first place where `got` is not `want`, as a sentence, or null. Below float32's normal range one denormal step is
 * allowed; NaN and infinities must be equal.
 */
export function mismatch(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: Tolerance = {}): string | null {
  const { relative = 0, absolute = 0, scale } = tolerance;
  if (got.length !== want.length) return `length ${got.length}, wanted ${want.length}`;
  for (let i = 0; i < want.length; i++) {
    const a = got[i]!;
    const b = want[i]!;
    if (Object.is(a, b) || a === b) continue;
    const size = Math.max(Math.abs(b), scale?.[i] ?? 0);
    const allowed = relative * size + absolute + (relative > 0 && size < NORMAL * 1.0001 ? STEP : 0);
    if (!(Math.abs(a - b) <= allowed))
      return `[${i}] is ${a}, wanted ${b} (off by ${Math.abs(a - b)}, allowed ${allowed})`;
  }
  return null;
}

/** Narrows what an operation gives for 'none'. */
export function asArray(result: number | Float32Array): Float32Array {
  if (typeof result === 'number') throw new Error(`expected an array, got the number ${result}`);
  return result;
}

/** Narrows what an operation gives for 'sum' and 'mean'. */
export function asNumber(result: number | Float32Array): number {
  if (typeof result !== 'number') throw new Error(`expected a number, got ${result.length} of them`);
  return result;
}

/** The bytes of an array, so that -0, NaN and the last bit count in comparisons. */
export function bits(values: ArrayBufferView): string {
  return Buffer.from(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength).toString('hex');
}
