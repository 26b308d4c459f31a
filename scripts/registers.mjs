// What the assembler says of a kernel's registers.
import { spawnSync } from 'node:child_process';

/** "PlainFocalLoss<float, 2>" of rn::cuda's mangled names. */
export function demangled(mangled) {
  const { status, stdout } = spawnSync('c++filt', [mangled], { encoding: 'utf8' });
  if (status !== 0) return mangled;
  return stdout
    .trim()
    .replace(/^void /, '')
    .replace(/\(rn::cuda::FocalGamma\)/g, '')
    .replace(/\(anonymous namespace\)::/g, '')
    .replace(/rn::cuda::/g, '')
    .replace(/\(.*/, '');
}

/** The kernels in what `ptxas -v` printed, one an architecture. */
export function kernelsOf(report) {
  const kernels = [];
  for (const line of report.split('\n')) {
    const start = /Compiling entry function '(\S+)' for '(\S+)'/.exec(line);
    if (start) kernels.push({ mangled: start[1], architecture: start[2], registers: 0, spills: 0, shared: 0 });
    const kernel = kernels.at(-1);
    if (!kernel) continue;
    const spills = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line);
    if (spills) kernel.spills = Number(spills[1]) + Number(spills[2]);
    const registers = /Used (\d+) registers/.exec(line);
    if (registers) kernel.registers = Number(registers[1]);
    const shared = /(\d+) bytes smem/.exec(line);
    if (shared) kernel.shared = Number(shared[1]);
  }
  return kernels;
}
