// Results of long work as files: what has been done is read, so that a series that was ended at any moment goes on with what is missing.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is in a file of JSON; undefined where there is none. */
export const readKept = (file: string): unknown =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;

export function keep(file: string, result: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(result)}\n`);
  renameSync(`${file}.new`, file);
}

/** What `work` gave when it was done first, which is kept in `file` as JSON. */
export async function kept<T>(file: string, work: () => Promise<T>): Promise<T> {
  const before = readKept(file) as T | undefined;
  if (before !== undefined) return before;
  const result = await work();
  keep(file, result);
  return result;
}
