// What the machine allows, from the native benchmark (native/bench/limits.cc, fma_peak.cc) with as many bytes and threads.
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

function ask(executable: string, args: string[], quick: boolean): unknown {
  const { status, stdout, stderr, error } = spawnSync(executable, [...args, ...(quick ? ['--quick'] : [])], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${executable}: ${error?.message ?? stderr}`);
  return JSON.parse(stdout) as unknown;
}

/** Null where the native benchmark has not been built. */
export function memoryLimits(floats: number, threads: number, quick: boolean): MemoryLimits | null {
  if (executable === undefined) return null;
  const key = `${floats} ${threads}`;
  const found = known.get(key);
  if (found) return found;
  const args = ['--limits', String(4 * floats), '--threads', String(threads)];
  const limits = ask(executable, args, quick) as MemoryLimits;
  known.set(key, limits);
  return limits;
}

/** Multiplications and additions in registers, 10^9 a second, of all threads together; null as above. */
export function fmaPeak(threads: number, quick: boolean): number | null {
  if (executable === undefined) return null;
  return (ask(executable, ['--fma-peak', '--threads', String(threads)], quick) as { gflops: number }).gflops;
}
