// Every check of an argument, and the one shape of message: what was expected, for which argument, what came, at which row.
import { RetinanetOpsError, type ErrorCode } from './errors.js';
import { native } from './native.js';

/** The largest finite float32. */
export const FLOAT32_MAX = 3.4028234663852886e38;

interface ArrayKinds {
  Float32Array: Float32Array;
  Int32Array: Int32Array;
}

interface NumberRange {
  min?: number;
  max?: number;
  /** The bounds themselves are refused. */
  exclusiveMin?: boolean;
  integer?: boolean;
}

/** The checks of one call; `operation` opens every message. */
export class Check {
  constructor(readonly operation: string) {}

  fail(code: ErrorCode, argument: string, expected: string, received: string, row?: number): never {
    const where = row === undefined ? '' : ` at row ${String(row)}`;
    throw new RetinanetOpsError(
      code,
      `${this.operation}: expected ${expected} for ${argument}, received ${received}${where}`,
    );
  }

  /** A typed array of one kind, from any realm, with a live buffer; of exactly `length` elements where that is given. */
  array<Kind extends keyof ArrayKinds>(
    kind: Kind,
    argument: string,
    value: unknown,
    length?: number,
    shape?: string,
  ): ArrayKinds[Kind] {
    if (kindOf(value) !== kind) this.fail('ERR_DTYPE', argument, a(kind), describe(value));
    const array = value as ArrayKinds[Kind];
    const actual = lengthIn(array) as number;
    if (array.length !== actual) {
      this.fail(
        'ERR_DTYPE',
        argument,
        `${a(kind)} that tells its own length`,
        `one of ${String(actual)} elements that denies it`,
      );
    }
    if (actual === 0 && isDetached(bufferOf(array))) {
      this.fail('ERR_DTYPE', argument, `${a(kind)} with a live buffer`, 'one whose buffer is detached');
    }
    if (length !== undefined && array.length !== length) {
      const what = `${String(length)} elements${shape === undefined ? '' : ` ${shape}`}`;
      this.fail('ERR_SHAPE', argument, what, String(array.length));
    }
    return array;
  }

  /** An output array: the caller's, or a new one. */
  out<Kind extends keyof ArrayKinds>(kind: Kind, argument: string, value: unknown, length: number): ArrayKinds[Kind] {
    if (value !== undefined) return this.array(kind, argument, value, length);
    return this.allocate(kind, length);
  }

  /** Two outputs of one call share no memory: each would spoil the other. */
  apart(first: string, a: Float32Array | Int32Array | null, second: string, b: Float32Array | Int32Array): void {
    if (a === null || bufferOf(a) !== bufferOf(b)) return;
    if (a.byteOffset >= b.byteOffset + b.byteLength || b.byteOffset >= a.byteOffset + a.byteLength) return;
    this.fail('ERR_OPTION', second, `an array apart from ${first}`, 'one over the same memory');
  }

  allocate<Kind extends keyof ArrayKinds>(kind: Kind, length: number): ArrayKinds[Kind] {
    try {
      return (kind === 'Float32Array' ? new Float32Array(length) : new Int32Array(length)) as ArrayKinds[Kind];
    } catch (cause) {
      throw new RetinanetOpsError(
        'ERR_OUT_OF_MEMORY',
        `${this.operation}: could not allocate ${a(kind)} of ${String(length)} elements`,
        { cause },
      );
    }
  }

  number(argument: string, value: unknown, range: NumberRange = {}, row?: number): number {
    const { min = -Infinity, max = Infinity, exclusiveMin = false, integer = false } = range;
    const kind = integer ? 'an integer' : 'a finite number';
    if (typeof value !== 'number') this.fail('ERR_DTYPE', argument, kind, describe(value), row);
    const inside = (exclusiveMin ? value > min : value >= min) && value <= max && Number.isFinite(value);
    if (inside && (!integer || Number.isSafeInteger(value))) return value;
    this.fail('ERR_RANGE', argument, `${kind}${rangeText(min, max, exclusiveMin)}`, String(value), row);
  }

