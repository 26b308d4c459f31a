// Tables of options. From an operation's table follow the names of its options, their defaults, their checks and their types, on
// typed arrays, on device tensors and on TensorFlow.js' tensors.
import type { Floats, FloatsLike, IntsLike } from '../runtime/device-tensor.js';
import { describe } from './describe.js';
import type { NumberRange, ScalarCheck } from './scalar-check.js';

/** Stands for a Float32Array, or for a tensor where the call's other arrays are tensors. */
export interface FloatArray {
  readonly [memory]: 'floats';
}
/** As FloatArray, for an Int32Array. */
export interface IntArray {
  readonly [memory]: 'ints';
}
/** Stands for numbers in an array of any kind, and with TensorFlow.js also for a tensor of them. */
export interface NumberList {
  readonly [memory]: 'numbers';
}
declare const memory: unique symbol;

/**
 * What an option is to a call. An `array` is an input of its kernels, an `output` is written by them (tensors never are), `by-class`
 * are numbers that a tensor may hold as well; everything else is a plain `value`.
 */
export type Role = 'value' | 'by-class' | 'array' | 'output';

/** One option: `Type` is what callers give, `Value` what the check makes of it, or of undefined. */
export interface Option<Type, Value, Needed extends boolean = boolean> {
  readonly role: Role;
  readonly needed: Needed;
  check(check: ScalarCheck, argument: string, value: unknown): Value;
  /** Holds the type alone. */
  readonly type?: Type;
}

export type Table = Readonly<Record<string, Option<unknown, unknown>>>;

/** The options as the check leaves them. */
export type Checked<T extends Table> = {
  [Name in keyof T]: T[Name] extends Option<unknown, infer Value> ? Value : never;
};

/** The interface of a table's options, of a call whose arrays are like F. */
export type OptionsOf<T extends Table, F extends Floats = Float32Array> = Partial<Omit<Types<T, F>, NeededIn<T>>> &
  Pick<Types<T, F>, NeededIn<T>>;

type Types<T extends Table, F extends Floats> = {
  [Name in keyof T]: T[Name] extends Option<infer Type, unknown> ? InMemory<Type, F> : never;
};
type InMemory<Type, F extends Floats> = Type extends FloatArray
  ? FloatsLike<F>
  : Type extends IntArray
    ? IntsLike<F>
    : Type extends NumberList
      ? ArrayLike<number>
      : Type;
export type NeededIn<T extends Table> = {
  [Name in keyof T]: T[Name] extends Option<unknown, unknown, true> ? Name : never;
}[keyof T];

type Read<Value> = (check: ScalarCheck, argument: string, value: unknown) => Value;

function option<Type, Value>(role: Role, read: Read<Value>, byDefault?: Value): Option<Type, Value, false> {
  const check: Read<Value> = (on, argument, value) =>
    value === undefined ? (byDefault as Value) : read(on, argument, value);
  return { role, needed: false, check };
}

function needed<Type, Value>(role: Role, check: Read<Value>): Option<Type, Value, true> {
  return { role, needed: true, check };
}

/** A finite number within a range; with `integer`, a whole one. */
export function number(range: NumberRange & { default: number }): Option<number, number, false>;
export function number(range: NumberRange & { needed: true }): Option<number, number, true>;
export function number(range?: NumberRange): Option<number, number | undefined, false>;
export function number(
  range: NumberRange & { default?: number; needed?: true } = {},
): Option<number, number | undefined> {
  const read: Read<number | undefined> = (check, argument, value) => check.number(argument, value, range);
  return range.needed ? needed('value', read) : option('value', read, range.default);
}

/** A number in (0, 1]. */
export function share(byDefault: number): Option<number, number, false> {
  return option('value', (check, argument, value) => check.share(argument, value), byDefault);
}

export function boolean(byDefault: boolean): Option<boolean, boolean, false> {
  return option('value', (check, argument, value) => check.boolean(argument, value), byDefault);
}

/** One of a few names. */
export function oneOf<T extends string>(names: readonly T[], byDefault: T): Option<T, T, false>;
export function oneOf<T extends string>(names: readonly T[]): Option<T, T | undefined, false>;
export function oneOf<T extends string>(names: readonly T[], byDefault?: T): Option<T, T | undefined, false> {
  return option('value', (check, argument, value) => check.oneOf(argument, value, names), byDefault);
}

/** What a check of its own reads; without one, what only the operation itself can check, who knows the lengths it must have. */
export function value<Type, Value = unknown>(read?: Read<Value>, byDefault?: Value): Option<Type, Value, false> {
  return option('value', read ?? ((_check, _argument, given) => given as Value), byDefault);
}

/** As value, where there must be one. */
export function neededValue<Type>(): Option<Type, unknown, true> {
  return needed('value', (_check, _argument, given) => given);
}

/** A function that is called later. */
export function callback<Type extends (...args: never[]) => unknown>(): Option<Type, Type | undefined, false> {
  return option('value', (check, argument, given) => check.function(argument, given as Type));
}

/** An AbortSignal of any realm, or what behaves as one. */
export function signal(): Option<AbortSignal, AbortSignal | undefined, false> {
  return option('value', (check, argument, given) => {
    const isObject = typeof given === 'object' && given !== null;
    if (isObject && typeof (given as AbortSignal).aborted === 'boolean') return given as AbortSignal;
    return check.fail('ERR_DTYPE', argument, 'an AbortSignal', describe(given));
  });
}

/** An array that the call reads; the operation checks it, who knows its length. */
export function array<Type>(): Option<Type, unknown, false> {
  return option('array', (_check, _argument, given) => given);
}

/** As array, where there must be one. */
export function neededArray<Type>(): Option<Type, unknown, true> {
  return needed('array', (_check, _argument, given) => given);
}

/** An array, or several by name, that the call writes. */
export function output<Type>(): Option<Type, unknown, false> {
  return option('output', (_check, _argument, given) => given);
}

/** Numbers that a tensor may hold, such as one for each class. */
export function byClass<Type>(): Option<Type, unknown, false> {
  return option('by-class', (_check, _argument, given) => given);
}
