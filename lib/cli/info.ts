// `retinanet-ops info`: the loader's diagnosis, and what the backends say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { backendInfo, type CudaState } from '../runtime/backend.js';
import { root } from '../runtime/location.js';
import { diagnosis, help, load } from '../runtime/native.js';

export function infoCommand(): Command {
  return new Command('info')
    .summary('says where this runs and what it can use')
    .description('Says where this runs, which native addon loads and which not and why, and what it can use.')
    .action(() => {
      process.exitCode = info();
    });
}

/** Prints what there is to know about the addon on this machine. Gives the exit code: 1 where none loads. */
function info(): number {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>;
  const { binding, attempts } = load();
  const lines = [`${name} ${version}`, diagnosis(attempts)];
  if (binding) {
    const { numThreads, cpu, cuda, memory } = backendInfo();
    lines.push(`cpu: ${cpu.available ? `${cpu.instructionSet ?? '?'}, ${numThreads} threads` : cpu.reason}`);
    lines.push(...describeCuda(cuda));
    const mib = Math.floor(memory.limit / 2 ** 20);
    lines.push(`memory of large results: ${mib > 0 ? `used again, up to ${mib} MiB kept` : 'not used again here'}`);
  } else {
    lines.push('No native addon loads here.', help(attempts));
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return binding ? 0 : 1;
}

function describeCuda({ available, reason, detail, driverVersion, runtimeVersion, devices }: CudaState): string[] {
  const versions = `driver ${driverVersion ?? 'absent'}, runtime ${runtimeVersion ?? 'absent'}`;
  if (!available) {
    const opened = runtimeVersion === undefined ? '' : ` (${versions})`;
    return [`cuda: not usable, ${reason ?? 'unknown'}${opened}`, ...(detail ? [`  ${detail}`] : [])];
  }
  const lines = devices.map(({ name, computeCapability, multiprocessors, totalBytes }, i) => {
    const memory = `${(totalBytes / 2 ** 30).toFixed(1)} GiB`;
    return `  device ${i}: ${name}, compute capability ${computeCapability}, ${multiprocessors} multiprocessors, ${memory}`;
  });
  return [`cuda: ${versions}`, ...lines];
}
