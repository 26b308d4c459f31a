// Pictures by folders, patterns, lists and names.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { escapePath, glob, isDynamicPattern } from 'tinyglobby';
import { Check } from '../../arguments/check.js';
import { DatasetFiles, isImageName } from '../data/files.js';
import { textOf } from '../data/text.js';
import { distinct, isBelow, keyOf, type NamedPicture, slashes } from './picture-names.js';

export type { NamedPicture } from './picture-names.js';

/**
 * Finds pictures.
 *
 * @param inputs each of them a picture's path, whatever its extension; a folder, whose pictures are found by their extensions, at
 *   any depth; a list, as `@FILE` or a file that ends in `.txt`, with one of these on every line, relative to the list or to the
 *   current folder; or a pattern such as `photos/**\/*.jpg`. A file of just this name comes before a pattern, and so do folders: in
 *   `photos (1)/*.jpg` the parentheses are the folder's where there is one of this name.
 * @returns paths, sorted, each once
 * @throws RetinanetOpsError `ERR_DATA` for an input that is not there or has no pictures, with the line of a list; `ERR_DTYPE`
 */
export async function findPictures(inputs: string | readonly string[]): Promise<string[]> {
  const found = await findNamedPictures(new Check('findPictures'), inputs);
  return found.map(({ file }) => file);
}

/** As findPictures, with names; what lies below the folder `except` is left out. */
export async function findNamedPictures(
  check: Check,
  inputs: string | readonly string[],
  except?: string,
): Promise<NamedPicture[]> {
  const given = typeof inputs === 'string' ? [inputs] : check.strings('inputs', inputs);
  const finder = new Finder(check, except);
  for (const input of given) await finder.add(input);
  return distinct(finder.sorted());
}

class Finder {
  private readonly check: Check;
  private readonly except: string | undefined;
  /** By keyOf. */
  private readonly found = new Map<string, NamedPicture>();

  constructor(check: Check, except: string | undefined) {
    this.check = check;
    this.except = except;
  }

  sorted(): NamedPicture[] {
    return [...this.found.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** @param where of the input, where it is a line of a list, as `LIST:LINE` */
  async add(input: string, where?: string): Promise<void> {
    const present = await stat(input).catch(() => undefined);
    if (present?.isDirectory()) return this.addFolder(input);
    if (present !== undefined && !isList(input)) {
      this.keep(input, basename(input));
      return;
    }
    if (where === undefined && (present !== undefined || input.startsWith('@'))) {
      return this.addList(present === undefined ? input.slice(1) : input);
    }
    const { folder, pattern } = await split(withSlashes(input));
    if (isDynamicPattern(pattern)) return this.addMatches(folder, pattern, where);
    const received = present === undefined ? 'a path where nothing is' : 'a list in a list';
    this.fail('a picture, a folder, a pattern or a list of pictures', input, received, where);
  }

  private async addFolder(folder: string): Promise<void> {
    if (this.isLeftOut(folder)) this.fail('another folder than that of the results', folder, 'the same');
    const { images } = await DatasetFiles.list(folder).catch((cause: unknown) =>
      this.fail('a folder that can be listed', folder, (cause as Error).message),
    );
    const names = images.filter((name) => !this.isLeftOut(join(folder, name)));
    for (const name of names) this.keep(join(folder, name), name);
    if (names.length === 0) this.fail('a folder with pictures', folder, 'one without any (by their extensions)');
  }

  private async addMatches(folder: string, below: string, where?: string): Promise<void> {
    const pattern = escapePath(folder) + below;
    const matches = await glob(pattern, { absolute: isAbsolute(pattern), caseSensitiveMatch: !onWindows });
    const all = matches.filter(isImageName);
    const files = all.filter((file) => !this.isLeftOut(file));
    for (const file of files) this.keep(file, slashes(relative(folder || '.', file)));
    if (files.length > 0) return;
    const received = all.length > 0 ? 'one that only those in the folder of the results do' : 'one that none does';
    this.fail('a pattern that pictures match', folder + below, received, where);
  }

  private async addList(list: string): Promise<void> {
    let text: string;
    try {
      text = textOf(await readFile(list));
    } catch (cause) {
      const received = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'a path where nothing is' : String(cause);
      return this.fail('a list of pictures', list, received);
    }
    const lines = text.split(/\r?\n/);
    if (lines.every((line) => line.trim() === '')) this.fail('a list of pictures', list, 'one that is empty');
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const beside = isAbsolute(line) ? line : join(dirname(list), line);
      const isBeside = await stat(beside).then(
        () => true,
        () => false,
      );
      await this.add(isBeside ? beside : line, `${list}:${i + 1}`);
    }
  }

  private isLeftOut(path: string): boolean {
    return this.except !== undefined && isBelow(this.except, path);
  }

  private keep(file: string, name: string): void {
    const key = keyOf(file);
    if (!this.found.has(key)) this.found.set(key, { file, name });
  }

  private fail(expected: string, input: string, received: string, where?: string): never {
    const place = where === undefined ? '' : ` (${where})`;
    return this.check.fail('ERR_DATA', `'${input}'${place}`, expected, received);
  }
}

const onWindows = process.platform === 'win32';

/** A pattern as globbing takes it: Windows' own separators would escape what follows, and no name there holds one. */
const withSlashes = (pattern: string) => (onWindows ? slashes(pattern) : pattern);

const isList = (path: string) => /\.txt$/i.test(path);

/** The folders that a pattern begins with, as they are called, and the rest, which may be a pattern. */
async function split(pattern: string): Promise<{ folder: string; pattern: string }> {
  const parts = pattern.split('/');
  let n = 0;
  for (let i = 1; i < parts.length; i++) {
    const folder = await stat(parts.slice(0, i).join('/') || '/').catch(() => undefined);
    if (folder?.isDirectory() === true) n = i;
  }
  const folder = parts
    .slice(0, n)
    .map((part) => `${part}/`)
    .join('');
  return { folder, pattern: parts.slice(n).join('/') };
}
