// Node.js's permission model, in every Node.js that has it: what is allowed works, what is not says what to allow.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeBinary } from '../support/consumer.js';
import { TRAIN, TRAINED, USE, USED } from '../support/programs.js';

const root = resolve('.');
const file = join(root, 'dist-dev', 'permissions-program.mjs');
const serial = process.platform === 'win32' ? test.serial.skip : test.serial;

/**
 * Runs a program in every Node.js, under the permission model with these permissions. From a file in this package: for a program
 * from standard input Node.js 22 allows the working directory.
 */
function everywhere(
  t: ExecutionContext,
  program: string,
  allowed: string[],
  check: (stdout: string, stderr: string) => void,
  env: NodeJS.ProcessEnv = {},
): void {
  for (const major of [20, 22, 24, 26]) {
    const node = nodeBinary(major);
    if (node === null) {
      t.log(`Node.js ${major} NOT TESTED: npm has no binary of it here, or cannot be reached`);
      continue;
    }
    const model = major === 20 ? '--experimental-permission' : '--permission';
    writeFileSync(file, program);
    const { stdout, stderr } = spawnSync(node, [model, ...allowed, file], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    });
    t.log(`Node.js ${major}: ${stdout.trim()}`);
    check(stdout, stderr);
  }
}

serial('with the folder and addons allowed it works', (t) => {
  everywhere(t, USE, [`--allow-fs-read=${root}`, '--allow-addons'], (stdout, stderr) => {
    t.is(stdout, USED, stderr);
  });
});

serial('without addons the error says what to allow', (t) => {
  everywhere(t, USE, [`--allow-fs-read=${root}`], (_, stderr) => {
    t.regex(
      stderr,
      /could not load the native addon\.\nPlatform: .*\nTried:\n.*retinanet_ops.*\.node: failed, .*addons/,
    );
    t.true(stderr.includes(`without permission for it. Add: --allow-fs-read=${root} --allow-addons\n`), stderr);
    t.regex(stderr, /code: 'ERR_NATIVE'/);
  });
});

serial('where the folders of binaries cannot be read the error says what to allow', (t) => {
  const readable = ['dist', 'dist-dev', 'package.json'].map((name) => `--allow-fs-read=${join(root, name)}`);
  everywhere(t, USE, [...readable, '--allow-addons'], (_, stderr) => {
    t.regex(stderr, /build\S+retinanet_ops\.node: failed, .*restricted/);
    t.regex(stderr, /prebuilds\S+: failed, .*restricted/);
    t.true(stderr.includes(`Add: --allow-fs-read=${root} --allow-addons\n`), stderr);
  });
});

serial('an addon elsewhere needs its own permission, which the error names', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-')));
  const RETINANET_OPS_ADDON = join(folder, 'named.node');
  cpSync('build/Release/retinanet_ops.node', RETINANET_OPS_ADDON);
  const allowed = [`--allow-fs-read=${root}`, '--allow-addons'];
  const refused = (_: string, stderr: string) => {
    t.true(stderr.includes(`Add: --allow-fs-read=${RETINANET_OPS_ADDON} --allow-addons\n`), stderr);
  };
  everywhere(t, USE, allowed, refused, { RETINANET_OPS_ADDON });
  const works = (stdout: string, stderr: string) => {
    t.is(stdout, USED, stderr);
  };
  everywhere(t, USE, [...allowed, `--allow-fs-read=${RETINANET_OPS_ADDON}`], works, { RETINANET_OPS_ADDON });
  rmSync(folder, { recursive: true });
});

serial('training needs worker threads, whose permissions are those of the program', (t) => {
  const allowed = [`--allow-fs-read=${root}`, '--allow-addons'];
  everywhere(t, TRAIN, [...allowed, '--allow-worker'], (stdout, stderr) => {
    t.regex(stdout, TRAINED, stderr);
  });
  everywhere(t, TRAIN, allowed, (_, stderr) => {
    t.regex(stderr, /trainRetinaNet: .*without permission for worker threads\. Add: --allow-worker/);
    t.regex(stderr, /code: 'ERR_NATIVE'/);
  });
});

test('--no-addons is named', (t) => {
  const { stderr } = spawnSync(process.execPath, ['--no-addons', '--input-type=module', '-e', USE], {
    encoding: 'utf8',
  });
  t.regex(stderr, /started with --no-addons, which forbids native addons/);
});
