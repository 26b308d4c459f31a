// Pictures by folders, patterns, lists and names.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { Check } from '../../arguments/check.js';
import { DatasetFiles, isImageName } from '../data/files.js';
import { textOf } from '../data/text.js';

/** A picture, and what it is called where results are kept apart by name. */
export interface NamedPicture {
  /** A path that opens. */
  file: string;
  /** Below the folder that it was found in, with '/'; without a folder the last part of the path. No two are equal. */
  name: string;
}

/**
 * Finds pictures.
 *
 * @param inputs each of them a picture's path, whatever its extension; a folder, whose pictures are found by their extensions, at
 *   any depth; a list, as `@FILE` or a file that ends in `.txt`, with one of these on every line, relative to the list or to the
 *   current folder; or a pattern such as `photos/**\/*.jpg`. A file of just this name comes before a pattern.
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
  /** By their absolute paths. */
  private readonly found = new Map<string, NamedPicture>();

  constructor(check: Check, except: string | undefined) {
    this.check = check;
    this.except = except === undefined ? undefined : join(resolve(except), '/');
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
    const pattern = withSlashes(input);
    if (isDynamicPattern(pattern)) return this.addMatches(pattern, where);
    const received = present === undefined ? 'a path where nothing is' : 'a list in a list';
    this.fail('a picture, a folder, a pattern or a list of pictures', input, received, where);
  }

  private async addFolder(folder: string): Promise<void> {
    if (this.isLeftOut(folder)) this.fail('another folder than that of the results', folder, 'the same');
    const { images } = await DatasetFiles.list(folder);
    const names = images.filter((name) => !this.isLeftOut(join(folder, name)));
    for (const name of names) this.keep(join(folder, name), name);
    if (names.length === 0) this.fail('a folder with pictures', folder, 'one without any (by their extensions)');
  }

  private async addMatches(pattern: string, where?: string): Promise<void> {
    const matches = await glob(pattern, { absolute: isAbsolute(pattern), caseSensitiveMatch: !onWindows });
    const files = matches.filter((file) => isImageName(file) && !this.isLeftOut(file));
    for (const file of files) this.keep(file, nameBelow(pattern, file));
    if (files.length === 0) this.fail('a pattern that pictures match', pattern, 'one that none does', where);
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
    return this.except !== undefined && join(resolve(path), '/').startsWith(this.except);
  }

  private keep(file: string, name: string): void {
    const path = resolve(file);
    if (!this.found.has(path)) this.found.set(path, { file, name });
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

/** The path below what of a pattern is no pattern. */
function nameBelow(pattern: string, file: string): string {
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => isDynamicPattern(part));
  return slashes(relative(parts.slice(0, Math.max(0, first)).join('/') || (isAbsolute(pattern) ? '/' : '.'), file));
}

const slashes = (path: string) => path.replaceAll('\\', '/');

/** The names where no two are equal, on a file system that does not tell cases apart either; else those below what holds all. */
function distinct(pictures: NamedPicture[]): NamedPicture[] {
  const names = new Set(pictures.map(({ name }) => name.toLowerCase()));
  const isBelow = pictures.every(({ name }) => !name.startsWith('../'));
  if (names.size === pictures.length && isBelow) return pictures;
  const folders = pictures.map(({ file }) => dirname(resolve(file)));
  let common = folders[0]!;
  while (folders.some((folder) => !join(folder, '/').startsWith(join(common, '/')))) common = dirname(common);
  return pictures.map(({ file }) => ({ file, name: slashes(relative(common, resolve(file))) }));
}
