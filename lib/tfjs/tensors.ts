// Arguments that are tensors or what tf.tensor takes: dtypes and shapes. Values are checked by the operations themselves.
import { engine, tensor, util, type Tensor, type TensorLike } from '@tensorflow/tfjs-core';
import type { FloatArray, IntArray, NeededIn, NumberList, Option, OptionsOf, Table } from '../arguments/options.js';
import type { WEIGHTS } from '../arguments/loss-options.js';
import { AnchorGrid } from '../operations/anchors.js';
import type { FOCAL_LOSS_PARAMETERS, PerClass } from '../arguments/per-class.js';
import { kindOf } from '../arguments/typed-arrays.js';
import type { Check } from '../arguments/check.js';
import type { Arrays } from './memory.js';

/** A tensor, a typed array of its kind, or nested arrays of numbers. */
export type Input = Tensor | TensorLike;

/** Boxes [A, 4], or a grid. */
export type TensorAnchors = AnchorGrid | Input;

const KINDS = { float32: 'Float32Array', int32: 'Int32Array' } as const;

/** By its methods, as tfjs tells tensors itself: a second copy of tfjs-core has a class of its own, and shares the engine. */
export function isTensor(value: unknown): value is Tensor {
  const { dataSync, throwIfDisposed } = (value ?? {}) as Partial<Tensor>;
  return typeof dataSync === 'function' && typeof throwIfDisposed === 'function';
}

/** A float32 tensor of any shape. */
export function floats(check: Check, name: string, value: unknown): Tensor {
  return convert(check, name, value, 'float32');
}

/** An int32 tensor of any shape. */
export function ints(check: Check, name: string, value: unknown): Tensor {
  return convert(check, name, value, 'int32');
}

/** float32 [n, 4]; a flat array of 4 n numbers is taken as such. */
export function boxes(check: Check, name: string, value: unknown): Tensor {
  const flat = kindOf(value) === 'Float32Array' || (Array.isArray(value) && typeof value[0] !== 'object');
  if (flat && (value as ArrayLike<number>).length % 4 === 0) {
    return convert(check, name, value, 'float32', [(value as ArrayLike<number>).length / 4, 4]);
  }
  const result = convert(check, name, value, 'float32');
  if (result.rank !== 2 || result.shape[1] !== 4) check.fail('ERR_SHAPE', name, 'shape [n, 4]', shapeText(result));
  return result;
}

export function expectShape(check: Check, name: string, value: Tensor, shape: number[], why: string): void {
  if (util.arraysEqual(value.shape, shape)) return;
  check.fail('ERR_SHAPE', name, `shape [${shape.join(', ')}] ${why}`, shapeText(value));
}

/** 'shape [2, 3]' */
export function shapeText(value: Tensor): string {
  return `shape [${value.shape.join(', ')}]`;
}

/** Anchors as a kernel takes them: a grid among its attributes, boxes among its inputs. */
export interface AnchorInput {
  count: number;
  inputs: Record<string, Tensor>;
  grid: AnchorGrid | undefined;
}

export function readAnchors(check: Check, value: unknown): AnchorInput {
  const grid = AnchorGrid.from(value);
  if (grid !== undefined) return { count: grid.count, inputs: {}, grid };
  const anchors = boxes(check, 'anchors', value);
  return { count: anchors.shape[0], inputs: { anchors }, grid: undefined };
}

export function kernelAnchors(arrays: Arrays, attrs: { grid: AnchorGrid | undefined }): AnchorGrid | Float32Array {
  return attrs.grid ?? arrays.floats('anchors');
}

/** What may differ from class to class: a number, or [K] in a tensor or an array of any kind. */
export type TensorPerClass = PerClass | Tensor;

/** The interface of a table's options on tensors, which are never written into. */
export type TensorOptionsOf<T extends Table> = Partial<Omit<Types<T>, NeededIn<T> | 'out'>> &
  Pick<Types<T>, NeededIn<T>>;

