// Names of pictures by Windows' rules of paths, and by others'.
import { posix, win32 } from 'node:path';
import test from 'ava';
import { distinct, isBelow, keyOf } from '#lib/retinanet/detection/picture-names.js';

const named = (...files: string[]) => files.map((file) => ({ file, name: file.split(/[\\/]/).at(-1)! }));
const names = (files: string[], paths = win32) => distinct(named(...files), paths).map(({ name }) => name);

test('equal names are told apart by folders, on drives and shares as well', (t) => {
  t.deepEqual(names(['C:\\data\\a.png', 'C:\\data\\b.png']), ['a.png', 'b.png']);
  t.deepEqual(names(['C:\\data\\one\\a.png', 'c:\\DATA\\two\\A.PNG']), ['one/a.png', 'two/A.PNG']);
  t.deepEqual(names(['C:\\a.png', 'C:\\deep\\er\\a.png']), ['a.png', 'deep/er/a.png']);
  t.deepEqual(names(['C:\\data\\a.png', 'D:\\a.png']), ['data/a.png', 'D/a.png']);
  t.deepEqual(names(['\\\\server\\share\\a.png', 'C:\\a.png']), ['a.png', 'C/a.png']);
  t.deepEqual(names(['C:\\a.png', '\\\\server\\share\\x\\a.png']), ['a.png', 'server/share/x/a.png']);
  t.deepEqual(names(['/data/one/a.png', '/data/two/a.png'], posix), ['one/a.png', 'two/a.png']);
  t.deepEqual(names(['/a.png', '/data/a.png'], posix), ['a.png', 'data/a.png']);
});

test('a name above the folder, or on another drive, is none', (t) => {
  const on = (name: string) => distinct([{ file: 'D:\\x\\a.png', name }], win32)[0]!.name;
  t.deepEqual(['../x/a.png', 'D:/x/a.png', 'x/a.png'].map(on), ['a.png', 'a.png', 'x/a.png']);
});

test('what is below a folder, whatever the case on Windows', (t) => {
  const below = ['C:\\Out', 'c:\\out\\x\\a.png', 'C:/out/a.png', 'C:\\out\\..x.png'];
  const beside = ['C:\\', 'C:\\outer\\a.png', 'D:\\out\\a.png', 'C:\\out\\..\\a.png'];
  t.deepEqual(
    below.filter((path) => !isBelow('C:\\out', path, win32)),
    [],
  );
  t.deepEqual(
    beside.filter((path) => isBelow('C:\\out', path, win32)),
    [],
  );
  t.true(isBelow('/out', '/out/a.png', posix));
  t.false(isBelow('/out', '/Out/a.png', posix));
});

test('a file has one key, on Windows for every way to write it', (t) => {
  t.is(keyOf('C:\\Data\\A.png', win32), keyOf('c:/data/x/../a.PNG', win32));
  t.not(keyOf('/Data/a.png', posix), keyOf('/data/a.png', posix));
});
