// A validated call that has not run yet. The synchronous and the promised form of an operation share its plan and differ only
// in how they run it.
import { types } from 'node:util';
import type { Operations } from '../../binding.js';
import { RetinanetOpsError, type ErrorCode } from '../arguments/errors.js';
import { native } from './native.js';
import { bufferOf, kindOf } from '../arguments/typed-arrays.js';
import type { Check } from '../arguments/validate.js';

type Name = keyof Operations;

export interface Plan<Result> {
  runSync(): Result;
  runAsync(): Promise<Result>;
}

/** `finish` turns what native code returned into what the caller gets; a call that fails gives back what it allocated. */
export function plan<N extends Name, Result>(
  check: Check,
  name: N,
  args: Parameters<Operations[N]>,
  finish: (raw: ReturnType<Operations[N]>) => Result,
): Plan<Result> {
  return {
    runSync() {
      const call = native()[name] as unknown as (...args: Parameters<Operations[N]>) => ReturnType<Operations[N]>;
      try {
        return finish(call(...args));
      } catch (error) {
        check.abandon();
        throw fromNative(error);
      }
    },
    async runAsync() {
      const call = native()[`${name}Async`] as unknown as (
        ...args: Parameters<Operations[N]>
      ) => Promise<ReturnType<Operations[N]>>;
      try {
        refuseResizable(args);
        return finish(await call(...args));
      } catch (error) {
        check.abandon();
        throw fromNative(error);
      }
    },
  };
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
function refuseResizable(args: readonly unknown[]): void {
  for (const arg of args) {
    if (kindOf(arg) !== undefined && (bufferOf(arg) as { resizable?: boolean }).resizable === true) {
      throw new RetinanetOpsError(
        'ERR_DTYPE',
        'expected arrays over buffers of fixed length for a promised call, received one over a resizable ArrayBuffer',
      );
    }
  }
}
