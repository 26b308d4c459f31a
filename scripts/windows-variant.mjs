// The variant of Windows: the cross-compiled addon in Windows' Node.js under Wine. AVA runs there as well, its files in worker threads;
// every result whose bits are promised is compared with this system's; the packed package is installed and used.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, testsOf } from './test-folders.mjs';
import { useCommands } from './windows-commands.mjs';
import { holdFiles } from './windows-held.mjs';
import { wine, WINDOWS_COMPILER } from './wine.mjs';

/** What comes by way of the system's exp, log and atan, which round in their own ways: near, and not the same. */
const OF_THE_SYSTEM =
  /^(encodeBoxes|decodeBoxes|completeBoxIouLoss(ValueAndGrad\.loss)?|decodeDetections\.boxes|retinanetLoss\.(loss|boxLoss)|assignAnchors(Batch)?\.boxTargets)$/;

/** Where the package is installed as users do it. */
const APP = join(root, 'build', 'windows app');
const COMMAND = join('node_modules', 'retinanet-ops', 'dist', 'cli', 'main.js');
const INSTALL = ['--os=win32', '--cpu=x64', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];

function mustUnderWine(what, node, args, options) {
  for (let tries = 1; ; tries++) {
    const result = wine(node, args, options);
    if (result.status === 0) return result.stdout;
    // Node.js 24 wakes its loop as it closes it, now and then, on every Windows: https://github.com/nodejs/node/issues/56645.
    const isOurs = !/UV_HANDLE_CLOSING/.test(result.stderr);
    if (isOurs || tries === 3) {
      process.stderr.write(`${result.stdout}${result.stderr}\n`);
      throw new Error(`${what} failed on Windows.`);
    }
    console.log(`${what}: Node.js fell at its end (nodejs/node#56645), once more`);
  }
}

function mustHere(what, command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (!error && status === 0) return stdout;
  throw new Error(`${what} failed: ${error?.message ?? stderr}`);
}

function compareBits(node, env) {
  const script = join('dist-dev', 'test', 'support', 'result-bits.js');
  const here = { ...process.env, RETINANET_OPS_TEST_EVERY: env.RETINANET_OPS_TEST_EVERY };
  const options = { env: here, maxBuffer: 1 << 30 };
  const results = (...names) => [
    JSON.parse(mustHere('results', process.execPath, [script, ...names], options)),
    JSON.parse(mustUnderWine('results', node, [script, ...names], { env })),
  ];
  const [ours, theirs] = results();
  const all = Object.keys(ours);
  const names = all.filter((name) => !OF_THE_SYSTEM.test(name));
  const other = names.filter((name) => ours[name] !== theirs[name]);
  if (names.length === 0 || other.length > 0) throw new Error(`Windows has other bits than Linux: ${other.join(', ')}`);
  console.log(`the same bits as on Linux: ${names.length} results of ${all.length}`);
  const rounded = all.filter((name) => !names.includes(name));
  const [values, others] = results(...rounded);
  for (const name of rounded) {
    const most = farthest(values[name], others[name], CORNERS.test(name) ? 4 : 1);
    if (!(most <= 1e-6)) throw new Error(`${name} is ${most} from Linux's on Windows, relative to its size or 1`);
    console.log(`  ${name}: at most ${most.toPrecision(1)} from Linux's`);
  }
}

/** Boxes whose corners are a centre and half of a rounded side: they are as exact as the largest of their numbers. */
const CORNERS = /^decodeBoxes$|\.boxes$/;

/** The largest difference of two lists of numbers, relative to the largest number of its row where that is over 1. */
function farthest(numbers, others, row) {
  if (numbers.length !== others.length) return NaN;
  return numbers.reduce((most, x, i) => {
    const first = i - (i % row);
    const size = Math.max(
      1,
      ...numbers
        .slice(first, first + row)
        .filter(Number.isFinite)
        .map(Math.abs),
    );
    const difference = Object.is(x, others[i]) ? 0 : Math.abs(x - others[i]) / size;
    return difference > most || Number.isNaN(difference) ? difference : most;
  }, 0);
}

/** `npm install` of the tarball with the packages of Windows, once for all Node.js. Gives the tarball's name. */
function install() {
  if (installed !== undefined) return installed;
  rmSync(APP, { recursive: true, force: true });
  mkdirSync(APP, { recursive: true });
  const packed = mustHere('packing', 'npm', ['pack', '--json', '--pack-destination', APP], {
    env: packEnvironment(),
  });
  const [{ filename }] = JSON.parse(packed);
  writeFileSync(join(APP, 'package.json'), '{ "private": true, "type": "module" }');
  mustHere('npm install of the tarball', 'npm', ['install', ...INSTALL, `./${filename}`], { cwd: APP });
  installed = filename;
  return filename;
}
let installed;

