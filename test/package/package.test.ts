// The package as a user gets it: packed, installed without install scripts where nothing can compile, and used.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import test from 'ava';
import {
  bareEnvironment,
  install,
  nodeBinary,
  pack,
  PLATFORM,
  project,
  run,
  type Packed,
  type Run,
} from '../support/consumer.js';
import { packageFiles } from '../support/package-files.js';
import { CALL, USE, USED } from '../support/programs.js';
import { readmeExamples, readmeInstalls } from '../support/readme.js';
import { writeTypedProgram } from '../support/typed-program.js';

let folder: string;
let tarball: string;
let packed: Packed;
let user: string;
let reader: string;
let env: NodeJS.ProcessEnv;

const serial = process.platform === 'win32' ? test.serial.skip : test.serial;

test.before(() => {
  if (process.platform === 'win32') return;
  ({ tarball, packed, folder } = pack());
  env = bareEnvironment(folder);
  user = project(folder, 'user');
  install(user, env, tarball);
});

test.after.always(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const node = (args: string[], cwd = user, environment = env): Run => run(cwd, 'node', args, environment);

interface Bill {
  components: { type: string; name: string; hashes: { content: string }[] }[];
}

serial('the package holds exactly what is needed', (t) => {
  const got = packed.files.map(({ path }) => path);
  const binaries = got.filter((path) => path.startsWith('prebuilds/'));
  t.deepEqual(got.filter((path) => !path.startsWith('prebuilds/')).sort(), packageFiles().sort());
  t.true(binaries.includes(`prebuilds/${PLATFORM}/retinanet_ops.glibc.node`), binaries.join(' '));
  for (const file of binaries) t.regex(file, /^prebuilds\/\w+-\w+\/retinanet_ops(\.(glibc|musl)\.node|_cuda\.so)$/);
  t.true(packed.unpackedSize < 15e6, `${packed.unpackedSize} bytes`);
});

serial('the bill of materials lists what is installed and what is linked in, and the licences are told', (t) => {
  const installed = join(user, 'node_modules/retinanet-ops');
  const bill = JSON.parse(readFileSync(join(installed, 'sbom.cdx.json'), 'utf8')) as Bill;
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object };
  const libraries = bill.components.filter(({ type }) => type === 'library');
  const names = new Set(libraries.map(({ name }) => name));
  for (const name of Object.keys(dependencies)) t.true(names.has(name), name);
  if (process.platform === 'linux') for (const name of ['libstdc++', 'libgcc']) t.true(names.has(name), name);

  const binaries = packed.files.filter(({ path }) => path.startsWith('prebuilds/'));
  const listed = bill.components.filter(({ type }) => type === 'file');
  t.deepEqual(
    Object.fromEntries(listed.map(({ name, hashes }) => [name, hashes[0]?.content])),
    Object.fromEntries(
      binaries.map(({ path }) => {
        const digest = createHash('sha256').update(readFileSync(join(installed, path)));
        return [path, digest.digest('hex')];
      }),
    ),
  );
  const told = readFileSync('THIRD_PARTY_LICENSES.md', 'utf8');
  for (const { name } of libraries) t.true(told.includes(name), name);

  const before = readFileSync('sbom.cdx.json');
  t.is(run('.', process.execPath, ['scripts/sbom.mjs']).status, 0);
  t.true(readFileSync('sbom.cdx.json').equals(before), 'a second bill differs');
});

serial('nothing on the PATH of the user compiles', (t) => {
  for (const tool of ['cc', 'c++', 'g++', 'clang++', 'cmake', 'make', 'ninja'])
    t.truthy(spawnSync(tool, { env }).error);
});

serial('import', (t) => {
  const { stdout, stderr } = node(['--input-type=module', '-e', USE]);
  t.is(stdout, USED, stderr);
});

serial('require', (t) => {
  const { stdout, stderr } = node(['--no-warnings', '-e', `const ops = require('retinanet-ops');${CALL}`]);
  t.is(stdout, USED, stderr);
});

serial('in a worker', (t) => {
  const script = `const { Worker } = require('node:worker_threads');
    new Worker(${JSON.stringify(`import('retinanet-ops').then((ops) => {${CALL}});`)}, { eval: true });`;
  const { stdout, stderr } = node(['--no-warnings', '-e', script]);
  t.is(stdout, USED, stderr);
});

serial('the command line', (t) => {
  const npx = (...args: string[]) => run(user, 'npx', ['--no-install', 'retinanet-ops', ...args], env);
  const info = npx('info');
  t.is(info.status, 0, info.stderr);
  t.regex(info.stdout, /^retinanet-ops \d+\.\d+\.\d+\nPlatform: \S+, .*Node\.js \d+/);
  t.regex(info.stdout, /prebuilds\S+: loaded\ncpu: \w+, \d+ threads\ncuda: /);
  const help = npx();
  t.regex(help.stdout, /info.*\n.*build/, help.stderr);
  t.is(npx('inform').status, 1);
});

