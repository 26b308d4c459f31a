// Builds the native addon (build/Release) and the TypeScript (dist for users, dist-dev for tests, bench and demo).
// Usage: node scripts/build.mjs [native|ts]. Plain JavaScript: it must run before anything is compiled.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function runs(command, ...args) {
  const probe = spawnSync(command, args, { stdio: 'ignore', shell: process.platform === 'win32' });
  return probe.error === undefined && probe.status === 0;
}

function requireToolchain() {
  const missing = [];
  if (!runs('cmake', '--version')) missing.push('CMake (3.18 or newer)');
  // On Windows CMake finds Visual Studio by itself and says so clearly when there is none.
  const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['c++', 'g++', 'clang++'];
  if (process.platform !== 'win32' && !compilers.some((c) => runs(c, '--version'))) missing.push('a C++17 compiler');
  if (process.platform !== 'win32' && !runs('make', '--version') && !runs('ninja', '--version'))
    missing.push('make or ninja');
  if (missing.length === 0) return;
  const hint = {
    linux: 'on Debian or Ubuntu: apt-get install g++ cmake make',
    darwin: 'xcode-select --install && brew install cmake',
    win32: 'install Visual Studio Build Tools with the C++ workload',
  }[process.platform];
  fail(`building the native addon needs ${missing.join(' and ')}${hint ? ` (${hint})` : ''}.`);
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
  requireToolchain();
  const cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  const result = run(cmakeJs, ['compile', '--parallel', '2'], { quiet: true });
  if (result.status !== 0) {
    process.stderr.write(result.stdout + result.stderr);
    fail('the native addon did not compile; the compiler says why above.');
  }
  console.log('native addon: build/Release/retinanet_ops.node');
}

function buildTypeScript() {
  const tsc = require.resolve('typescript/bin/tsc');
  for (const [project, out] of [
    ['tsconfig.json', 'dist'],
    ['tsconfig.dev.json', 'dist-dev'],
  ]) {
    // A deleted source must not live on as a stale output (a stale test would still run).
    rmSync(join(root, out), { recursive: true, force: true });
    const result = run(tsc, ['-p', project]);
    if (result.status !== 0) process.exit(result.status ?? 1);
  }
  console.log('TypeScript: dist, dist-dev');
}

const what = process.argv[2] ?? 'all';
if (what === 'all' || what === 'native') buildNative();
if (what === 'all' || what === 'ts') buildTypeScript();
