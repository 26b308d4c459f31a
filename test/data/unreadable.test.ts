// Files that are there and cannot be read.
import { constants } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import { decodeImage, findPictures, loadImage, readDataset, readImageHeader } from 'retinanet-ops/retinanet';
import { folder, picture } from './folders.js';

const onPosix = process.platform === 'win32' ? test.skip : test;

test('text that is longer than a string is refused before it is decoded, which would end the process', async (t) => {
  const { textOf } = (await import(pathToFileURL('dist/retinanet/data/text.js').href)) as {
    textOf: (bytes: Buffer) => string;
  };
  const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
  t.throws(() => textOf(bytes), { message: /^\d+ bytes, more than the \d+ that a string can hold$/ });
});

(process.platform === 'win32' ? test.skip : test.serial)('a folder that may not be listed is named', async (t) => {
  const root = await folder(t, {});
  const closed = join(root, 'closed');
  await mkdir(closed);
  await chmod(root, 0o711);
  await chmod(closed, 0);
  const isRoot = process.geteuid?.() === 0; // who may list everything
  if (isRoot) process.seteuid?.(65534);
  try {
    const message = /^findPictures: expected a folder that can be listed for '.*closed', received EACCES/;
    await t.throwsAsync(findPictures(closed), { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message });
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(closed, 0o700);
  }
});

onPosix('annotations that cannot be read are named', async (t) => {
  const root = await folder(t, { 'instances.json': '{"images": [], "annotations": [], "categories": []}' });
  // Without a byte on the disk, and more than is read at once.
  await truncate(join(root, 'instances.json'), 3 * 2 ** 30);
  await t.throwsAsync(readDataset(root, { format: 'coco' }), {
    instanceOf: RetinanetOpsError,
    code: 'ERR_DATA',
    message: /^readDataset: expected a file that can be read for instances\.json, received /,
  });
});

onPosix('a pipe is no picture, and is not waited for', async (t) => {
  const root = await folder(t, { 'good.jpg': await picture('jpeg') });
  const pipe = join(root, 'pipe.jpg');
  t.is(spawnSync('mkfifo', [pipe]).status, 0);
  const message = /: expected a picture for .*pipe\.jpg, received no regular file$/;
  for (const read of [readImageHeader, decodeImage]) await t.throwsAsync(read(pipe), { code: 'ERR_DATA', message });
  await t.throwsAsync(loadImage(pipe, { imageHeight: 32, imageWidth: 32 }), { code: 'ERR_DATA', message });
});
