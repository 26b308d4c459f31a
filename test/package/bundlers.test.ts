// What bundlers, file tracers and checkers of packages make of the package, as a user installs it: docs/bundlers.md.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { nodeFileTrace } from '@vercel/nft';
import test, { type ExecutionContext } from 'ava';
import { build, type Format } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import webpack, { type Configuration } from 'webpack';
import { bareEnvironment, install, pack, PLATFORM, project } from '../support/consumer.js';
import { TRAIN, USE, USED } from '../support/programs.js';

const ADDON = 'retinanet_ops.glibc.node';
// Where the CUDA plugin is looked for: beside the addon.
const MAIN = `${USE}console.error(ops.backendInfo().cuda.detail);\n`;

let folder: string;
let tarball: string;
let app: string;
let prebuilds: string;
const serial = process.platform === 'win32' ? test.serial.skip : test.serial;

test.before(() => {
  if (process.platform === 'win32') return;
  ({ tarball, folder } = pack());
  app = project(folder, 'app');
  install(app, bareEnvironment(folder), tarball);
  prebuilds = join(app, 'node_modules/retinanet-ops/prebuilds');
  // Where the plugin is built and found, it says nothing of its place.
  rmSync(join(prebuilds, PLATFORM, 'retinanet_ops_cuda.so'), { force: true });
  writeFileSync(join(app, 'main.mjs'), MAIN);
});

