// `npm run test:emulated`: the package's tests once more on CUDA's kernels, compiled for the host (test/emulator), to which every
// process sends typed arrays (test/emulator/use-cuda.mjs). Further arguments go to AVA; files given there run instead of all. First
// of them may be `--asan`, the kernels' own tests under AddressSanitizer, or `--races`, the same with every pair of accesses to
// memory compared, five seconds of each property. Each runs blocks and threads in another order, and rounds approximate
// instructions another way.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ASAN_OPTIONS } from './toolchain.mjs';

/** What does not run, and why. */
const LEFT_OUT = {
  'bench.test.js': 'times, and the emulator has none to show',
  'bundlers.test.js': 'packs and installs the package',
  'instruction-sets.test.js': 'about the CPU alone',
  'loader.test.js': 'about finding the addon',
  'memory.test.js': 'about the host memory that the CPU backend takes',
  'package.test.js': 'packs and installs the package',
  'packing.test.js': 'packs the package',
  'permissions.test.js': 'about starting Node.js',
  'readme.test.js': 'about text',
  'recycled-memory.test.js': 'about the host memory of results',
  'cuda/': 'chooses the library by itself',
  'demo/': 'about pictures and data sets',
  'retinanet/': 'trains for minutes',
  'threads.test.js': "about the CPU's threads",
  'vitest.test.js': 'compares with processes that take the CPU',
  'tfjs/wasm-training': 'calls none of our native operations',
};

/** The tests of the kernels alone. */
const KERNELS = ['focal-loss', 'assign', 'boxes', 'smooth-l1', 'nms', 'decode', 'mining', 'retinanet-loss'];

/** The sanitizer's runtime must be there before Node.js is; what Node.js never frees is not our leak. */
function addressSanitizer() {
  const { stdout } = spawnSync('c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  return { LD_PRELOAD: stdout.trim(), ASAN_OPTIONS };
}

/** Test files, and the environment: test/emulator/cuda_runtime.h. */
const VARIANTS = {
  '': { suffix: '', order: 'shuffled', ulp: '+1' },
  '--asan': { suffix: '_asan', order: 'reverse', ulp: '-1', kernels: true, more: addressSanitizer },
  '--races': { suffix: '_races', order: 'shuffled', ulp: 'random', kernels: true, preload: 'short-properties.mjs' },
};

const name = Object.hasOwn(VARIANTS, process.argv[2] ?? '') ? (process.argv[2] ?? '') : '';
const variant = VARIANTS[name];
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const library = join(root, 'build', 'Release', `retinanet_ops_cuda_emulated${variant.suffix}.so`);
if (process.platform !== 'linux') {
  console.log('test:emulated: SKIPPED, the emulated CUDA plugin is built on Linux only');
  process.exit(0);
}
if (!existsSync(library)) {
  console.error(`\nretinanet-ops: ${library} is absent; npm run build:emulated makes it.\n`);
  process.exit(1);
}

const compiled = join('dist-dev', 'test');
const all = readdirSync(join(root, compiled), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.test.js'));
const files = variant.kernels
  ? KERNELS.map((kernel) => `${kernel}.test.js`)
  : all.filter((file) => !Object.keys(LEFT_OUT).some((start) => file.startsWith(start)));
if (variant.kernels) console.log(`with ${name}: ${files.join(', ')}`);
else for (const [start, why] of Object.entries(LEFT_OUT)) console.log(`left out: ${start} (${why})`);

const ava = join(dirname(createRequire(import.meta.url).resolve('ava')), 'cli.mjs');
const given = process.argv.slice(name === '' ? 2 : 3);
const chosen = given.some((argument) => argument.endsWith('.js')) ? [] : files.map((file) => join(compiled, file));
const env = {
  RETINANET_OPS_EMULATOR_ORDER: variant.order,
  RETINANET_OPS_EMULATOR_ULP: variant.ulp,
  ...process.env,
  ...variant.more?.(),
  RETINANET_OPS_TEST_EVERY: process.env.RETINANET_OPS_TEST_EVERY ?? '128',
  RETINANET_OPS_CUDA_LIBRARY: process.env.RETINANET_OPS_CUDA_LIBRARY ?? library,
};
const emulator = join(root, 'test', 'emulator');
for (const file of ['use-cuda.mjs', variant.preload ?? []].flat()) {
  env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} --import=${pathToFileURL(join(emulator, file))}`;
}
for (const args of [[join(emulator, 'probe-cuda.mjs')], [ava, ...given, ...chosen]]) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}
