// What the tests of device tensors share. They run where the emulated plugin is, each script in a process of its own: a process
// opens one library.
import test from 'ava';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runScript } from '../support/child.js';

/** A file beside the addon. */
export function built(file: string): string {
  return fileURLToPath(new URL(`../../../build/Release/${file}`, import.meta.url));
}

export const LIBRARY = built('retinanet_ops_cuda_emulated.so');

/** On other systems than Linux there is no emulator; on Linux its absence is a failure. */
export const emulated = process.platform === 'linux' ? test : test.skip;

/** Runs a script of test/cuda/scripts; what it printed, or an error with what it complained of. */
export function runCuda(
  script: string,
  args: string[] = [],
  environment: NodeJS.ProcessEnv = {},
  nodeArgs: string[] = [],
): string {
  if (!existsSync(LIBRARY)) throw new Error(`${LIBRARY} is absent; npm run build:emulated makes it`);
  const env = { RETINANET_OPS_CUDA_LIBRARY: LIBRARY, ...environment };
  const { status, signal, stdout, stderr } = runScript(`../cuda/scripts/${script}.js`, args, env, nodeArgs);
  if (status !== 0) throw new Error(`${script} ${args.join(' ')}: ${signal ?? String(status)}\n${stderr}${stdout}`);
  return stdout.trim();
}
