// `npm test -- [FILE|NAME] ... [options of AVA]`: builds what is outdated, then runs the tests: of a test file, of a source by its
// name, or all. The emulated CUDA plugin, which takes longest, is built where a chosen test needs it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testsOf } from './choose-tests.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(...args) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** AVA's options whose value is the next argument. */
const WITH_VALUE = ['-c', '--concurrency', '-m', '--match', '--node-arguments', '-T', '--timeout', '--config'];

const given = process.argv.slice(2);
const isName = (argument, i) => !argument.startsWith('-') && !WITH_VALUE.includes(given[i - 1]);
const names = given.filter(isName);
const options = given.filter((argument, i) => !isName(argument, i));

run(join('scripts', 'build.mjs'), 'native', 'ts');
const files = names.flatMap((name) => {
  const tests = testsOf(name);
  if (tests.length === 0) {
    console.error(`\nretinanet-ops: no test belongs to '${name}'.\n`);
    process.exit(1);
  }
  return tests;
});
const needsEmulator = (file) => file.includes('/cuda/') || readFileSync(join(root, file), 'utf8').includes('_emulated');
if (names.length === 0 || files.some(needsEmulator)) run(join('scripts', 'build.mjs'), 'emulated');
const ava = join(dirname(createRequire(import.meta.url).resolve('ava')), 'cli.mjs');
run(ava, ...options, ...new Set(files));
