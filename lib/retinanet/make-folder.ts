// Folders that are not there yet.
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, as `mkdir` with `recursive` does; but that never ends where a file system makes no folders and
 * says that there is none, as /proc does.
 *
 * @returns the uppermost folder that was made, if any
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const above = dirname(folder);
  const first = above === folder || (await statusOf(above)) ? undefined : await makeFolder(above);
  try {
    await mkdir(folder);
    return first ?? folder;
  } catch (error) {
    // There already, or another process was quicker.
    if ((await statusOf(folder))?.isDirectory()) return first;
    throw error;
  }
}

const statusOf = (path: string) => stat(path).catch(() => undefined);
