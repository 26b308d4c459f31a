// `npm run watch -- [FILE|NAME] ...`: builds what is saved and runs its tests (choose-tests.mjs), or those of the names given. What
// is saved while tests run has its turn after them.
import { spawn } from 'node:child_process';
import { readdirSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testsOf } from './choose-tests.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const given = process.argv.slice(2);
const saved = new Set();
const followed = new Set();
let timer;
let running = false;

function run(script, ...args) {
  const child = spawn(process.execPath, [join('scripts', script), ...args], { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', resolve).on('error', resolve));
}

async function next() {
  if (running || saved.size === 0) return;
  running = true;
  const files = [...saved];
  saved.clear();
  console.log(`\nsaved: ${files.join(', ')}`);
  const names = given.length > 0 ? given : files.filter((file) => testsOf(file).length > 0);
  if (names.length > 0) {
    console.log(`tests: ${[...new Set(names.flatMap(testsOf))].join(', ')}`);
    await run('test.mjs', ...names);
  } else {
    console.log('no test has its name: it is only built (npm run watch -- NAME chooses tests)');
    await run('build.mjs');
  }
  running = false;
  console.log('waiting for the next change');
  await next();
}

/**
 * Watches a folder and those in it. One watcher each: Node.js 20's own way of watching a whole tree loses files that an editor
 * replaces instead of writing into them.
 */
function follow(folder) {
  if (followed.has(folder)) return;
  followed.add(folder);
  watch(join(root, folder), (_, name) => {
    const file = join(folder, name ?? '');
    const stat = statSync(join(root, file), { throwIfNoEntry: false });
    if (!stat) followed.delete(file);
    else if (stat.isDirectory()) follow(file);
    if (!/\.(ts|cts|js|mjs|cc|cu|h|md|json|txt|py)$/.test(file)) return; // an editor's own files
    saved.add(file);
    clearTimeout(timer);
    timer = setTimeout(next, 100);
  }).on('error', () => {}); // the folder is gone
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true }))
    if (entry.isDirectory()) follow(join(folder, entry.name));
}

await run('build.mjs');
for (const folder of ['lib', 'native', 'test', 'bench', 'demo', 'docs', 'examples']) follow(folder);
console.log('waiting for the first change');
