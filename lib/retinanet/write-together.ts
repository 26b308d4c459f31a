// Files that are written as a whole or not at all.
import { randomUUID } from 'node:crypto';
import { renameWhenFree } from './rename.js';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes all files beside their targets before the first takes its name, so that nobody reads half of them. */
export async function writeTogether(
  directory: string,
  files: readonly (readonly [name: string, content: Uint8Array | string | Iterable<Uint8Array>])[],
): Promise<void> {
  const suffix = `.${randomUUID()}.tmp`;
  const paths = files.map(([name]) => join(directory, name));
  try {
    for (const [i, [, content]] of files.entries()) await writeFile(`${paths[i]!}${suffix}`, content);
    for (const path of paths) {
      const present = await stat(path).catch(() => undefined);
      if (present?.isDirectory() === true) throw new Error(`one in which ${path} is a directory`);
    }
    // Without a pause: two saves at once must not mix. A crash in between shows in the hash when the model is loaded.
    for (const path of paths) renameWhenFree(`${path}${suffix}`, path);
  } catch (error) {
    await Promise.allSettled(paths.map((path) => rm(`${path}${suffix}`, { force: true })));
    throw error;
  }
}
