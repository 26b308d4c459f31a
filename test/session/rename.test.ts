// Renaming where something refuses for a while. scripts/windows-held.mjs has a program that holds a file under Windows.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { renameWhenFree } from '#lib/retinanet/rename.js';
import { folder } from '../data/folders.js';

test('a file takes its name over another', async (t) => {
  const root = await folder(t, { new: 'new', old: 'old' });
  renameWhenFree(join(root, 'new'), join(root, 'old'));
  t.is(readFileSync(join(root, 'old'), 'utf8'), 'new');
});

const linux = process.platform === 'linux' ? test : test.skip;
linux('what stays held is said after the last try, and at once where nothing is waited for', async (t) => {
  const root = await folder(t, {});
  mkdirSync(join(root, 'held'));
  const held = `${join(root, 'held')}/.`; // Linux: EBUSY, always
  const begun = performance.now();
  const late = t.throws(() => {
    renameWhenFree(held, join(root, 'free'), [10, 40]);
  });
  t.true(performance.now() - begun >= 50);
  t.regex(late.message, /^EBUSY.*held.*; another program may have it open$/s);
  const early = t.throws(() => {
    renameWhenFree(held, join(root, 'free'), []);
  });
  t.regex(early.message, /^EBUSY.*free'$/s);
});

test('other failures are not waited for', async (t) => {
  const root = await folder(t, {});
  writeFileSync(join(root, 'there'), '');
  const begun = performance.now();
  const error = t.throws<NodeJS.ErrnoException>(() => {
    renameWhenFree(join(root, 'lost'), join(root, 'there'), [60_000]);
  });
  t.is(error?.code, 'ENOENT');
  t.true(performance.now() - begun < 30_000);
});
