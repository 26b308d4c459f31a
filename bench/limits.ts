// What the memory allows, from the native benchmark (native/bench/limits.cc) with as many bytes and threads.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryLimits {
  /** Nanoseconds a float32. */
  readNs: number;
  copyNs: number;
}

const known = new Map<string, MemoryLimits>();

/** Where scripts/bench.mjs builds the native benchmark. */
const executable = ['build', 'build/bench']
  .flatMap((folder) => [folder, join(folder, 'Release')])
  .map((folder) => join(folder, process.platform === 'win32' ? 'retinanet_bench.exe' : 'retinanet_bench'))
  .find((file) => existsSync(file));

export const limitsAvailable = executable !== undefined;

/** Null where the native benchmark has not been built. */
export function memoryLimits(floats: number, threads: number, quick: boolean): MemoryLimits | null {
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
