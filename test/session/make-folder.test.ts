// Folders that are made where there are none.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder } from '#lib/retinanet/make-folder.js';
import { folder } from '../data/folders.js';

test('a folder is made with those above it, by whoever is first', async (t) => {
  const root = await folder(t, {});
  const deep = join(root, 'a', 'b', 'c');
  const made = await Promise.all([1, 2, 3].map(() => makeFolder(deep)));
  t.true(statSync(deep).isDirectory());
  t.true(made.includes(join(root, 'a')));
  t.is(await makeFolder(deep), undefined);
});

test('a file in its place or above it is said', async (t) => {
  const root = await folder(t, {});
  writeFileSync(join(root, 'file'), '');
  await t.throwsAsync(makeFolder(join(root, 'file')), { code: 'EEXIST' });
  await t.throwsAsync(makeFolder(join(root, 'file', 'below')));
});

const linux = process.platform === 'linux' ? test : test.skip;
linux('where no folder can be made that is said, and soon', async (t) => {
  await t.throwsAsync(makeFolder('/proc/retinanet-ops/a/b'), { code: 'ENOENT' });
});
