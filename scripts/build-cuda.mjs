// `npm run build:cuda`: the CUDA plugin with nvcc, into build/Release beside the addon. RETINANET_OPS_CUDA_ARCHITECTURES, such as
// "90-real", limits the machine code to what one device needs. What the assembler says of registers goes to build/cuda/ptxas.txt.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runs } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const build = join(root, 'build', 'cuda');
const name = process.platform === 'win32' ? 'retinanet_ops_cuda.dll' : 'retinanet_ops_cuda.so';
const architectures = process.env.RETINANET_OPS_CUDA_ARCHITECTURES;

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function cmake(...args) {
  const { status, stdout, stderr, error } = spawnSync('cmake', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) fail(`could not run cmake: ${error.message}`);
  if (status !== 0) {
    process.stderr.write(stdout + stderr);
    fail('the CUDA plugin did not compile; the compiler says why above.');
  }
  return stdout + stderr;
}

if (!runs('nvcc', '--version'))
  fail('building the CUDA plugin needs nvcc, from the CUDA Toolkit (12.8 or newer), on the PATH.');
cmake(
  ...['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DRETINANET_OPS_CUDA=ON'],
  ...(architectures ? [`-DCMAKE_CUDA_ARCHITECTURES=${architectures}`] : []),
);
const output = cmake('--build', build, '--target', 'retinanet_ops_cuda', '--config', 'Release', '--parallel', '2');
mkdirSync(join(root, 'build', 'Release'), { recursive: true });
const plugin = join(root, 'build', 'Release', name);
copyFileSync(join(build, name), plugin);
const report = output.split('\n').filter((line) => /Compiling entry function|Used \d+ registers|spill/.test(line));
if (report.length > 0) writeFileSync(join(build, 'ptxas.txt'), `${report.join('\n')}\n`);
const spills = report.filter((line) => /[1-9]\d* bytes spill/.test(line));
if (spills.length > 0) fail(`kernels spill registers:\n${spills.join('\n')}`);
console.log(
  `CUDA plugin: build/Release/${name}, ${(statSync(plugin).size / 2 ** 20).toFixed(2)} MiB, no register spills`,
);
