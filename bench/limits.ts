// What the memory allows, from the native benchmark (native/bench/limits.cc) with as many bytes and threads.
import { spawnSync } from 'node:child_process';

export interface MemoryLimits {
  /** Nanoseconds a float32. */
  readNs: number;
  copyNs: number;
}

const known = new Map<string, MemoryLimits>();

/** Null where the native benchmark has not been built (scripts/bench.mjs builds it and says where it is). */
export function memoryLimits(floats: number, threads: number, quick: boolean): MemoryLimits | null {
  const executable = process.env['RETINANET_OPS_BENCH'];
  if (executable === undefined) return null;
  const key = `${floats} ${threads}`;
  const found = known.get(key);
  if (found) return found;
  const args = ['--limits', String(4 * floats), '--threads', String(threads), ...(quick ? ['--quick'] : [])];
  const { status, stdout, stderr, error } = spawnSync(executable, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${executable}: ${error?.message ?? stderr}`);
  const limits = JSON.parse(stdout) as MemoryLimits;
  known.set(key, limits);
  return limits;
}
