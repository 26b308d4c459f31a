// A validated call that has not run yet. The synchronous and the promised form of an operation share its plan and differ only
// in how they run it.
import { types } from 'node:util';
import type { Binding, Fields, Operations } from '../../binding.js';
import { RetinanetOpsError, type ErrorCode } from '../arguments/errors.js';
import { native } from './native.js';
import { bufferOf, kindOf } from '../arguments/typed-arrays.js';
import type { Check } from '../arguments/validate.js';

type Name = keyof Operations;
type Exported<N extends Name> = (...values: unknown[]) => ReturnType<Operations[N]>;
type ExportedAsync<N extends Name> = (...values: unknown[]) => Promise<ReturnType<Operations[N]>>;

export interface Plan<Result> {
  runSync(): Result;
  runAsync(): Promise<Result>;
}

/** `finish` turns what native code returned into what the caller gets; a call that fails gives back what it allocated. */
export function plan<N extends Name, Result>(
  check: Check,
  name: N,
  fields: Fields<N>,
  finish: (raw: ReturnType<Operations[N]>) => Result,
): Plan<Result> {
  return {
    runSync() {
      const binding = native();
      try {
        const call = binding[name] as Exported<N>;
        return finish(call(...valuesOf(binding, name, fields)));
      } catch (error) {
        check.abandon();
        throw fromNative(error);
      }
    },
    async runAsync() {
      const binding = native();
      try {
        const values = valuesOf(binding, name, fields);
        refuseResizable(values);
        const call = binding[`${name}Async`] as ExportedAsync<N>;
        return finish(await call(...values));
      } catch (error) {
        check.abandon();
        throw fromNative(error);
      }
    },
  };
}

/** In the order in which native code reads them: looking each up by name there would take as long as a small call does. */
function valuesOf<N extends Name>(binding: Binding, name: N, fields: Fields<N>): unknown[] {
  return (binding.fields[name] as readonly (keyof Fields<N>)[]).map((field) => fields[field]);
}

/** The promised form of an operation: bad input rejects, as in `fs/promises`. */
export function promised<Args extends unknown[], Result>(
  makePlan: (...args: Args) => Plan<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => makePlan(...args).runAsync();
}

function fromNative(error: unknown): unknown {
  if (!types.isNativeError(error) || error.name === 'RetinanetOpsError') return error;
  const code = (error as Error & { code?: ErrorCode }).code ?? 'ERR_NATIVE';
  return new RetinanetOpsError(code, error.message, { cause: error });
}

// Shrinking a buffer unmaps its memory, which no other thread may be reading then.
function refuseResizable(values: readonly unknown[]): void {
  for (const value of values) {
    if (kindOf(value) !== undefined && (bufferOf(value) as { resizable?: boolean }).resizable === true) {
      throw new RetinanetOpsError(
        'ERR_DTYPE',
        'expected arrays over buffers of fixed length for a promised call, received one over a resizable ArrayBuffer',
      );
    }
  }
}
