// Builds the native addon (build/Release) and the TypeScript (dist for users, dist-dev for tests, bench and demo).
// Usage: node scripts/build.mjs [native|ts|dist|emulated]. Plain JavaScript: it must run before anything is compiled. `emulated`,
// which only tests need, is the CUDA plugin compiled for the host (test/emulator), once more with AddressSanitizer and once more to
// find races.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTools } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function run(script, args, { quiet = false } = {}) {
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.error) fail(`could not run ${script}: ${result.error.message}`);
  return result;
}

function buildNative() {
  const missing = missingTools();
  if (missing) fail(missing);
  const cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  const result = run(cmakeJs, ['compile', '--parallel', '2'], { quiet: true });
  if (result.status !== 0) {
    process.stderr.write(result.stdout + result.stderr);
    fail('the native addon did not compile; the compiler says why above.');
  }
  console.log('native addon: build/Release/retinanet_ops.node');
}

function buildEmulated() {
  if (process.platform !== 'linux') {
    console.log('emulated CUDA plugin: SKIPPED, it is built on Linux only');
    return;
  }
  const args = [
    '--build',
    join(root, 'build'),
    '--config',
    'Release',
    '--parallel',
    '2',
    '--target',
    'retinanet_emulator',
  ];
  const { status, stdout, stderr, error } = spawnSync('cmake', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) fail(`could not run cmake: ${error.message}`);
  if (status !== 0) {
    process.stderr.write(stdout + stderr);
    fail('the emulated CUDA plugin did not compile; the compiler says why above.');
  }
  console.log('emulated CUDA plugin: build/Release/retinanet_ops_cuda_emulated.so');
}

function buildTypeScript(...projects) {
  const tsc = require.resolve('typescript/bin/tsc');
  for (const [project, out] of projects) {
    // A deleted source must not live on as a stale output (a stale test would still run).
    rmSync(join(root, out), { recursive: true, force: true });
    const result = run(tsc, ['-p', project]);
    if (result.status !== 0) process.exit(result.status ?? 1);
  }
  console.log(`TypeScript: ${projects.map(([, out]) => out).join(', ')}`);
}

const what = process.argv[2] ?? 'all';
if (what === 'all' || what === 'native') buildNative();
const users = ['tsconfig.json', 'dist'];
if (what === 'all' || what === 'ts') buildTypeScript(users, ['tsconfig.dev.json', 'dist-dev']);
if (what === 'dist') buildTypeScript(users);
if (what === 'emulated') buildEmulated();
