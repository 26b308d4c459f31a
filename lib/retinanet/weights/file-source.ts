// A file of weights, read where it is asked: none is ever in memory as a whole.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Check } from '../../arguments/check.js';

/** A file whose bytes come by position. What lies outside of it, or can't be read, is `ERR_DATA` that names the file. */
export class FileSource {
  readonly #check: Check;
  readonly #fd: number;
  readonly file: string;
  /** Bytes. */
  readonly size: number;

  constructor(check: Check, file: string) {
    this.#check = check;
    this.file = file;
    try {
      this.#fd = openSync(file, 'r');
    } catch (cause) {
      check.fail('ERR_DATA', file, 'a file that can be read', (cause as Error).message, { cause });
    }
    const stat = fstatSync(this.#fd);
    this.size = stat.size;
    if (!stat.isFile()) {
      this.close();
      this.fail('a file', stat.isDirectory() ? 'a directory' : 'what is none');
    }
  }

  /** Bytes in memory of their own. */
  read(start: number, length: number): Buffer {
    if (!(start >= 0 && length >= 0 && start + length <= this.size)) {
      this.fail(
        `${String(length)} bytes from ${String(start)}`,
        `a file of ${String(this.size)} bytes: damaged or truncated`,
      );
    }
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length;) {
      let count = 0;
      try {
        count = readSync(this.#fd, bytes, done, length - done, start + done);
      } catch (cause) {
        this.fail('a file that can be read', (cause as Error).message, cause);
      }
      if (count === 0) this.fail(`${String(this.size)} bytes`, 'a file that has become shorter');
      done += count;
    }
    return bytes;
  }

  /** @param expected after "expected", before "for FILE" */
  fail(expected: string, received: string, cause?: unknown): never {
    this.#check.fail('ERR_DATA', this.file, expected, received, { cause });
  }

  close(): void {
    closeSync(this.#fd);
  }
}