  /** A number in (0, 1] that is not 0 in float32 either, in which it is compared. */
  share(argument: string, value: unknown): number {
    const share = this.number(argument, value, { min: 0, max: 1, exclusiveMin: true });
    if (Math.fround(share) > 0) return share;
    this.fail('ERR_RANGE', argument, 'a number in (0, 1] that float32 can tell from 0', String(share));
  }

  boolean(argument: string, value: unknown): boolean {
    if (typeof value !== 'boolean') this.fail('ERR_DTYPE', argument, 'a boolean', describe(value));
    return value;
  }

  oneOf<T extends string>(argument: string, value: unknown, names: readonly T[]): T {
    if (typeof value === 'string' && (names as readonly string[]).includes(value)) return value as T;
    const expected = `one of ${names.map((name) => `'${name}'`).join(', ')}`;
    this.fail('ERR_OPTION', argument, expected, describe(value) + suggestion(value, names));
  }

  /** Numbers in any kind of array, as a list of its own. */
  numbers(argument: string, value: unknown, range: NumberRange, atMost = 1024): number[] {
    const length = typeof value === 'object' && value !== null ? (value as ArrayLike<unknown>).length : undefined;
    if (typeof length !== 'number') this.fail('ERR_DTYPE', argument, 'an array of numbers', describe(value));
    if (!(length >= 1 && length <= atMost)) {
      this.fail('ERR_SHAPE', argument, `1 to ${String(atMost)} values`, String(length));
    }
    return Array.from({ length }, (_, i) => this.number(argument, (value as ArrayLike<unknown>)[i], range, i));
  }

  /** An options object without unknown names: a typo must not be ignored. A copy, so that every getter is asked once. */
  options<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[]): T {
    return value === undefined ? ({} as T) : this.required(argument, value, names);
  }

  /** As options, where there must be some. */
  required<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[]): T {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      this.fail('ERR_DTYPE', argument, 'an object', describe(value));
    }
    for (const name of Object.keys(value)) {
      if (!(names as readonly string[]).includes(name)) {
        this.fail('ERR_OPTION', argument, 'a known option', `'${name}'${suggestion(name, names)}`);
      }
    }
    const copy: Partial<T> = {};
    for (const name of names) {
      const given = (value as T)[name];
      if (given !== undefined) copy[name] = given;
    }
    return copy as T;
  }

  /** All values in [min, max], bounds that float32 holds exactly; NaN is refused. */
  values(argument: string, array: Float32Array, min: number, max: number, rowLength = 1): void {
    const i = firstOutside(array, min, max);
    if (i < 0) return;
    const expected = `finite numbers${rangeText(min, max, false)}`;
    this.fail('ERR_RANGE', argument, expected, String(array[i]), Math.floor(i / rowLength));
  }

  /** Class labels in [lowest, numClasses). */
  labels(argument: string, labels: Int32Array, lowest: -2 | 0, numClasses = 2 ** 31): void {
    const row = firstOutside(labels, lowest, Math.min(numClasses, 2 ** 31) - 1);
    if (row < 0) return;
    const top = numClasses >= 2 ** 31 ? '' : ` below ${String(numClasses)}`;
    const expected =
      lowest === -2
        ? `a class label${top}, -1 (background) or -2 (ignored)`
        : `a class label of at least 0${top === '' ? '' : ` and${top}`}`;
    this.fail('ERR_LABEL', argument, expected, String(labels[row]), row);
  }

  /** Boxes [n, 4] of finite coordinates; with `area`, also x2 > x1 and y2 > y1. Returns n. */
  boxes(argument: string, boxes: Float32Array, { area }: { area: boolean }): number {
    if (boxes.length % 4 !== 0) this.fail('ERR_SHAPE', argument, 'four values a box', `${String(boxes.length)} values`);
    for (let i = 0; i < boxes.length; i += 4) {
      const x1 = boxes[i] as number;
      const y1 = boxes[i + 1] as number;
      const x2 = boxes[i + 2] as number;
      const y2 = boxes[i + 3] as number;
      // A sum of finite float32 values is finite in float64, and NaN or Infinity in any of them spoils it.
      const finite = Number.isFinite(x1 + y1 + x2 + y2);
      if (finite && (!area || (x2 > x1 && y2 > y1))) continue;
      const expected = area ? 'finite boxes with x2 > x1 and y2 > y1' : 'finite boxes';
      this.fail('ERR_BOX', argument, expected, `[${[x1, y1, x2, y2].join(', ')}]`, i / 4);
    }
    return boxes.length / 4;
  }

  /** Ragged offsets: start at 0, never fall, end at `rows`. Returns the number of images. */
  offsets(argument: string, offsets: Int32Array, rows: number): number {
    if (offsets.length === 0) this.fail('ERR_SHAPE', argument, 'one element more than there are images', '0 elements');
    let previous = 0;
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i] as number;
      if (i === 0 ? offset !== 0 : offset < previous) {
        const expected = i === 0 ? 'offsets that start at 0' : `offsets that never fall (after ${String(previous)})`;
        this.fail('ERR_RANGE', argument, expected, String(offset), i);
      }
      previous = offset;
    }
    if (previous !== rows) {
      this.fail('ERR_SHAPE', argument, `a last offset of ${String(rows)}, the number of boxes`, String(previous));
    }
    return offsets.length - 1;
  }
}

