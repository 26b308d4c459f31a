// Windows' Node.js under Wine. Wine's Windows has nothing to show on, and a pipe of this system is no standard output for Node.js
// there (EBADF): what is printed goes to files.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './test-folders.mjs';
import { runs } from './toolchain.mjs';

/** mingw-w64's with POSIX threads. */
export const WINDOWS_COMPILER = 'x86_64-w64-mingw32-g++-posix';

/**
 * The node.exe itself where Wine starts it, else a copy that it starts, or why there is none. From Node.js 24 on V8 reserves memory
 * by VirtualAlloc2 with MEM_RESERVE_PLACEHOLDER, which Wine 8 refuses; where Windows has no such function V8 does without, and so
 * the copy asks for one that never was.
 */
export function startableUnderWine(node) {
  if (!runs('wine', '--version'))
    return { why: 'Wine is not installed (on Debian or Ubuntu: apt-get install wine wine64).' };
  const { status, stderr } = wine(node, ['-e', '0']);
  if (status === 0) return { node };
  if (/subspace allocation/.test(stderr)) {
    const copy = join(dirname(node), 'node-without-placeholders.exe');
    const bytes = readFileSync(node);
    bytes.write('VirtualAlloc0\0', bytes.indexOf('VirtualAlloc2\0'));
    writeFileSync(copy, bytes);
    if (wine(copy, ['-e', '0']).status === 0) return { node: copy };
  }
  const reason = stderr.split('\n').find((line) => /Fatal|Error/.test(line)) ?? `it ends with ${status}`;
  const { stdout } = spawnSync('wine', ['--version'], { encoding: 'utf8' });
  return { why: `${stdout.trim()} cannot start this Node.js: ${reason.replace(/^[#\s]+/, '')}` };
}

/** Runs node.exe, and gives its exit status and what it printed. Its Windows is made in build/wine. */
export function wine(node, args, { cwd = root, env = {} } = {}) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-wine-'));
  const files = ['out', 'err'].map((name) => join(folder, name));
  const [out, err] = files.map((file) => openSync(file, 'w'));
  const { status, error } = spawnSync('wine', [node, ...args], {
    cwd,
    stdio: ['ignore', out, err],
    timeout: 1_800_000,
    env: {
      ...process.env,
      WINEPREFIX: join(root, 'build', 'wine'),
      WINEDEBUG: '-all',
      DISPLAY: '',
      LC_ALL: 'C.UTF-8', // by which it reads names of files
      NODE_SKIP_PLATFORM_CHECK: '1', // Wine says that it is an older Windows than Node.js wants
      ...env,
    },
  });
  for (const file of [out, err]) closeSync(file);
  const [stdout, stderr] = files.map((file) => readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  return { status, stdout, stderr: `${stderr}${error?.message ?? ''}` };
}
