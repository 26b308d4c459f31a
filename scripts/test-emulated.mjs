// `npm run test:emulated`: the package's tests once more on CUDA's kernels, compiled for the host (test/emulator), which backend
// 'auto' then takes. Further arguments go to AVA; files given there run instead of all.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What does not run, and why. */
const LEFT_OUT = {
  'bench.test.js': 'times, and the emulator has none to show',
  'instruction-sets.test.js': 'about the CPU alone',
  'memory.test.js': 'about the host memory that the CPU backend takes',
  'package.test.js': 'packs and installs the package',
  'readme.test.js': 'about text',
  'cuda/': 'chooses the library by itself',
  'demo/': 'about pictures and data sets',
  'retinanet/': 'trains for minutes',
  'threads.test.js': "about the CPU's threads",
  'tfjs/wasm-training': 'calls none of our native operations',
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const library = join(root, 'build', 'Release', 'retinanet_ops_cuda_emulated.so');
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
const files = all.filter((file) => !Object.keys(LEFT_OUT).some((start) => file.startsWith(start)));
for (const [start, why] of Object.entries(LEFT_OUT)) console.log(`left out: ${start} (${why})`);

const ava = join(dirname(createRequire(import.meta.url).resolve('ava')), 'cli.mjs');
const given = process.argv.slice(2);
const chosen = given.some((argument) => argument.endsWith('.js')) ? [] : files.map((file) => join(compiled, file));
const { status } = spawnSync(process.execPath, [ava, ...given, ...chosen], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    RETINANET_OPS_TEST_EVERY: '128', // images of COCO
    RETINANET_OPS_CUDA_LIBRARY: process.env.RETINANET_OPS_CUDA_LIBRARY ?? library,
  },
});
process.exit(status ?? 1);