serial('every supported Node.js loads the one binary', (t) => {
  for (const major of [20, 22, 24, 26]) {
    const binary = nodeBinary(major);
    if (binary === null) {
      t.log(`Node.js ${major} NOT TESTED: npm has no binary of it for ${PLATFORM}, or cannot be reached`);
      continue;
    }
    const script = `import { boxIou } from 'retinanet-ops/promises';${USE}
      const boxes = Float32Array.of(0, 0, 2, 2); console.log(process.version, await boxIou(boxes, boxes));`;
    const { status, stdout, stderr } = run(user, binary, ['--input-type=module', '-e', script], env);
    t.is(status, 0, stderr);
    t.true(stdout.startsWith(`${USED}v${major}.`), stdout);
    t.log(stdout.split('\n')[1]);
  }
});

serial('a user follows the README: two installs into an empty project, then its examples', (t) => {
  reader = project(folder, 'reader');
  const commands = readmeInstalls();
  t.is(commands.length, 2);
  t.deepEqual(commands[0], ['retinanet-ops']);
  for (const names of commands)
    install(reader, env, ...names.map((name) => (name === 'retinanet-ops' ? tarball : name)));
  t.is(readmeExamples().length, 4);
  for (const [i, code] of readmeExamples().entries()) {
    writeFileSync(join(reader, `example-${i}.mjs`), code);
    const { status, stdout, stderr } = node([`example-${i}.mjs`], reader);
    t.is(status, 0, stderr);
    t.regex(stdout, /\d/);
    t.notRegex(stdout, /NaN|undefined/);
  }
});

// After the README's: the types of retinanet-ops/tfjs name those of TensorFlow.js.
serial('types resolve in every module system', (t) => {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    writeTypedProgram(reader, module, resolution);
    const { status, stdout } = node([tsc, '-p', '.'], reader);
    t.is(status, 0, `${resolution}: ${stdout}`);
  }
});

const nothing = () => {
  const own = join(folder, 'no-prebuild');
  if (!existsSync(own)) {
    cpSync(user, own, { recursive: true, verbatimSymlinks: true });
    rmSync(join(own, 'node_modules/retinanet-ops/prebuilds'), { recursive: true });
  }
  return own;
};

serial('without a prebuilt binary the error says what was tried and what helps', (t) => {
  const { status, stderr } = node(
    [
      '--input-type=module',
      '-e',
      `import { nms } from 'retinanet-ops'; nms(new Float32Array(4), new Float32Array(1));`,
    ],
    nothing(),
  );
  t.not(status, 0);
  t.regex(stderr, new RegExp(`could not load the native addon.\nPlatform: ${PLATFORM}, .*Node\\.js`));
  t.regex(stderr, /Tried:\n.*build\S+: absent\n.*prebuilds\S+: absent\n.*: npx retinanet-ops build/);
  t.regex(stderr, /code: 'ERR_NATIVE'/);
  const info = run(nothing(), 'npx', ['--no-install', 'retinanet-ops', 'info'], env);
  t.is(info.status, 1);
  t.regex(info.stdout, /absent\n.*absent\nNo native addon loads here.\n.*npx retinanet-ops build/);
  const build = run(nothing(), 'npx', ['--no-install', 'retinanet-ops', 'build'], env);
  t.is(build.status, 1);
  t.regex(build.stderr, /needs CMake .* and a C\+\+17 compiler and make or ninja/);
});

serial('a binary that does not load is named with its reason', (t) => {
  const own = nothing();
  const place = join(own, 'node_modules/retinanet-ops/prebuilds', PLATFORM);
  cpSync(join(user, 'node_modules/retinanet-ops/prebuilds', PLATFORM), place, { recursive: true });
  writeFileSync(join(place, 'retinanet_ops.glibc.node'), 'not a library');
  const { stdout } = run(own, 'npx', ['--no-install', 'retinanet-ops', 'info'], env);
  t.regex(stdout, /prebuilds\S+: failed, .*retinanet_ops\.glibc\.node/);
  rmSync(join(own, 'node_modules/retinanet-ops/prebuilds'), { recursive: true });
});

serial('with a toolchain the package builds itself, to the same bytes', (t) => {
  const own = nothing();
  const build = run(own, 'npx', ['--no-install', 'retinanet-ops', 'build']);
  t.is(build.status, 0, build.stdout + build.stderr);
  const { stdout, stderr } = node(['--input-type=module', '-e', USE], own);
  t.is(stdout, USED, stderr);
  if (process.platform !== 'linux') return;
  // Another folder, another way to call CMake: what remains after stripping is the prebuilt binary.
  const binary = join(own, 'node_modules/retinanet-ops/build/Release/retinanet_ops.node');
  t.is(run(own, 'strip', ['--strip-all', binary]).status, 0);
  t.true(
    readFileSync(binary).equals(readFileSync(resolve('prebuilds', PLATFORM, 'retinanet_ops.glibc.node'))),
    'the bytes differ',
  );
});
