// `npm run test:emulated`: the package's tests once more on CUDA's kernels, compiled for the host (test/emulator), or on the plugin
// that RETINANET_OPS_CUDA_LIBRARY names (`npm run test:cuda`). Every process sends typed arrays there (test/emulator/use-cuda.mjs).
// Further arguments go to AVA; files given there run instead of all. First of them may be `--asan`, the kernels' own tests under
// AddressSanitizer, or `--races`, the same with every pair of accesses to memory compared, five seconds of each property. Each runs
// blocks and threads in another order, and rounds approximate instructions another way.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { leftOut, root, testsOf } from './test-folders.mjs';
import { ASAN_OPTIONS } from './toolchain.mjs';

/** The sanitizer's runtime must be there before Node.js is; what Node.js never frees is not our leak. */
function addressSanitizer() {
  const { stdout } = spawnSync('c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  return { LD_PRELOAD: stdout.trim(), ASAN_OPTIONS };
}

/** Test files, and the environment: test/emulator/cuda_runtime.h. */
const VARIANTS = {
  '': { suffix: '', order: 'shuffled', ulp: '+1' },
  '--asan': { suffix: '_asan', order: 'reverse', ulp: '-1', kernels: true, every: '512', more: addressSanitizer },
  '--races': {
    suffix: '_races',
    order: 'shuffled',
    ulp: 'random',
    kernels: true,
    every: '512',
    preload: 'short-properties.mjs',
  },
};

const name = Object.hasOwn(VARIANTS, process.argv[2] ?? '') ? (process.argv[2] ?? '') : '';
const variant = VARIANTS[name];
const given = process.env.RETINANET_OPS_CUDA_LIBRARY;
const library = given || join(root, 'build', 'Release', `retinanet_ops_cuda_emulated${variant.suffix}.so`);
if (!given && process.platform !== 'linux') {
  console.log('test:emulated: SKIPPED, the emulated CUDA plugin is built on Linux only');
  process.exit(0);
}
if (!existsSync(library)) {
  console.error(`\nretinanet-ops: ${library} is absent${given ? '' : '; npm run build:emulated makes it'}.\n`);
  process.exit(1);
}

const files = [...testsOf(variant.kernels ? 'kernels' : 'emulated'), ...(given ? testsOf('gpu') : [])];
if (variant.kernels) console.log(`with ${name}: ${files.length} files`);
else for (const folder of leftOut()) console.log(`left out: ${folder}`);

const ava = join(dirname(createRequire(import.meta.url).resolve('ava')), 'cli.mjs');
const args = process.argv.slice(name === '' ? 2 : 3);
const chosen = args.some((argument) => argument.endsWith('.js')) ? [] : files;
const env = {
  RETINANET_OPS_EMULATOR_ORDER: variant.order,
  RETINANET_OPS_EMULATOR_ULP: variant.ulp,
  ...process.env,
  ...variant.more?.(),
  RETINANET_OPS_TEST_EVERY: process.env.RETINANET_OPS_TEST_EVERY ?? variant.every ?? '128',
  RETINANET_OPS_CUDA_LIBRARY: resolve(library),
};
const emulator = join(root, 'test', 'emulator');
for (const file of ['use-cuda.mjs', variant.preload ?? []].flat()) {
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --import=${pathToFileURL(join(emulator, file))}`;
}
for (const command of [[join(emulator, 'probe-cuda.mjs')], [ava, ...args, ...chosen]]) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
