// Files that are written as a whole or not at all.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { renameWhenFree } from './rename.js';

/** What is behind the names of files that are not complete. */
const UNFINISHED = /\.[\da-f]{8}-[\da-f-]{27}\.tmp$/;
/** Bytes of a name that leave room for that in the 255 that file systems allow. */
const ROOM = 255 - 41;
/** Milliseconds after which nobody writes on. */
const STALE = 60_000;

/** Files that are not complete: a process that ends in the middle takes them away. */
const unfinished = new Set<string>();

function begin(paths: readonly string[]): void {
  if (unfinished.size === 0) process.on('exit', takeAway);
  for (const path of paths) unfinished.add(path);
}

function end(paths: readonly string[]): void {
  for (const path of paths) unfinished.delete(path);
  if (unfinished.size === 0) process.off('exit', takeAway);
}

function takeAway(): void {
  for (const path of unfinished) {
    try {
      rmSync(path, { force: true });
    } catch {
      // Another program has it open: clearUnfinished comes to it.
    }
  }
}

/** What a file that is not complete is called by: its name, or as much of a long one as there is room for. */
function beginning(name: string): string {
  const characters = Array.from(name);
  while (Buffer.byteLength(characters.join('')) > ROOM) characters.pop();
  return characters.join('');
}

/** Writes all files beside their targets before the first takes its name, so that nobody reads half of them. */
export async function writeTogether(
  directory: string,
  files: readonly (readonly [name: string, content: Uint8Array | string | Iterable<Uint8Array>])[],
): Promise<void> {
  const suffix = `.${randomUUID()}.tmp`;
  const paths = files.map(([name]) => join(directory, name));
  const temporary = files.map(([name]) => `${join(directory, beginning(name))}${suffix}`);
  begin(temporary);
  try {
    for (const [i, [, content]] of files.entries()) await writeFile(temporary[i]!, content);
    for (const path of paths) {
      const present = await stat(path).catch(() => undefined);
      if (present?.isDirectory() === true) throw new Error(`one in which ${path} is a directory`);
    }
    // Without a pause: two saves at once must not mix. A crash in between shows in the hash when the model is loaded.
    for (const [i, path] of paths.entries()) renameWhenFree(temporary[i]!, path);
  } catch (error) {
    await Promise.allSettled(temporary.map((path) => rm(path, { force: true })));
    throw error;
  } finally {
    end(temporary);
  }
}

/** Clears away what processes that were killed left of these files. */
export async function clearUnfinished(files: readonly string[]): Promise<void> {
  const names = new Map<string, Set<string>>();
  for (const file of files)
    names.set(dirname(file), (names.get(dirname(file)) ?? new Set()).add(beginning(basename(file))));
  for (const [folder, own] of names) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!UNFINISHED.test(name) || !own.has(name.replace(UNFINISHED, ''))) continue;
      const path = join(folder, name);
      const since = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0); // prettier-ignore
      if (since > STALE) await rm(path, { force: true }).catch(() => undefined);
    }
  }
}