/** Index of the first value not in [min, max], or -1. Long arrays are searched natively, on all threads. */
function firstOutside(array: Float32Array | Int32Array, min: number, max: number): number {
  if (array.length >= 4096) return native().firstOutside(array, min, max);
  for (let i = 0; i < array.length; i++) {
    const value = array[i] as number;
    if (!(value >= min && value <= max)) return i;
  }
  return -1;
}

// The accessors of %TypedArray%.prototype tell the truth whatever a subclass or an own property says, in every realm.
function intrinsic(name: PropertyKey): (array: unknown) => unknown {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype) as object;
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as { get: () => unknown };
  return (array) => get.call(array);
}

const tagOf = intrinsic(Symbol.toStringTag);
const lengthIn = intrinsic('length');
/** The buffer of a typed array. */
export const bufferOf = intrinsic('buffer') as (array: unknown) => ArrayBufferLike;

/** 'Float32Array', 'Int32Array', ... also for arrays made in another realm; undefined for everything else. */
export function kindOf(value: unknown): string | undefined {
  return tagOf(value) as string | undefined;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}

function a(name: string): string {
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** A value as messages name it. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}...` : value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value === 'bigint') return `${String(value)}n`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  try {
    if (Array.isArray(value)) return 'an Array';
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
    const name = kindOf(value) ?? prototype?.constructor?.name;
    return typeof name !== 'string' || name === '' || name === 'Object' ? 'an object' : a(name);
  } catch {
    return 'an object'; // a revoked proxy, a getter that throws
  }
}

function rangeText(min: number, max: number, exclusiveMin: boolean): string {
  const open = exclusiveMin || min === -Infinity ? '(' : '[';
  if (min === -Infinity && max === Infinity) return '';
  return ` in ${open}${String(min)}, ${String(max)}${max === Infinity ? ')' : ']'}`;
}

function suggestion(value: unknown, names: readonly string[]): string {
  if (typeof value !== 'string' || value.length > 60) return '';
  const nearest = [...names].sort((a, b) => editDistance(value, a) - editDistance(value, b))[0];
  return nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
}

/** Levenshtein distance, letter case ignored. */
function editDistance(a: string, b: string): number {
  const x = a.toLowerCase();
  const y = b.toLowerCase();
  let row = Array.from({ length: y.length + 1 }, (_, j) => j);
  for (let i = 1; i <= x.length; i++) {
    const next = [i];
    for (let j = 1; j <= y.length; j++) {
      const substitute = (row[j - 1] as number) + (x[i - 1] === y[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[y.length] as number;
}
