// What compiling the addon needs, and which of it this machine lacks.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** How many compilers run side by side, as an argument of CMake. */
export const JOBS = String(availableParallelism());

/** This machine as targets are named: with its C library where that is Alpine's. */
export const HOST = `${process.platform}-${process.arch}${existsSync('/etc/alpine-release') ? '-musl' : ''}`;

/** The folder in prebuilds/ and the file of a target's addon, as prebuildify names them: linux-x64-musl lies beside linux-x64. */
export function prebuildOf(target) {
  const [platform, arch, libc = 'glibc'] = target.split('-');
  return { platform, arch, libc, folder: `${platform}-${arch}`, file: `retinanet_ops.${libc}.node` };
}

/** Whether the command starts and succeeds. */
export function runs(command, ...args) {
  const probe = spawnSync(command, args, { stdio: 'ignore', shell: process.platform === 'win32' });
  return probe.error === undefined && probe.status === 0;
}

/** The tools that are missing, as a sentence with a hint, or null. */
export function missingTools() {
  const missing = [];
  if (!runs('cmake', '--version')) missing.push('CMake (3.18 or newer)');
  // On Windows CMake finds Visual Studio by itself and says so clearly when there is none.
  const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['c++', 'g++', 'clang++'];
  if (process.platform !== 'win32' && !compilers.some((c) => runs(c, '--version'))) missing.push('a C++17 compiler');
  if (process.platform !== 'win32' && !runs('make', '--version') && !runs('ninja', '--version'))
    missing.push('make or ninja');
  if (missing.length === 0) return null;
  const hint = {
    linux: 'on Debian or Ubuntu: apt-get install g++ cmake make',
    darwin: 'xcode-select --install && brew install cmake',
    win32: 'install Visual Studio Build Tools with the C++ workload',
  }[process.platform];
  return `building the native addon needs ${missing.join(' and ')}${hint ? ` (${hint})` : ''}.`;
}

/**
 * AddressSanitizer's options under Node.js, which frees little of its own at the end, and whose V8 gives memory of `new` to `free`
 * (v8::BackingStore).
 */
export const ASAN_OPTIONS = 'detect_leaks=0:alloc_dealloc_mismatch=0';
