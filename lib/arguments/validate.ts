// Every check of an argument, and the one shape of message: what was expected, for which argument, what came, at which row.
import { allocate, type ArrayKinds } from '../runtime/allocate.js';
import { firstBadBox, firstOutside } from './bad-rows.js';
import { a, describe, suggestion } from './describe.js';
import { RetinanetOpsError, type ErrorCode } from './errors.js';
import { bufferOf, isDetached, kindOf, lengthIn } from './typed-arrays.js';

/** The largest finite float32. */
export const FLOAT32_MAX = 3.4028234663852886e38;

export interface NumberRange {
  min?: number;
  max?: number;
  /** The bounds themselves are refused. */
  exclusiveMin?: boolean;
  integer?: boolean;
}

/** Where and why a check failed. */
export interface Circumstances {
  row?: number;
  /** What the image that owns the row is called. */
  image?: string;
  cause?: unknown;
}

/** The checks of one call; `operation` opens every message. */
export class Check {
  constructor(readonly operation: string) {}

  /** The device that the call's arrays lie on; undefined: in the host's memory. */
  get device(): number | undefined {
    return undefined;
  }

  fail(code: ErrorCode, argument: string, expected: string, received: string, at: number | Circumstances = {}): never {
    const { row, image, cause } = typeof at === 'number' ? { row: at } : at;
    const where = row === undefined ? '' : ` at row ${String(row)}`;
    const whose = image === undefined ? '' : ` (image ${image})`;
    throw new RetinanetOpsError(
      code,
      `${this.operation}: expected ${expected} for ${argument}, received ${received}${where}${whose}`,
      cause === undefined ? undefined : { cause },
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
    const actual = lengthIn(array);
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
    this.length(argument, array, length, shape);
    return array;
  }

  /** Exactly so many elements, where that is asked. */
  length(argument: string, array: { length: number }, length?: number, shape?: string): void {
    if (length === undefined || array.length === length) return;
    const what = `${String(length)} elements${shape === undefined ? '' : ` ${shape}`}`;
    this.fail('ERR_SHAPE', argument, what, String(array.length));
  }

  newArray<Kind extends keyof ArrayKinds>(kind: Kind, length: number): ArrayKinds[Kind] {
    try {
      return allocate(kind, length);
    } catch (cause) {
      throw new RetinanetOpsError(
        'ERR_OUT_OF_MEMORY',
        `${this.operation}: could not allocate ${a(kind)} of ${String(length)} elements`,
        { cause },
      );
    }
  }

  /** Gives back what was allocated for a call that failed; arrays need no such thing. */
  abandon(): void {
    return;
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

  /** An address or a handle in 64 bits. */
  bigint(argument: string, value: unknown, what: string, min: bigint): bigint {
    if (typeof value !== 'bigint') this.fail('ERR_DTYPE', argument, `${what} as a BigInt`, describe(value));
    if (value >= min && value < 2n ** 64n) return value;
    this.fail('ERR_RANGE', argument, `${what} in [${String(min)}, 2^64)`, describe(value));
  }

  boolean(argument: string, value: unknown): boolean {
    if (typeof value !== 'boolean') this.fail('ERR_DTYPE', argument, 'a boolean', describe(value));
    return value;
  }

  function<T extends (...args: never[]) => unknown>(argument: string, value: T): T {
    if (typeof value !== 'function') this.fail('ERR_DTYPE', argument, 'a function', describe(value));
    return value;
  }

  string(argument: string, value: unknown, row?: number): string {
    if (typeof value !== 'string') this.fail('ERR_DTYPE', argument, 'a string', describe(value), row);
    return value;
  }

  /** A list of strings of its own; of exactly `length` where that is given. */
  strings(argument: string, value: unknown, length?: number, shape?: string): string[] {
    if (!Array.isArray(value)) this.fail('ERR_DTYPE', argument, 'an Array of strings', describe(value));
    this.length(argument, value, length, shape);
    return Array.from(value, (entry, i) => this.string(argument, entry, i));
  }

  oneOf<T extends string>(argument: string, value: unknown, names: readonly T[]): T {
    if (typeof value === 'string' && (names as readonly string[]).includes(value)) return value as T;
    const expected = `one of ${names.map((name) => `'${name}'`).join(', ')}`;
    this.fail('ERR_OPTION', argument, expected, describe(value) + suggestion(value, names));
  }

  /** A typed array of any kind is read: where a call has outputs, none may lie over it. */
  reads(_argument: string, _array: ArrayBufferView): void {
    return;
  }

  /** Numbers in any kind of array, as a list of its own. */
  numbers(argument: string, value: unknown, range: NumberRange, atMost = 1024): number[] {
    const length = typeof value === 'object' && value !== null ? (value as ArrayLike<unknown>).length : undefined;
    if (typeof length !== 'number') this.fail('ERR_DTYPE', argument, 'an array of numbers', describe(value));
    if (!(length >= 1 && length <= atMost)) {
      this.fail('ERR_SHAPE', argument, `1 to ${String(atMost)} values`, String(length));
    }
    if (kindOf(value) !== undefined) this.reads(argument, value as ArrayBufferView);
    return Array.from({ length }, (_, i) => this.number(argument, (value as ArrayLike<unknown>)[i], range, i));
  }

  /** An options object without unknown names: a typo must not be ignored. A copy, so that every getter is asked once. */
  options<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[]): T {
    return value === undefined ? ({} as T) : this.required(argument, value, names);
  }

  /** As options, where there must be some. */
  required<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[]): T {
    const copy = this.fields<T>(argument, value, names);
    for (const name of Object.keys(value as T)) {
      if (!(names as readonly string[]).includes(name)) {
        this.fail('ERR_OPTION', argument, 'a known option', `'${name}'${suggestion(name, names)}`);
      }
    }
    return copy;
  }

