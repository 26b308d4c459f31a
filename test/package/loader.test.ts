// Which addon loads where several lie about, and that `retinanet-ops info` says so.
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { PLATFORM } from '../support/consumer.js';

const BUILT = 'build/Release/retinanet_ops.node';
const PREBUILT = `prebuilds/${PLATFORM}/retinanet_ops.glibc.node`;

let folder: string;

test.before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-')));
});

test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
/** A copy of the package with addons in these places. */
function packageWith(...places: string[]): string {
  const root = join(folder, String(count++));
  for (const part of ['dist', 'package.json', 'node_modules/commander', 'node_modules/node-gyp-build'])
    cpSync(part, join(root, part), { recursive: true });
  for (const place of places) cpSync(BUILT, join(root, place));
  return root;
}

/** What `info` says of the places it tried, by their names in the package. */
function tried(root: string, env: NodeJS.ProcessEnv = {}): Record<string, string> {
  const { RETINANET_OPS_ADDON: _, RETINANET_OPS_CUDA_LIBRARY: __, ...rest } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), 'info'], {
    encoding: 'utf8',
    env: { ...rest, ...env },
  });
  const lines = /Tried:\n((?: {2}.*\n)+)/.exec(stdout)?.[1];
  if (lines === undefined) throw new Error(stdout + stderr);
  const pairs = [...lines.matchAll(/^ {2}(.*?): (loaded|absent|failed)/gm)];
  return Object.fromEntries(
    pairs.map(([, file, outcome]) => [file!.replace(join(root, '/'), '').replaceAll('\\', '/'), outcome!]),
  );
}

test('what was compiled here comes before what came with the package', (t) => {
  const both = packageWith(BUILT, PREBUILT);
  t.deepEqual(tried(both), { [BUILT]: 'loaded' });
  t.deepEqual(tried(both, { PREBUILDS_ONLY: '1' }), { [PREBUILT]: 'loaded' });
  writeFileSync(join(both, BUILT), 'not a library');
  t.deepEqual(tried(both), { [BUILT]: 'failed', [PREBUILT]: 'loaded' });
  t.deepEqual(tried(packageWith(PREBUILT)), { [PREBUILT]: 'loaded' });
  t.deepEqual(tried(packageWith()), { [BUILT]: 'absent', [PREBUILT]: 'absent' });
});

test('the variables of node-gyp-build choose', (t) => {
  const other = 'prebuilds/aix-ppc64/retinanet_ops.glibc.node';
  const root = packageWith(PREBUILT, other);
  t.deepEqual(tried(root, { npm_config_platform: 'aix', npm_config_arch: 'ppc64' }), { [other]: 'loaded' });
  const elsewhere = packageWith(PREBUILT);
  t.deepEqual(tried(root, { RETINANET_OPS_PREBUILD: elsewhere }), {
    [join(elsewhere, PREBUILT).replaceAll('\\', '/')]: 'loaded',
  });
  const musl = PREBUILT.replace('glibc', 'musl');
  t.deepEqual(tried(root, { LIBC: 'musl' }), { [BUILT]: 'absent', [musl]: 'absent' });
  t.deepEqual(tried(packageWith(PREBUILT, musl), { LIBC: 'musl' }), { [musl]: 'loaded' });
});

test('an addon of another name is not ours', (t) => {
  const root = packageWith(PREBUILT, join(dirname(BUILT), 'another.node'));
  t.deepEqual(tried(root), { [BUILT]: 'absent', [PREBUILT]: 'loaded' });
});

test('without node-gyp-build the places are tried by name, and it is said', (t) => {
  const root = packageWith(BUILT, PREBUILT);
  rmSync(join(root, 'node_modules/node-gyp-build'), { recursive: true });
  t.deepEqual(tried(root), { 'node-gyp-build': 'failed', [BUILT]: 'loaded' });
});

test('a file that is named is the only one tried', (t) => {
  const root = packageWith(BUILT, PREBUILT);
  t.deepEqual(tried(root, { RETINANET_OPS_ADDON: join(root, PREBUILT) }), { [PREBUILT]: 'loaded' });
  t.deepEqual(tried(root, { RETINANET_OPS_ADDON: join(root, 'no.node') }), { 'no.node': 'absent' });
});
