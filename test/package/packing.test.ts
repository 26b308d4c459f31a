// `npm pack` and `npm publish` build what the package lacks, or refuse it with what helps (scripts/prepack.mjs). That what they pack
// works is for package.test.ts.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { bareEnvironment, run } from '../support/consumer.js';

let folder: string;
const serial = process.platform === 'win32' ? test.serial.skip : test.serial;

test.before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-')));
});

test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A checkout in which nothing has been installed or built. */
function checkout(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const part of ['package.json', 'package-lock.json', 'CMakeLists.txt', 'scripts', 'native', 'lib'])
    cpSync(part, join(path, part), { recursive: true });
  return path;
}

serial('before npm ci nothing is packed', (t) => {
  const { status, stderr } = run(checkout('bare'), 'npm', ['pack']);
  t.not(status, 0);
  t.regex(stderr, /retinanet-ops: packing needs the development dependencies: npm ci/);
});

serial('without a compiler nothing is packed', (t) => {
  const path = checkout('no-compiler');
  symlinkSync(resolve('node_modules'), join(path, 'node_modules'));
  const { status, stderr } = run(path, 'npm', ['pack'], bareEnvironment(folder));
  t.not(status, 0);
  t.regex(stderr, /building the native addon needs CMake .* and a C\+\+17 compiler and make or ninja/);
});

serial('a release without the binaries of every platform is refused, unless told otherwise', (t) => {
  const path = checkout('release');
  symlinkSync(resolve('node_modules'), join(path, 'node_modules'));
  const { status, stderr } = run(path, 'npm', ['publish', '--dry-run']);
  t.not(status, 0);
  t.regex(stderr, /prebuilds\/ lacks (.*)\. .*RETINANET_OPS_PACK=host/);

  // The list is that of the workflow which makes them.
  const lacking = /prebuilds\/ lacks (.*?)\. /.exec(stderr)![1]!.split(', ');
  const workflow = readFileSync('.github/workflows/prebuild.yml', 'utf8');
  const made = [...workflow.matchAll(/npm run prebuild -- (\w.*)|platform: ([\w-]+) /g)].flatMap(
    ([, list, platform]) => list?.split(' ') ?? [platform!],
  );
  t.deepEqual(lacking, made.sort());
  t.regex(
    run(path, 'npm', ['pack'], { ...process.env, RETINANET_OPS_PACK: 'all' }).stderr,
    /'host' or 'release', received 'all'/,
  );
});
