// Which test files belong to a file or a name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiled = join('dist-dev', 'test');
const posix = (file) => file.replaceAll('\\', '/');

const filesUnder = (folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true }).map((file) => posix(join(folder, file)))
    : [];
const isTest = (file) => file.endsWith('.test.js');

/** The compiled file of a source in test/. */
const outputOf = (source) => posix(join('dist-dev', source.replace(/\.ts$/, '.js')));

/** The test files that import a compiled file of test/, over however many others. */
function importersOf(file) {
  const scripts = filesUnder(compiled).filter((script) => script.endsWith('.js'));
  const imports = new Map(
    scripts.map((script) => {
      const paths = readFileSync(join(root, script), 'utf8').matchAll(/(?:from|import) '(\.[^']+)'/g);
      return [script, [...paths].map(([, path]) => posix(join(dirname(script), path)))];
    }),
  );
  const reached = new Set([file]);
  for (const one of reached) for (const script of scripts) if (imports.get(script).includes(one)) reached.add(script);
  return [...reached].filter(isTest);
}

/**
 * The test files whose name begins with the file's, or has it after a '-'; else with that name less its last word ('focal_terms':
 * 'focal'); else those in a folder of the name of the file's folder.
 */
function namesakesOf(file) {
  const parts = file
    .toLowerCase()
    .replace(/\.[a-z.]+$/, '')
    .replaceAll('_', '-')
    .split('/');
  const tests = filesUnder(compiled).filter(isTest);
  const matching = (pattern) => tests.filter((test) => pattern.test(test.slice(compiled.length)));
  for (const [i, part] of parts.reverse().entries())
    for (let words = part.split('-'); words.length > 0; words = words.slice(0, -1)) {
      const name = words.join('-').replace(/[^\w-]/g, '\\$&');
      const inFolder = i > 0 ? matching(new RegExp(`/${name}/`)) : [];
      const found = inFolder.length > 0 ? inFolder : matching(new RegExp(`[/-]${name}[^/]*$`));
      if (found.length > 0) return found;
    }
  return [];
}

/** The compiled test files of a source, a test, a compiled test or a part of a test's name; none where nothing has that name. */
export function testsOf(name) {
  const file = posix(relative(root, resolve(root, name)));
  if (file.startsWith(posix(compiled))) return isTest(file) ? [file] : importersOf(file);
  const importers = file.startsWith('test/') && file.endsWith('.ts') ? importersOf(outputOf(file)) : [];
  return importers.length > 0 ? importers : namesakesOf(file);
}
