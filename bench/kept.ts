// Results of long work as files: what has been done is read, so that a series that was ended at any moment goes on with what is missing.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What `work` gave when it was done first, which is kept in `file` as JSON. */
export async function kept<T>(file: string, work: () => Promise<T>): Promise<T> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const result = await work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(result)}\n`);
  renameSync(`${file}.new`, file);
  return result;
}
