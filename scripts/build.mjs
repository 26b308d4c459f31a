// Builds what is outdated: the native addon (build/Release), the TypeScript (dist for users, dist-dev for tests, bench and demo).
// Usage: node scripts/build.mjs [native|ts|dist|emulated] ... Plain JavaScript: it must run before anything is compiled. `emulated`,
// which only tests need, is the CUDA plugin compiled for the host (test/emulator), once more with AddressSanitizer and once more to
// find races.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputsOf } from './freshness.mjs';
import { JOBS, missingTools } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

/** Runs a command; what it prints is shown where it fails. */
function compile(what, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error) fail(`could not run ${command}: ${error.message}`);
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  fail(`${what} did not compile; the compiler says why above.`);
}

function native() {
  const missing = missingTools();
  if (missing) fail(missing);
  // cmake-js builds, too, but answers an error of the compiler by removing the whole folder and starting anew.
  const cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  if (!existsSync(join(root, 'build', 'CMakeCache.txt')))
    compile('the native addon', process.execPath, [cmakeJs, 'configure']);
  compile('the native addon', 'cmake', ['--build', 'build', '--config', 'Release', '--parallel', JOBS]);
  console.log('native addon: build/Release/retinanet_ops.node');
}

function emulated() {
  if (process.platform !== 'linux') {
    console.log('emulated CUDA plugin: SKIPPED, it is built on Linux only');
    return;
  }
  const args = ['--build', 'build', '--config', 'Release', '--parallel', JOBS, '--target', 'retinanet_emulator'];
  compile('the emulated CUDA plugin', 'cmake', args);
  console.log('emulated CUDA plugin: build/Release/retinanet_ops_cuda_emulated.so');
}

/** Compiles what has changed since the last time (tsc --build). */
function typeScript(project, ...folders) {
  const outputs = folders.map(outputsOf);
  // A deleted source must not live on as an output: a stale test would still run. And the compiler does not miss one that is gone.
  for (const file of outputs.flatMap(({ stale }) => stale)) rmSync(file);
  const args = ['--build', project, ...(outputs.some(({ missing }) => missing.length > 0) ? ['--force'] : [])];
  const { status } = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  console.log(`TypeScript: ${folders.join(', ')}`);
}

const dist = () => typeScript('tsconfig.json', 'dist');
const ts = () => typeScript('tsconfig.dev.json', 'dist', 'dist-dev');
const targets = { native, ts, dist, emulated };
const wanted = process.argv.slice(2);
for (const name of wanted)
  if (!Object.hasOwn(targets, name)) fail(`there is nothing to build by the name of '${name}'.`);
for (const name of wanted.length > 0 ? wanted : ['native', 'ts']) targets[name]();
