// `retinanet-ops info`: the loader's diagnosis, and what the backends say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendInfo } from '../backend.js';
import { describe, HELP, load, root } from '../native.js';

/** Prints what there is to know about the addon on this machine. Gives the exit code: 1 where none loads. */
export function info(): number {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>;
  const { binding, attempts } = load();
  const lines = [`${name} ${version}`, describe(attempts)];
  if (binding) {
    const { numThreads, cpu, cuda } = backendInfo();
    lines.push(`cpu: ${cpu.available ? `${cpu.instructionSet ?? '?'}, ${numThreads} threads` : cpu.reason}`);
    lines.push(
      `cuda: ${cuda.available ? (cuda.instructionSet ?? 'available') : `not usable, ${cuda.reason ?? 'unknown'}`}`,
    );
  } else {
    lines.push('No native addon loads here.', HELP);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return binding ? 0 : 1;
}