test.after.always(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

function run(file: string, env: NodeJS.ProcessEnv = {}): { stdout: string; stderr: string } {
  const { RETINANET_OPS_ADDON: _, RETINANET_OPS_CUDA_LIBRARY: __, ...rest } = process.env;
  return spawnSync(process.execPath, [file], { encoding: 'utf8', env: { ...rest, ...env } });
}

/** A bundle that has the package's code and not its files, in a folder of its own: what it lacks it says, what it gets it takes. */
function lonely(t: ExecutionContext, file: string): void {
  const place = dirname(file);
  const { stderr } = run(file);
  t.regex(
    stderr,
    /could not load the native addon\.\nPlatform: .*\nTried:\n(.*\n)*.*retinanet_ops\.node: absent\n.*: absent/,
  );
  t.regex(stderr, /mark 'retinanet-ops' external, .* or copy the package's folder 'prebuilds' beside the bundle/);

  t.is(run(file, { RETINANET_OPS_ADDON: join(prebuilds, PLATFORM, ADDON) }).stdout, USED);
  for (const [from, to] of [
    ['', 'prebuilds'],
    [join(PLATFORM, ADDON), 'retinanet_ops.node'],
    [join(PLATFORM, ADDON), ADDON],
  ] as const) {
    const copy = join(place, to);
    cpSync(join(prebuilds, from), copy, { recursive: true });
    const { stdout, stderr } = run(file);
    t.is(stdout, USED, `${to}: ${stderr}`);
    t.regex(stderr, new RegExp(`${place}\\S*retinanet_ops_cuda`));
    rmSync(copy, { recursive: true });
  }
  // Another package's addon in the same places is not ours.
  mkdirSync(join(place, 'build/Release'), { recursive: true });
  writeFileSync(join(place, 'build/Release/another.node'), '');
  cpSync(join(prebuilds, PLATFORM, ADDON), join(place, ADDON));
  t.is(run(file).stdout, USED);
}

async function esbuild(outfile: string, format: Format, external: string[] = []): Promise<string> {
  const options = { bundle: true, platform: 'node', logLevel: 'silent' } as const;
  const { warnings } = await build({ ...options, entryPoints: [join(app, 'main.mjs')], outfile, format, external });
  if (warnings.length > 0) throw new Error(warnings[0]!.text);
  return outfile;
}

for (const [format, name] of [
  ['esm', 'bundle.mjs'],
  ['cjs', 'bundle.cjs'],
] as const) {
  serial(`esbuild, ${format}: external`, async (t) => {
    const { stdout, stderr } = run(await esbuild(join(app, 'external', name), format, ['retinanet-ops']));
    t.is(stdout, USED, stderr);
  });
  serial(`esbuild, ${format}: in the bundle, inside of the project`, async (t) => {
    const { stdout, stderr } = run(await esbuild(join(app, 'inside', name), format));
    t.is(stdout, USED, stderr);
  });
  serial(`esbuild, ${format}: in the bundle, which travels alone`, async (t) => {
    lonely(t, await esbuild(join(folder, `esbuild-${format}`, name), format));
  });
}

function pack5(path: string, esm: boolean, further: Configuration = {}): Promise<string> {
  const filename = esm ? 'bundle.mjs' : 'bundle.cjs';
  const configuration: Configuration = {
    mode: 'production',
    target: 'node20',
    entry: join(app, 'main.mjs'),
    optimization: { minimize: false },
    output: { path, filename, module: esm },
    experiments: { outputModule: esm },
    ...further,
  };
  return new Promise((done, reject) => {
    webpack(configuration, (error, stats) => {
      const { errors = [], warnings = [] } = stats?.toJson() ?? {};
      const complaint = error?.message ?? [...errors, ...warnings][0]?.message;
      if (complaint === undefined) done(join(path, filename));
      else reject(new Error(complaint));
    });
  });
}

for (const esm of [true, false]) {
  const kind = esm ? 'esm' : 'cjs';
  serial(`webpack, ${kind}: external`, async (t) => {
    const type = esm ? 'module' : 'commonjs';
    const externals = { 'retinanet-ops': `${type} retinanet-ops` };
    const { stdout, stderr } = run(await pack5(join(app, 'webpack-external'), esm, { externals }));
    t.is(stdout, USED, stderr);
  });
  serial(`webpack, ${kind}: in the bundle`, async (t) => {
    const file = await pack5(join(folder, `webpack-${kind}`), esm);
    const { stdout, stderr } = run(file);
    t.is(stdout, USED, stderr);
    // Elsewhere the folder from which it was bundled is not there.
    const away = join(folder, 'away');
    renameSync(app, away);
    prebuilds = join(away, 'node_modules/retinanet-ops/prebuilds');
    try {
      lonely(t, file);
    } finally {
      renameSync(away, app);
      prebuilds = join(app, 'node_modules/retinanet-ops/prebuilds');
    }
  });
}

serial('@vercel/nft finds the addon and the file of the threads, and what it lists runs elsewhere', async (t) => {
  const training = join(app, 'training.mjs');
  writeFileSync(training, "export * from 'retinanet-ops/retinanet';\n");
  const { fileList } = await nodeFileTrace([join(app, 'main.mjs'), training], { base: app });
  const ours = 'node_modules/retinanet-ops';
  t.true(fileList.has(`${ours}/prebuilds/${PLATFORM}/${ADDON}`), [...fileList].join('\n'));
  t.true(fileList.has(`${ours}/dist/retinanet/training/train-worker.js`));
  t.true(fileList.has(`${ours}/dist/retinanet/training/replica.js`), 'what the threads import');
  const there = join(folder, 'traced');
  for (const file of fileList) cpSync(join(app, file), join(there, file));
  const { stdout, stderr } = run(join(there, 'main.mjs'));
  t.is(stdout, USED, stderr);
});

serial('training in a bundle says what to mark external', async (t) => {
  const wasm = JSON.stringify(join(resolve('node_modules/@tensorflow/tfjs-backend-wasm/dist'), '/'));
  const ownBackend = `import { setBackend } from '@tensorflow/tfjs-core';
    import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
    setWasmPaths(${wasm}); await setBackend('wasm');`;
  const programs = {
    "useWasmBackend: expected tfjs's backend of the package @tensorflow/tfjs-backend-wasm": TRAIN,
    'trainRetinaNet: found no file for its worker threads': TRAIN.replace('await useWasmBackend();', ownBackend),
  };
  for (const [complaint, contents] of Object.entries(programs)) {
    const outfile = join(folder, 'training', 'bundle.mjs');
    const options = { bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' } as const;
    const nodePaths = [resolve('node_modules')];
    await build({ ...options, stdin: { contents, resolveDir: app }, outfile, nodePaths, banner: { js: COMMON_JS } });
    const { stderr } = run(outfile);
    t.regex(stderr, new RegExp(`${complaint}.* mark 'retinanet-ops' external, see docs/bundlers.md`, 'i'));
  }
});

serial('publint and arethetypeswrong find nothing', async (t) => {
  const data = readFileSync(tarball);
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
  t.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
  if (!result.types) return t.fail('the package has no types');
  // Node 10's resolution knows no "exports"; an ES module is what require() meets, and Node.js 20.19 and newer load it.
  const problems = result.problems.filter(
    (problem) => !('resolutionKind' in problem) || problem.resolutionKind !== 'node10',
  );
  t.deepEqual(
    problems.filter(({ kind }) => kind !== 'CJSResolvesToESM'),
    [],
  );
});

// TensorFlow.js is CommonJS in part, which finds neither of these in esbuild's ES modules.
const COMMON_JS = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url), __dirname = import.meta.dirname;`;
