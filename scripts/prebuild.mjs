// `npm run prebuild [-- PLATFORM-ARCH ...]`: the binaries that users install, into prebuilds/. Without arguments for this
// machine (linux-x64-musl on Alpine); linux-arm64 and win32-x64 are cross-compiled on Linux. Each is stripped, and on Linux inspected
// (scripts/inspect-prebuild.mjs).
// `--outdated` compiles only where the sources are newer than the binary.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOutdated } from './freshness.mjs';
import { inspect } from './inspect-prebuild.mjs';
import { HOST, missingTools, prebuildOf, runs } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');

// How to compile for another machine than this one.
const CROSS = {
  'linux-arm64': {
    cmake: [
      '--CDCMAKE_SYSTEM_NAME=Linux',
      '--CDCMAKE_SYSTEM_PROCESSOR=aarch64',
      '--CDCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++',
    ],
    strip: 'aarch64-linux-gnu-strip',
    hint: 'on Debian or Ubuntu: apt-get install g++-aarch64-linux-gnu',
  },
  // The C++ library's threads need the POSIX ones of mingw-w64.
  'win32-x64': {
    cmake: [
      '--CDCMAKE_SYSTEM_NAME=Windows',
      '--CDCMAKE_SYSTEM_PROCESSOR=AMD64',
      '--CDCMAKE_CXX_COMPILER=x86_64-w64-mingw32-g++-posix',
    ],
    strip: 'x86_64-w64-mingw32-strip',
    hint: 'on Debian or Ubuntu: apt-get install g++-mingw-w64-x86-64-posix',
  },
};

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function prebuild(target) {
  const { platform, arch, libc, folder: place, file } = prebuildOf(target);
  const cross = target === HOST ? undefined : CROSS[target];
  if (target !== HOST && (!cross || process.platform !== 'linux'))
    fail(`no way is known to build ${target} on ${HOST}. Known: ${[HOST, ...Object.keys(CROSS)].join(', ')}.`);
  if (cross && !runs(cross.strip, '--version')) fail(`building ${target} needs its compiler (${cross.hint}).`);
  const missing = missingTools();
  if (missing && !cross) fail(missing);

  // prebuildify builds in a folder of its own, so that build/Release stays; and takes the binary out of it.
  const folder = join(root, 'build', `prebuild-${target}`);
  const shim = join(root, 'scripts', 'cmake-js-for-prebuildify.mjs');
  mkdirSync(folder, { recursive: true });
  rmSync(join(root, 'prebuilds', place, file), { force: true });
  const { status, error } = spawnSync(
    process.execPath,
    [
      prebuildify,
      '--napi', // one binary for every Node with this Node-API version, which CMakeLists.txt pins
      '--target',
      'node@20.19.0',
      '--platform',
      platform,
      '--arch',
      arch,
      '--tag-libc', // a glibc binary must not be taken for one that runs on musl
      libc,
      '--name',
      'retinanet_ops',
      '--strip',
      '--strip-bin',
      cross?.strip ?? 'strip',
      '--cwd',
      folder,
      '--out',
      root,
      '--node-gyp',
      process.platform === 'win32' ? `node "${shim}"` : shim,
    ],
    { stdio: 'inherit', env: { ...process.env, RETINANET_OPS_CMAKE: JSON.stringify(cross?.cmake ?? []) } },
  );
  if (error) throw error;
  if (status !== 0) fail(`the prebuild for ${target} failed; why stands above.`);
}

// The plugin takes minutes to compile, so it is taken as `npm run build:cuda` left it.
function addCudaPlugin(target) {
  if (target !== 'linux-x64') return;
  const plugin = join(root, 'build', 'Release', 'retinanet_ops_cuda.so');
  const copy = join(root, 'prebuilds', target, 'retinanet_ops_cuda.so');
  rmSync(copy, { force: true });
  if (!existsSync(plugin)) {
    console.log('prebuilds/linux-x64: WITHOUT the CUDA plugin, which is not in build/Release');
    return;
  }
  copyFileSync(plugin, copy);
  if (spawnSync('strip', ['--strip-all', copy]).status !== 0) fail(`strip failed on ${copy}.`);
}

const named = process.argv.slice(2).filter((argument) => argument !== '--outdated');
for (const target of named.length > 0 ? named : [HOST]) {
  if (!process.argv.includes('--outdated') || isOutdated(target)) prebuild(target);
  addCudaPlugin(target);
  const { lines, faults } = inspect(join(root, 'prebuilds', prebuildOf(target).folder));
  for (const line of lines) console.log(line);
  if (faults.length > 0) fail(`what was built for ${target} does not keep its promises:\n${faults.join('\n')}`);
}