  /** The named fields of an object that may have others. A copy, so that every getter is asked once. */
  fields<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[]): T {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      this.fail('ERR_DTYPE', argument, 'an object', describe(value));
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
  labels(
    argument: string,
    labels: Int32Array,
    lowest: -2 | 0,
    numClasses = 2 ** 31,
    imageOf?: (row: number) => string,
  ): void {
    const row = firstOutside(labels, lowest, Math.min(numClasses, 2 ** 31) - 1);
    if (row < 0) return;
    const top = numClasses >= 2 ** 31 ? '' : ` below ${String(numClasses)}`;
    const expected =
      lowest === -2
        ? `a class label${top}, -1 (background) or -2 (ignored)`
        : `a class label of at least 0${top === '' ? '' : ` and${top}`}`;
    this.fail('ERR_LABEL', argument, expected, String(labels[row]), { row, image: imageOf?.(row) });
  }

  /** Boxes [n, 4] of finite coordinates; with `area`, also x2 > x1 and y2 > y1. Returns n. */
  boxes(
    argument: string,
    boxes: Float32Array,
    { area, imageOf }: { area: boolean; imageOf?: (row: number) => string },
  ): number {
    const count = this.boxCount(argument, boxes);
    const row = firstBadBox(boxes, area);
    if (row < 0) return count;
    const expected = area ? 'finite boxes with x2 > x1 and y2 > y1' : 'finite boxes';
    const received = `[${boxes.slice(4 * row, 4 * row + 4).join(', ')}]`;
    this.fail('ERR_BOX', argument, expected, received, { row, image: imageOf?.(row) });
  }

  /** n of boxes [n, 4]. */
  boxCount(argument: string, boxes: { length: number }): number {
    if (boxes.length % 4 !== 0) this.fail('ERR_SHAPE', argument, 'four values a box', `${String(boxes.length)} values`);
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

function rangeText(min: number, max: number, exclusiveMin: boolean): string {
  const open = exclusiveMin || min === -Infinity ? '(' : '[';
  if (min === -Infinity && max === Infinity) return '';
  return ` in ${open}${String(min)}, ${String(max)}${max === Infinity ? ')' : ']'}`;
}
