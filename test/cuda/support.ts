// What the tests of device tensors share. They run where the emulated plugin is, each script in a process of its own: a process
// opens one library.
import test, { type ExecutionContext, type Implementation } from 'ava';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript } from '../support/child.js';

/** A file beside the addon. */
export function built(file: string): string {
  return fileURLToPath(new URL(`../../../build/Release/${file}`, import.meta.url));
}

export const LIBRARY = built('retinanet_ops_cuda_emulated.so');

/** The plugin of a GPU that `npm run test:cuda` gives, in place of the emulated one. */
const given = process.env['RETINANET_OPS_CUDA_LIBRARY'] ?? '';
export const onGpu = given !== '' && !basename(given).includes('emulated');

/** Where the tests run. */
export const library = onGpu ? given : LIBRARY;

/** What runs on a GPU, too. On other systems than Linux there is no emulator; on Linux its absence is a failure. */
export const onDevice = onGpu || process.platform === 'linux' ? test : test.skip;

/** What needs the emulator: its traces, failures, second device. */
export const emulated = (title: string, run: Implementation<[]>): void => {
  if (onGpu) test.skip(`${title} (emulator only)`, run);
  else onDevice(title, run);
};

/** Runs a script of test/cuda/scripts; what it printed, or an error with what it complained of. */
export function runCuda(
  script: string,
  args: string[] = [],
  environment: NodeJS.ProcessEnv = {},
  nodeArgs: string[] = [],
): string {
  if (!existsSync(library)) throw new Error(`${library} is absent${onGpu ? '' : '; npm run build:emulated makes it'}`);
  // The scripts choose their backends by themselves.
  const env = { RETINANET_OPS_CUDA_LIBRARY: library, NODE_OPTIONS: '', ...environment };
  const { status, signal, stdout, stderr } = runScript(`../cuda/scripts/${script}.js`, args, env, nodeArgs);
  if (status !== 0) throw new Error(`${script} ${args.join(' ')}: ${signal ?? String(status)}\n${stderr}${stdout}`);
  return stdout.trim();
}

/** A test for each scenario of each script, by its title. */
export function onDeviceEach(
  scripts: Record<string, Record<string, string>>,
  run: (t: ExecutionContext, script: string, scenario: string) => void = (t, script, scenario) =>
    t.regex(runCuda(script, [scenario]), /done$/),
): void {
  for (const [script, scenarios] of Object.entries(scripts)) {
    for (const [scenario, title] of Object.entries(scenarios)) {
      onDevice(title, (t) => {
        run(t, script, scenario);
      });
    }
  }
}
