// Which pictures folders, patterns, lists and names mean.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { findPictures } from 'retinanet-ops/retinanet';
import { folder } from '../data/folders.js';

const NAMES = ['a b.jpg', 'c[1].png', 'c1.png', 'ünï/日本.JPG', 'ünï/deep/er.webp', 'ünï/deep/notes.md', 'Z.bmp'];

async function pictures(t: ExecutionContext): Promise<{ root: string; at: (...names: string[]) => string[] }> {
  const root = await folder(t, Object.fromEntries([...NAMES, '.hidden.jpg', 'raw.dat'].map((name) => [name, 'x'])));
  return { root, at: (...names) => names.map((name) => join(root, name)) };
}

test('a folder: all pictures below it by their extensions, sorted, links that go in circles too', async (t) => {
  const { root, at } = await pictures(t);
  await symlink(root, join(root, 'ünï', 'again'));
  const all = at('Z.bmp', 'a b.jpg', 'c1.png', 'c[1].png', 'ünï/deep/er.webp', 'ünï/日本.JPG');
  t.deepEqual(await findPictures(root), all);
  t.deepEqual(await findPictures([`${root}/`, join(root, 'a b.jpg'), join(root, 'ünï')]), all, 'each once');
});

test('a name is a file before it is a pattern; a file may have any extension', async (t) => {
  const { root, at } = await pictures(t);
  t.deepEqual(await findPictures(join(root, 'c[1].png')), at('c[1].png'));
  t.deepEqual(await findPictures([join(root, 'raw.dat')]), at('raw.dat'));
});

test('patterns match pictures, at any depth with two stars', async (t) => {
  const { root, at } = await pictures(t);
  t.deepEqual(await findPictures(`${root}/*.png`), at('c1.png', 'c[1].png'));
  t.deepEqual(await findPictures(`${root}/**/*`), await findPictures(root));
  t.deepEqual(await findPictures(`${root}/{Z,a b}.*`), at('Z.bmp', 'a b.jpg'));
  t.deepEqual(await findPictures(`${root}/c[0-9].png`), at('c1.png'));
});

test('folders of a pattern are as they are called, whatever their names hold', async (t) => {
  const root = await folder(t, { 'set (1)/[a]/x.png': 'x', 'set (1)/[a]/y.jpg': 'x', 'set 1/a/z.png': 'x' });
  t.deepEqual(await findPictures(`${root}/set (1)/[a]/*.png`), [join(root, 'set (1)/[a]/x.png')]);
  t.deepEqual(
    await findPictures(`${root}/set (1)/*/*`),
    ['x.png', 'y.jpg'].map((name) => join(root, 'set (1)/[a]', name)),
  );
  t.deepEqual(await findPictures(`${root}/set [1]/*/*`), [join(root, 'set 1/a/z.png')]);
});

test('lists: beside the list or from the current folder, blank lines, both line ends, UTF-16', async (t) => {
  const { root, at } = await pictures(t);
  const lists = join(root, 'lists');
  await mkdir(lists, { recursive: true });
  await writeFile(join(root, 'some.txt'), '\uFEFFa b.jpg\r\n\r\nünï\r\nc[1].png');
  await writeFile(join(root, 'powershell.txt'), Buffer.from('\uFEFFünï/deep\r\n', 'utf16le'));
  await writeFile(join(lists, 'others'), `${join(root, 'c1.png')}\n`);
  t.deepEqual(
    await findPictures(join(root, 'some.txt')),
    at('a b.jpg', 'c[1].png', 'ünï/deep/er.webp', 'ünï/日本.JPG'),
  );
  t.deepEqual(await findPictures(`@${join(lists, 'others')}`), at('c1.png'));
  t.deepEqual(await findPictures(join(root, 'powershell.txt')), at('ünï/deep/er.webp'));
});

test('what is not there, or holds no picture, is one sentence', async (t) => {
  const { root } = await pictures(t);
  await mkdir(join(root, 'none'));
  const list = join(root, 'list.txt');
  await writeFile(list, 'a b.jpg\nlost.jpg\n');
  await writeFile(join(root, 'blank.txt'), '\n \n');
  for (const [input, message] of [
    [join(root, 'lost.jpg'), /a picture, a folder, a pattern or a list of pictures for '.*lost\.jpg', received a path/],
    [join(root, 'none'), /a folder with pictures for '.*none', received one without any/],
    [`${root}/*.gif`, /a pattern that pictures match for '.*\*\.gif', received one that none does/],
    [list, /for 'lost\.jpg' \(.*list\.txt:2\), received a path where nothing is/],
    [join(root, 'blank.txt'), /a list of pictures for '.*blank\.txt', received one that is empty/],
    [`@${join(root, 'lost')}`, /a list of pictures for '.*lost', received a path where nothing is/],
  ] as const) {
    const error = await t.throwsAsync(findPictures(input), {
      instanceOf: RetinanetOpsError,
      code: 'ERR_DATA',
      message,
    });
    t.notRegex(error?.message ?? '', /\n/);
  }
});
