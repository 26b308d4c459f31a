import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a script of this folder in a process of its own: what could take the test runner down with it. */
export function runScript(
  script: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  nodeArgs: string[] = [],
): SpawnSyncReturns<string> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const options = { encoding: 'utf8', timeout: 240_000, env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, [...nodeArgs, file, ...args], options);
}
