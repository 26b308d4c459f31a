// Formatters and linters for TypeScript, C++, Python and workflows in one. `--fix` writes what the formatters would.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lintPython } from './lint-python.mjs';
import { lintNative } from './lint-tidy.mjs';
import { lintWorkflows } from './lint-workflows.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const fix = process.argv.includes('--fix');
let failed = false;

/** The longest file that needs no reason, and how it gives one. */
const MOST_LINES = 250;
const REASON = new RegExp(`^(//|#|/\\*) ?Longer than ${MOST_LINES} lines: \\S`, 'm');

function say(title, problems, note = '') {
  console.log(`${title} ... ${problems.length === 0 ? 'ok' : 'FAILED'}${note && ` (${note})`}`);
  for (const problem of problems) process.stdout.write(problem.endsWith('\n') ? problem : `${problem}\n`);
  failed ||= problems.length > 0;
}

/** Runs a tool of node_modules. */
function run(title, name, file, ...args) {
  const tool = join(dirname(require.resolve(`${name}/package.json`)), file);
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [tool, ...args], options);
  say(title, status === 0 ? [] : [(error?.message ?? '') + (stdout ?? '') + (stderr ?? '')]);
}

function files(pattern, ...folders) {
  const under = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)),
  );
  return under.filter((file) => pattern.test(file)).sort();
}

const native = files(/\.(h|cc|cu)$/, 'native', 'test/emulator');
const format = fix ? ['-i'] : ['--dry-run', '--Werror'];
run('clang-format', '@wasm-fmt/clang-format', 'clang-format-cli.cjs', ...format, ...native);
const cache = ['--cache', '--cache-strategy', 'content', '--cache-location', 'build/lint/prettier.json'];
run('prettier', 'prettier', 'bin/prettier.cjs', fix ? '--write' : '--check', '--log-level', 'warn', ...cache, '.');
run('eslint', 'eslint', 'bin/eslint.js', '--max-warnings', '0', ...(fix ? ['--fix'] : []), '.');
// An export without a comment, a link to nowhere: what `npm run docs` would refuse.
run('typedoc', 'typedoc', 'bin/typedoc', '--emit', 'none');
say('actionlint', await lintWorkflows());
say('ruff', lintPython(files(/\.py$/, 'bench', 'test/golden'), fix));

const sources = files(/\.(c?ts|m?js|py|h|cc|cu)$/, 'lib', 'native', 'test', 'bench', 'demo', 'examples', 'scripts');
const long = sources.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const lines = text.split('\n').length - 1;
  if (lines <= MOST_LINES || REASON.test(text)) return [];
  return [`${file} has ${lines} lines: split it, or give the reason ("Longer than ${MOST_LINES} lines: ...")`];
});
say('length of files', long);

// What Windows alone compiles includes its headers.
const compiled = native.filter((file) => /\.(cc|cu)$/.test(file) && !file.endsWith('portable/windows.cc'));
const { skipped, reports, note } = await lintNative(compiled);
if (skipped) console.log(`clang-tidy ... SKIPPED: ${skipped}`);
else say('clang-tidy', reports, note);

process.exit(failed ? 1 : 0);
