// The checks of single values and of lists, and the one shape of message: what was expected, for which argument, what came, at which
// row.
import { types } from 'node:util';
import { describe, suggestion } from './describe.js';
import { RetinanetOpsError, type ErrorCode } from './errors.js';
import type { Checked, Table } from './options.js';
import { kindOf } from './typed-arrays.js';

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

export class ScalarCheck {
  constructor(readonly operation: string) {}

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

  /** Exactly so many elements, where that is asked. */
  length(argument: string, array: { length: number }, length?: number, shape?: string): void {
    if (length === undefined || array.length === length) return;
    const what = `${String(length)} elements${shape === undefined ? '' : ` ${shape}`}`;
    this.fail('ERR_SHAPE', argument, what, String(array.length));
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
    const entries = this.entries(argument, value, 'an array of numbers', atMost);
    return entries.map((entry, i) => this.number(argument, entry, range, i));
  }

  /** What is in any kind of array, as a list of its own. */
  entries(argument: string, value: unknown, what: string, atMost = 1024): unknown[] {
    // A typed array behind a proxy has no length: its getter takes no other receiver.
    const isList = typeof value === 'object' && value !== null && (!types.isProxy(value) || Array.isArray(value));
    const length = isList ? (value as ArrayLike<unknown>).length : undefined;
    if (typeof length !== 'number') this.fail('ERR_DTYPE', argument, what, describe(value));
    if (!(length >= 1 && length <= atMost)) {
      this.fail('ERR_SHAPE', argument, `1 to ${String(atMost)} values`, String(length));
    }
    if (kindOf(value) !== undefined) this.reads(argument, value as ArrayBufferView);
    return Array.from({ length }, (_, i) => (value as ArrayLike<unknown>)[i]);
  }

  /**
   * The options of a table, checked, with their defaults. Unknown names are refused: a typo must not be ignored. Every getter is
   * asked once. Undefined stands for no options where none is needed.
   */
  options<T extends Table>(argument: string, value: unknown, table: T, prefix = ''): Checked<T> {
    const names = Object.keys(table);
    const isNeeded = names.some((name) => (table[name] as T[string]).needed);
    const given: Record<string, unknown> =
      value === undefined && !isNeeded ? {} : this.fields(argument, value, names, true);
    const checked: Record<string, unknown> = {};
    for (const name of names) checked[name] = (table[name] as T[string]).check(this, prefix + name, given[name]);
    return checked as Checked<T>;
  }

  /** The named fields of an object, which may have others unless they are `all`. A copy, so that every getter is asked once. */
  fields<T extends object>(argument: string, value: unknown, names: readonly (string & keyof T)[], all = false): T {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      this.fail('ERR_DTYPE', argument, 'an object', describe(value));
    }
    const unknown = all ? Object.keys(value).find((name) => !(names as readonly string[]).includes(name)) : undefined;
    if (unknown !== undefined) {
      this.fail('ERR_OPTION', argument, 'a known option', `'${unknown}'${suggestion(unknown, names)}`);
    }
    const copy: Partial<T> = {};
    for (const name of names) {
      const given = (value as T)[name];
      if (given !== undefined) copy[name] = given;
    }
    return copy as T;
  }
}

/** ' in [0, 1]'; nothing where there are no bounds. */
export function rangeText(min: number, max: number, exclusiveMin: boolean): string {
  const open = exclusiveMin || min === -Infinity ? '(' : '[';
  if (min === -Infinity && max === Infinity) return '';
  return ` in ${open}${String(min)}, ${String(max)}${max === Infinity ? ')' : ']'}`;
}
