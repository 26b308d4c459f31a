// A second copy of the package in one process, as two installations or a module reset give.
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Its main entry; gone from the disk when the process ends. */
export async function secondCopy(): Promise<typeof import('retinanet-ops')> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-copy-')));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const path of ['dist', 'package.json']) cpSync(path, join(folder, path), { recursive: true });
  for (const path of ['build', 'node_modules']) symlinkSync(resolve(path), join(folder, path), 'junction');
  return (await import(pathToFileURL(join(folder, 'dist', 'index.js')).href)) as typeof import('retinanet-ops');
}
