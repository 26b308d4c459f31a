// Formatter and linter for TypeScript and C++ in one. `--fix` writes what the formatters would.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const fix = process.argv.includes('--fix');
let failed = false;

function binary(name, file) {
  return join(dirname(require.resolve(`${name}/package.json`)), file);
}

function run(title, command, args) {
  process.stdout.write(`${title} ... `);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status === 0) {
    console.log('ok');
    return;
  }
  failed = true;
  console.log('FAILED');
  process.stdout.write((error?.message ?? '') + (stdout ?? '') + (stderr ?? ''));
}

const native = ['native', 'test/emulator'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((file) => join(folder, file))
    .filter((file) => /\.(h|cc|cu)$/.test(file)),
);

run('clang-format', process.execPath, [
  binary('@wasm-fmt/clang-format', 'clang-format-cli.cjs'),
  ...(fix ? ['-i'] : ['--dry-run', '--Werror']),
  ...native,
]);
run('prettier', process.execPath, [
  binary('prettier', 'bin/prettier.cjs'),
  fix ? '--write' : '--check',
  '--log-level',
  'warn',
  '.',
]);
run('eslint', process.execPath, [
  binary('eslint', 'bin/eslint.js'),
  '--max-warnings',
  '0',
  ...(fix ? ['--fix'] : []),
  '.',
]);

const tidy = ['clang-tidy', 'clang-tidy-19', 'clang-tidy-14'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
if (!tidy) {
  console.log('clang-tidy ... SKIPPED: not installed (on Debian or Ubuntu: apt-get install clang-tidy)');
} else if (!existsSync(join(root, 'build', 'compile_commands.json'))) {
  console.log('clang-tidy ... FAILED: run `npm run build:native` first');
  failed = true;
} else {
  const sources = native.filter((file) => /\.(cc|cu)$/.test(file)).map((file) => relative(root, join(root, file)));
  run('clang-tidy', tidy, ['--quiet', '-p', 'build', ...sources]);
}

process.exit(failed ? 1 : 0);
