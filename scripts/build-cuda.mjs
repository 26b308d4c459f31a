// `npm run build:cuda`: the CUDA plugin with nvcc, into build/Release beside the addon. RETINANET_OPS_CUDA_ARCHITECTURES, such as
// "90-real", limits the machine code to what one device needs. What the assembler says of registers goes to build/cuda/ptxas.txt;
// the build fails where a kernel takes more than its budget (registers.mjs).
// CUDACXX names the nvcc; otherwise CUDA 12.9 or 12.8 is taken where it lies in its usual place, else the one on the PATH. Its
// version decides which drivers load the plugin: `-- --release` refuses all but those two.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernelsOf, overBudget } from './registers.mjs';
import { JOBS } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
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

/** CUDA 12's runtime needs a driver from 525, 13's from 580. 12.8 is the first that knows compute capability 10 and 12. */
const OLDEST = [12, 8];
const FOR_RELEASE = ['12.9', '12.8'];

function findNvcc() {
  const usual = FOR_RELEASE.map((version) => `/usr/local/cuda-${version}/bin/nvcc`).filter((file) => existsSync(file));
  const nvcc = process.env.CUDACXX || usual[0] || 'nvcc';
  const { status, stdout } = spawnSync(nvcc, ['--version'], { encoding: 'utf8' });
  const version = status === 0 ? /release (\d+)\.(\d+)/.exec(stdout) : null;
  if (!version)
    fail(`building the CUDA plugin needs nvcc, from the CUDA Toolkit (${OLDEST.join('.')} or newer), on the PATH.`);
  const [major, minor] = version.slice(1).map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    fail(`${nvcc} is of CUDA ${major}.${minor}; the kernels need ${OLDEST.join('.')} or newer.`);
  if (process.argv.includes('--release') && !FOR_RELEASE.includes(`${major}.${minor}`))
    fail(
      `${nvcc} is of CUDA ${major}.${minor}; a release is built with ${FOR_RELEASE.join(' or ')}, so that drivers from 525 load it.`,
    );
  return { nvcc, version: `${major}.${minor}`, driver: major === 12 ? 525 : major === 13 ? 580 : undefined };
}

const { nvcc, version, driver } = findNvcc();
// A folder each: CMake keeps the compiler that it found first.
const build = join(root, 'build', 'cuda', version);
process.env.CUDACXX = nvcc;
cmake(
  ...['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DRETINANET_OPS_CUDA=ON'],
  ...(architectures ? [`-DCMAKE_CUDA_ARCHITECTURES=${architectures}`] : []),
);
const output = cmake('--build', build, '--target', 'retinanet_ops_cuda', '--config', 'Release', '--parallel', JOBS);
mkdirSync(join(root, 'build', 'Release'), { recursive: true });
const plugin = join(root, 'build', 'Release', name);
// Visual Studio's generator has a folder for each configuration.
copyFileSync([join(build, 'Release', name), join(build, name)].find(existsSync) ?? join(build, name), plugin);
const report = output.split('\n').filter((line) => /Compiling entry function|Used \d+ registers|spill/.test(line));
if (report.length > 0) writeFileSync(join(root, 'build', 'cuda', 'ptxas.txt'), `${report.join('\n')}\n`);
const excess = overBudget(kernelsOf(report.join('\n')));
if (excess.length > 0) fail(`the kernels are over their budgets:\n${excess.join('\n')}`);
console.log(
  `CUDA plugin: build/Release/${name}, ${(statSync(plugin).size / 2 ** 20).toFixed(2)} MiB, registers within their budgets; CUDA ${version}` +
    (driver ? `, for drivers from ${driver}` : ''),
);
