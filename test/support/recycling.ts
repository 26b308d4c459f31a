import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as delay } from 'node:timers/promises';
import { backendInfo, clipBoxes } from 'retinanet-ops';

setFlagsFromString('--expose-gc');
export const collect = runInNewContext('gc') as () => void;

const boxes = new Float32Array(2 ** 21);

/** A large result of an operation, every value then written over by `mark`. */
export function result(count: number, mark: number): Float32Array {
  return clipBoxes(boxes.subarray(0, 4 * Math.ceil(count / 4)), { height: 100, width: 100 }).fill(mark);
}

/** Waits until results that nobody holds have been freed, and `inUse` is what `expected` says; V8 frees on a thread of its own. */
export async function inUse(expected: (bytes: number) => boolean): Promise<number> {
  for (let i = 0; i < 100; i++) {
    collect();
    const bytes = backendInfo().memory.inUse;
    if (expected(bytes)) return bytes;
    await delay(50);
  }
  return backendInfo().memory.inUse;
}
