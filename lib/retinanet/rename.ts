// Renaming on Windows, where it is refused while another process has one of the files open: a scanner of viruses, an index, a
// viewer. Most let go at once.
import { renameSync } from 'node:fs';

const HELD = ['EPERM', 'EACCES', 'EBUSY'];
/** Milliseconds before the next try. */
const WAITS = [10, 20, 50, 100, 200, 500, 1000];

/**
 * As renameSync. On Windows it tries again for two seconds while something else holds the file, and says so then.
 *
 * @param waits milliseconds before each further try
 */
export function renameWhenFree(
  from: string,
  to: string,
  waits: readonly number[] = process.platform === 'win32' ? WAITS : [],
): void {
  for (let i = 0; ; i++) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (!HELD.includes(failure.code ?? '')) throw error;
      if (i >= waits.length) {
        if (waits.length > 0) failure.message += '; another program may have it open';
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waits[i]);
    }
  }
}
