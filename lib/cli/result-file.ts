// Files that commands write.
import { basename, dirname } from 'node:path';
import { RetinanetOpsError } from '../arguments/errors.js';
import { makeFolder } from '../retinanet/make-folder.js';
import { writeTogether } from '../retinanet/write-together.js';

/**
 * Writes a file as a whole or not at all, and the folders above it.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file
 */
export async function writeResult(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await writeTogether(dirname(file), [[basename(file), content]]);
  } catch (cause) {
    const message = `expected a file that can be written for ${file}, received ${(cause as Error).message}`;
    throw new RetinanetOpsError('ERR_DATA', message, { cause });
  }
}