type Types<T extends Table> = {
  [Name in keyof T]: T[Name] extends Option<infer Type, unknown> ? OnTensors<Type> : never;
};
type OnTensors<Type> = Type extends FloatArray | IntArray | Int32Array
  ? Input
  : Type extends NumberList
    ? ArrayLike<number> | Tensor
    : Type;

/** Weights of the losses, as tensors. */
export interface TensorWeightOptions extends TensorOptionsOf<typeof WEIGHTS> {}

/** The parameters of the focal loss (Lin et al. 2017, equation 5). */
export interface TensorFocalLossParameterOptions extends TensorOptionsOf<typeof FOCAL_LOSS_PARAMETERS> {}

/** The options of a call as a kernel takes them: arrays become inputs; all others attributes, which the operation itself checks. */
export interface SplitOptions<T extends Table> {
  arrays: Partial<Record<keyof T, unknown>>;
  attrs: Partial<OptionsOf<T>>;
}

export function splitOptions<T extends Table>(
  check: Check,
  options: unknown,
  table: T,
  argument = 'options',
): SplitOptions<T> {
  const names = Object.keys(table).filter((name) => table[name]?.role !== 'output');
  const isNeeded = names.some((name) => table[name]?.needed);
  const value = options === undefined && !isNeeded ? {} : options;
  const given = check.fields<Record<string, unknown>>(argument, value, names, true);
  const split: Record<'arrays' | 'attrs', Record<string, unknown>> = { arrays: {}, attrs: {} };
  for (const [name, option] of Object.entries(given)) {
    const role = table[name]?.role;
    if (role === 'array') split.arrays[name] = option;
    else split.attrs[name] = role === 'by-class' ? perClassAttribute(check, name, option) : option;
  }
  return split as SplitOptions<T>;
}

/** As a kernel's attribute: numbers instead of tensors and typed arrays; anything unfit is left for the operation to refuse. */
export function perClassAttribute(check: Check, name: string, value: unknown): unknown {
  if (!isTensor(value)) return kindOf(value) === undefined ? value : Array.from(value as ArrayLike<unknown>);
  const numbers = floats(check, name, value).dataSync();
  return value.rank === 0 ? numbers[0] : Array.from(numbers);
}

/** The option numClasses, which the shape tells as well. */
export function expectClasses(check: Check, given: unknown, name: string, value: Tensor): void {
  if (given === undefined) return;
  const classes = check.number('numClasses', given, { min: 1, integer: true });
  const expected = value.shape.at(-1);
  if (classes === expected) return;
  check.fail('ERR_SHAPE', 'numClasses', `${String(expected)}, the last axis of ${name},`, String(classes));
}

function convert(check: Check, name: string, value: unknown, dtype: 'float32' | 'int32', shape?: number[]): Tensor {
  if (isTensor(value)) {
    if (value.dtype !== dtype)
      check.fail('ERR_DTYPE', name, `a tensor of dtype ${dtype}`, `one of dtype ${value.dtype}`);
    if (value.isDisposed) check.fail('ERR_DTYPE', name, `a tensor of dtype ${dtype}`, 'a disposed one');
    if (!engine().state.tensorInfo.has(value.dataId)) {
      check.fail('ERR_DTYPE', name, 'a tensor of the tfjs-core that this package imports', 'one of another copy of it');
    }
    return value;
  }
  if (kindOf(value) === KINDS[dtype]) return tensor(check.array(KINDS[dtype], name, value), shape, dtype);
  const numbers = Array.isArray(value) ? util.flatten(value as number[]) : [value];
  const fits = numbers.every((n) => (dtype === 'int32' ? Number.isInteger(n) : typeof n === 'number'));
  if (kindOf(value) !== undefined || !fits) {
    const kinds = `${KINDS[dtype]} or nested arrays of ${dtype === 'int32' ? 'integers' : 'numbers'}`;
    const received = kindOf(value) ?? (Array.isArray(value) ? 'an array of others' : typeof value);
    check.fail('ERR_DTYPE', name, `a ${dtype} tensor, ${kinds}`, received);
  }
  return tensor(value as TensorLike, shape, dtype);
}
