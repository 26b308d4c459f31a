// `npm run test:variants [-- NAME ...]`: the tests of the operations once more, on what users run and developers do not: the
// prebuilt binary under every Node.js, the one for arm64 under qemu, the one for Windows under Wine, the addon of a second compiler,
// and one that watches memory.
// AVA runs on this Node.js; the processes in which it runs test files are the variant's.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nodeBinary } from './node-binary.mjs';
import { root, testsOf } from './test-folders.mjs';
import { ASAN_OPTIONS, HOST, JOBS, prebuildOf, runs } from './toolchain.mjs';
import { testOnWindows } from './windows-variant.mjs';
import { startableUnderWine, WINDOWS_COMPILER } from './wine.mjs';

/** How much less than `npm test` a variant does (test/operations/driver/calls.ts); where processors are emulated, less still. */
const EVERY = {
  'linux-arm64': '32',
  sanitize: '16',
  'win32-x64-node-20': '16',
  'win32-x64-node-22': '128',
  'win32-x64-node-24': '128',
};

const cmakeJs = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin', 'cmake-js');

/** A variant that cannot run here, and what it lacks. */
class Missing extends Error {}

function must(what, command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (!error && status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\nretinanet-ops: ${what} failed.\n`);
  process.exit(1);
}

/** The prebuilt binary of a platform, made anew where its sources are newer. */
function prebuilt(target) {
  must(`the prebuild for ${target}`, process.execPath, ['scripts/prebuild.mjs', '--outdated', target]);
  const { folder, file } = prebuildOf(target);
  return join('prebuilds', folder, file);
}

/** An addon in a build folder of its own, from another compiler. Warnings are errors there as everywhere. */
function compiled(name, compiler) {
  const env = { ...process.env, CXX: compiler };
  const folder = `build/${name}`;
  const args = [cmakeJs, 'compile', '--out', folder, '--target', 'retinanet_ops', '--parallel', JOBS];
  must(`compiling with ${compiler}`, process.execPath, args, { env, stdio: 'pipe' });
  return join(folder, 'Release', 'retinanet_ops.node');
}

function underNode(major) {
  const node = nodeBinary(major);
  if (!node) throw new Missing(`npm gives no Node.js ${major}.`);
  return { node, addon: prebuilt(HOST) };
}

function arm64() {
  for (const tool of ['qemu-aarch64', 'aarch64-linux-gnu-g++'])
    if (!runs(tool, '--version'))
      throw new Missing(`${tool} is missing (on Debian or Ubuntu: apt-get install g++-aarch64-linux-gnu qemu-user).`);
  const real = nodeBinary(20, 'arm64');
  if (!real) throw new Missing('npm gives no arm64 Node.js.');
  const node = join(dirname(real), 'emulated');
  writeFileSync(node, `#!/bin/sh\nexec qemu-aarch64 -L /usr/aarch64-linux-gnu '${real}' "$@"\n`, { mode: 0o755 });
  return { node, addon: prebuilt('linux-arm64') };
}

/** Clang with LLVM's C++ library: as near as Linux comes to Apple's compiler. */
function clang() {
  mkdirSync(join(root, 'build'), { recursive: true });
  const probe = join(root, 'build', 'probe.cc');
  writeFileSync(probe, '#include <vector>\n');
  if (!runs('clang++', '-stdlib=libc++', '-fsyntax-only', probe))
    throw new Missing(
      'clang++ or libc++ is missing (on Debian or Ubuntu: apt-get install clang libc++-dev libc++abi-dev).',
    );
  return { addon: compiled('clang', 'clang++ -stdlib=libc++') };
}

/** AddressSanitizer and UndefinedBehaviorSanitizer. Their runtime has to be there before Node.js is. */
function sanitize() {
  const hint = 'on Debian: apt-get install clang libclang-rt-14-dev';
  const { stdout } = spawnSync('clang++', ['-print-file-name=libclang_rt.asan-x86_64.so'], { encoding: 'utf8' });
  const runtime = stdout?.trim();
  if (!runtime?.startsWith('/')) throw new Missing(`clang++ or its AddressSanitizer is missing (${hint}).`);
  const addon = compiled('sanitize', 'clang++ -fsanitize=address,undefined -fno-sanitize-recover=all -shared-libasan');
  return { addon, env: { ASAN_OPTIONS }, preload: runtime };
}

function windows(major) {
  if (!runs(WINDOWS_COMPILER, '--version'))
    throw new Missing(
      `${WINDOWS_COMPILER} is missing (on Debian or Ubuntu: apt-get install g++-mingw-w64-x86-64-posix).`,
    );
  const given = nodeBinary(major, 'x64', 'win32');
  if (!given) throw new Missing(`npm gives no Node.js ${major} for Windows.`);
  const { node, why } = startableUnderWine(given);
  if (why) throw new Missing(why);
  if (node !== given) console.log(`\nNode.js ${major} without placeholders of memory, which this Wine has not`);
  return { node, addon: prebuilt('win32-x64'), run: testOnWindows, least: major !== 20 };
}

const VARIANTS = {
  'node-20': () => underNode(20),
  'node-22': () => underNode(22),
  'node-24': () => underNode(24),
  'node-26': () => underNode(26),
  clang,
  sanitize,
  'linux-arm64': arm64,
  'win32-x64-node-20': () => windows(20),
  'win32-x64-node-22': () => windows(22),
  'win32-x64-node-24': () => windows(24),
};
const ONLY_LINUX = /^(clang|sanitize|linux-arm64|win32-x64.*)$/;

async function test(name) {
  if (process.platform !== 'linux' && ONLY_LINUX.test(name)) throw new Missing('it needs Linux.');
  const { node = process.execPath, addon, env = {}, preload = '', run, least } = VARIANTS[name]();
  console.log(`\n${name}: ${addon}`);
  const every = process.env.RETINANET_OPS_TEST_EVERY ?? EVERY[name] ?? '4';
  if (run) return run({ node, addon, every, least });
  const variant = { ...process.env, ...env, RETINANET_OPS_ADDON: addon, RETINANET_OPS_TEST_EVERY: every };
  must(`loading the addon of ${name}`, node, ['dist/cli/main.js', 'info'], {
    env: { ...variant, LD_PRELOAD: preload },
  });
  const setting = `process.execPath=${JSON.stringify(node)};process.env.LD_PRELOAD=${JSON.stringify(preload)}`;
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const args = ['--import', `data:text/javascript,${setting}`, ava, ...testsOf('variants')];
  must(`a test on ${name}`, process.execPath, args, { env: variant });
}

/** A name stands for all that begin with it: win32-x64 for Windows under every Node.js. */
const given = process.argv.slice(2);
const known = Object.keys(VARIANTS);
const covers = (name) => (variant) => variant === name || variant.startsWith(`${name}-`);
for (const name of given) {
  if (known.some(covers(name))) continue;
  console.error(`retinanet-ops: no variant '${name}'. Known: ${known.join(', ')}.`);
  process.exit(2);
}
for (const name of known.filter((variant) => given.length === 0 || given.some((name) => covers(name)(variant)))) {
  try {
    await test(name);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    console.log(`\n${name}: NOT TESTED, ${error.message}`);
  }
}
