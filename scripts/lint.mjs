// Formatter and linter for TypeScript and C++ in one. `--fix` writes what the formatters would.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
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

/** clang-tidy takes minutes: on every core, and once for what is compiled several times, other instruction sets' apart. */
async function tidyAll(sources) {
  process.stdout.write('clang-tidy ... ');
  const folder = join(root, 'build', 'lint');
  const commands = JSON.parse(readFileSync(join(root, 'build', 'compile_commands.json'), 'utf8'));
  mkdirSync(folder, { recursive: true });
  const plain = commands.filter(({ command }) => !command.includes('-fsanitize='));
  const once = plain.filter(
    ({ command, file }, i) => command.includes('-DRN_ISA=') || i === plain.findIndex((other) => other.file === file),
  );
  writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(once));
  const reports = [];
  const worker = async () => {
    for (let source = sources.shift(); source !== undefined; source = sources.shift()) {
      const child = spawn(tidy, ['--quiet', '-p', folder, source], { cwd: root });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
      const code = await new Promise((resolve) => child.on('close', resolve).on('error', () => resolve(-1)));
      if (code !== 0) reports.push(`${source}\n${output}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  console.log(reports.length === 0 ? 'ok' : 'FAILED');
  for (const report of reports) process.stdout.write(report);
  failed ||= reports.length > 0;
}

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
  await tidyAll(sources);
}

process.exit(failed ? 1 : 0);