/** `info`, and the README's first example, of what is installed. */
function usePackage(node) {
  const folder = APP;
  const filename = install();
  const info = mustUnderWine('info', node, [COMMAND, 'info'], { cwd: folder, env: { RETINANET_OPS_ADDON: '' } });
  if (!/prebuilds\\win32-x64\\retinanet_ops\S*: loaded/.test(info)) throw new Error(`what was installed:\n${info}`);
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  writeFileSync(join(folder, 'example.js'), example);
  const printed = mustUnderWine("the README's example", node, ['example.js'], {
    cwd: folder,
    env: { RETINANET_OPS_ADDON: '' },
  });
  const expected = mustHere("the README's example", process.execPath, ['example.js'], { cwd: folder });
  if (printed !== expected) throw new Error(`the README's example prints ${printed} on Windows, ${expected} here`);
  console.log(`installed from ${filename}: info and the README's first example print what they should`);
}

/** The CUDA plugin is looked for by its path, whatever letters that has: one that is none says in which file it was found. */
function findPlugin(node, addon) {
  const folder = join(root, 'build', 'windows app', 'Übung 日本');
  mkdirSync(folder, { recursive: true });
  const source = join(folder, 'stub.cc');
  writeFileSync(
    source,
    'extern "C" __declspec(dllexport) const void* retinanet_ops_cuda_plugin(unsigned) { return nullptr; }\n',
  );
  for (const name of ['retinanet_ops_cuda.dll', 'plügin.dll'])
    mustHere('compiling a plugin', WINDOWS_COMPILER, ['-shared', '-static', '-o', join(folder, name), source]);
  cpSync(join(root, addon), join(folder, 'añadido.node'));
  for (const [name, variable] of [
    ['retinanet_ops_cuda.dll', ''],
    ['plügin.dll', join(folder, 'plügin.dll')],
  ]) {
    const code = `process.env.RETINANET_OPS_CUDA_LIBRARY = ${JSON.stringify(variable)};
      console.log(require(${JSON.stringify(join(folder, 'añadido.node'))}).cudaInfo().detail)`;
    const detail = mustUnderWine('looking for the CUDA plugin', node, ['-e', code]);
    if (!detail.includes(`${name} was built for another version`))
      throw new Error(`the CUDA plugin ${name}: ${detail}`);
  }
  console.log('the CUDA plugin is found in folders with letters of any language');
}

/** The CUDA plugin's sources, with the emulator's headers in the place of CUDA's: what of them is Windows' to compile. */
function compilePlugin() {
  const folder = join('native', 'cuda');
  const sources = readdirSync(join(root, folder)).filter((name) => name.endsWith('.cu'));
  // After the system's: mingw-w64 has a process.h as well.
  const options = [
    '-std=c++17',
    '-fsyntax-only',
    '-Wall',
    '-Werror',
    '-x',
    'c++',
    '-idirafter',
    join('test', 'emulator'),
  ];
  mustHere('compiling the CUDA plugin', WINDOWS_COMPILER, [...options, ...sources.map((name) => join(folder, name))]);
  console.log(`the CUDA plugin's ${sources.length} sources compile for Windows, without CUDA's headers`);
}

/** Node-API's functions are the process's, whatever its file is called, as in Electron. */
function renameHost(node) {
  const host = join(APP, 'another host.exe');
  rmSync(host, { force: true });
  linkSync(node, host);
  const info = mustUnderWine('info', host, [COMMAND, 'info'], { cwd: APP, env: { RETINANET_OPS_ADDON: '' } });
  if (!/: loaded/.test(info)) throw new Error(`in a process of another name:\n${info}`);
  console.log('the addon loads in a process of another name');
}

/** As when packing by hand: npm's own variables of this run would name another command. */
function packEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

/** Throws where anything is wrong. `least`: the operations and the package, without what needs no second Node.js. */
export async function testOnWindows({ node, addon, every, least }) {
  if (!existsSync(addon)) throw new Error(`${addon} is absent.`);
  const env = { RETINANET_OPS_ADDON: addon, RETINANET_OPS_TEST_EVERY: every, FORCE_COLOR: '0' };
  process.stdout.write(mustUnderWine('info', node, [join('dist', 'cli', 'main.js'), 'info'], { env }));
  const files = [...testsOf('variants'), join('dist-dev', 'test', 'runtime', 'worker-threads.test.js')];
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
  process.stdout.write(mustUnderWine('a test', node, [ava, ...files, '--worker-threads'], { env }));
  compareBits(node, env);
  usePackage(node);
  renameHost(node);
  if (least) return;
  compilePlugin();
  findPlugin(node, addon);
  holdFiles((script, cwd) => mustUnderWine('a save', node, [script], { cwd }));
  // Newer ones ask for a library that Wine 8 lacks.
  mustHere('npm install of sharp', 'npm', ['install', ...INSTALL, 'sharp@0.33.5'], { cwd: APP });
  await useCommands((...args) =>
    mustUnderWine(`retinanet-ops ${args[0]}`, node, [COMMAND, ...args], { cwd: APP, env: { RETINANET_OPS_ADDON: '' } }),
  );
}
