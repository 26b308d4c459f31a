// Where the memory of large results is used again, and how much of it. How: native/addon/recycled_memory.h.
import { totalmem } from 'node:os';
import type { Binding } from '../binding.js';
import { RetinanetOpsError } from './errors.js';

const MIB = 2 ** 20;
const VARIABLE = 'RETINANET_OPS_RECYCLED_MIB';

/** Major versions of Node.js in which the tests have seen memory come back. In others all memory is the runtime's. */
const TESTED = { oldest: 20, newest: 26 };

/**
 * Room for what becomes free at once. V8 begins to collect when 32 MiB of results (Node.js 20 and 22) or 64 MiB (24 and 26) have
 * piled up; by the time it is done, up to 170 MiB of results of 6.4 MB and 320 MiB of results of 64 MB were seen.
 */
const DEFAULT_MIB = 384;

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
