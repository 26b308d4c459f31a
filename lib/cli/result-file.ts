// Files that commands write.
import { access, constants, stat } from 'node:fs/promises';
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
    refuse(file, cause);
  }
}

/**
 * Refuses a file that cannot be written, before what is to be in it has been computed. Nothing is made: of the folders above it, the
 * nearest that is there has to take new names.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file
 */
export async function requireWritable(file: string): Promise<void> {
  try {
    if ((await stat(file).catch(missing))?.isDirectory()) throw new Error('a folder');
    let folder = dirname(file);
    while ((await stat(folder).catch(missing)) === undefined && folder !== dirname(folder)) folder = dirname(folder);
    if (!(await stat(folder)).isDirectory()) throw new Error(`the file ${folder} above it`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    refuse(file, cause);
  }
}

/** Of what is not there nothing is known. */
function missing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function refuse(file: string, cause: unknown): never {
  const message = `expected a file that can be written for ${file}, received ${(cause as Error).message}`;
  throw new RetinanetOpsError('ERR_DATA', message, { cause });
}
