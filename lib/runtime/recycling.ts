// Where the memory of large results is used again, how much of it, and how soon. How: native/addon/recycled_memory.h.
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Binding } from '../../binding.js';
import { RetinanetOpsError } from '../arguments/errors.js';

const MIB = 2 ** 20;
const VARIABLE = 'RETINANET_OPS_RECYCLED_MIB';

/** Major versions of Node.js in which the tests have seen memory come back. In others all memory is the runtime's. */
const TESTED = { oldest: 20, newest: 26 };

/** Room for what one collection sets free: 120 MiB of results up to 6.4 MB were seen, and 320 MiB of results of 64 MB. */
const DEFAULT_MIB = 384;

/**
 * V8 is asked to collect young objects after results of so many bytes. By itself it would wait for 32 MiB (Node.js 20 and 22), or
 * for 64 MiB (24 and 26), where its limit of external memory comes first and it marks the whole heap instead, which takes longer
 * than most operations. A collection of young objects takes about 0.1 ms, and memory that returns after 24 MiB is still in a cache.
 */
const COLLECT_AFTER = 24 * MIB;

let sinceCollection = 0;
let collectYoung: (() => void) | undefined;

/** Memory of arbitrary content for a large result, if it can be recycled memory. */
export function recycledBuffer(binding: Binding, bytes: number): ArrayBuffer | undefined {
  if (sinceCollection >= COLLECT_AFTER) {
    sinceCollection = 0;
    collectYoung ??= findCollector();
    collectYoung();
  }
  const buffer = binding.recycledBuffer(bytes);
  if (buffer) sinceCollection += bytes;
  return buffer;
}

/** V8 gives its collector to the contexts that are made while this flag is set. Where it gives none, its own pace must do. */
function findCollector(): () => void {
  const shown = 'gc' in globalThis;
  try {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
    return () => {
      collect({ type: 'minor' });
    };
  } catch {
    return () => {};
  } finally {
    if (!shown) setFlagsFromString('--no-expose-gc');
  }
}

export function startRecycling(binding: Binding): void {
  const limit = readLimit();
  if (limit > 0 && isTested() && binding.canRecycle()) binding.setRecycledLimit(limit);
}

function isTested(): boolean {
  const { versions } = process;
  const major = Number.parseInt(versions.node, 10);
  const isNode = !['electron', 'bun', 'deno', 'nw'].some((name) => name in versions);
  return isNode && major >= TESTED.oldest && major <= TESTED.newest;
}

/** In bytes: what the environment says; else the default, but no more than an eighth of the memory that the process may use. */
function readLimit(): number {
  const given = process.env[VARIABLE];
  if (given === undefined || given === '') {
    const granted = process.constrainedMemory();
    return Math.floor(Math.min(DEFAULT_MIB * MIB, (granted > 0 ? Math.min(granted, totalmem()) : totalmem()) / 8));
  }
  const limit = Math.floor(Number(given) * MIB);
  if (limit >= 0 && limit <= Number.MAX_SAFE_INTEGER) return limit;
  throw new RetinanetOpsError('ERR_OPTION', `expected a number of MiB from 0 for ${VARIABLE}, received '${given}'`);
}
