// The files of a data set, found by the names that annotations give them: made on another system, in another folder, with another
// case or another form of the same accents.
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { textOf } from './text.js';
import { refuse } from './warnings.js';

const IMAGE = /\.(jpe?g|jpe|jfif|png|bmp|dib|gif|tiff?|webp|avif|heic|heif|jp2)$/i;
const LEFT_OUT = /^(\.|__MACOSX$|node_modules$|Thumbs\.db$)/;

export const isImageName = (path: string): boolean => IMAGE.test(path);
/** The last part of a path. */
export const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
/** What is before the last part, '' at the top. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
/** The last part without its extension; names of images lose only what is one of theirs ('clip.mp4#t=10' has none). */
export const stemOf = (path: string): string =>
  baseOf(path)
    .replace(IMAGE, '')
    .replace(/\.(xml|txt|json|csv)$/i, '');

/** Joins with '/', resolves '.' and '..'; what would leave the top stays there. */
export function joinPath(...parts: string[]): string {
  const out: string[] = [];
  for (const part of parts.join('/').split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return out.join('/');
}

const sameName = (path: string): string => path.normalize('NFC').toLowerCase();

function group(paths: readonly string[], keyOf: (path: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const key = keyOf(path);
    const found = groups.get(key);
    if (found) found.push(path);
    else groups.set(key, [path]);
  }
  return groups;
}

/** The names below a folder. Paths are relative to it, with '/'. */
export class DatasetFiles {
  /** Those that look like images, sorted. */
  readonly images: string[];
  private readonly exact: Set<string>;
  private readonly alike: Map<string, string[]>;
  private readonly byBase: Map<string, string[]>;
  private readonly byStem: Map<string, string[]>;
  private readonly byFolder: Map<string, string[]>;
  private readonly folders: Map<string, string[]>;

  private constructor(
    readonly root: string,
    /** All, sorted. */
    readonly paths: string[],
  ) {
    this.images = paths.filter(isImageName);
    this.exact = new Set(paths);
    this.alike = group(paths, sameName);
    this.byBase = group(paths, (path) => sameName(baseOf(path)));
    this.byStem = group(this.images, (path) => sameName(stemOf(path)));
    this.byFolder = group(paths, folderOf);
    const folders = new Set<string>(['']);
    for (let folder of this.byFolder.keys()) for (; folder !== ''; folder = folderOf(folder)) folders.add(folder);
    this.folders = group([...folders], sameName);
  }

  /** Lists a folder with everything below it; hidden files and what packing on a Mac leaves are none of its. */
  static async list(root: string): Promise<DatasetFiles> {
    const paths: string[] = [];
    const top = join(await realpath(root), '/');
    const visit = async (folder: string, above: readonly string[]): Promise<void> => {
      const full = join(root, folder);
      const real = await realpath(full);
      // A link to a folder that holds it, or all of this.
      if (above.includes(real) || (folder !== '' && top.startsWith(join(real, '/')))) return;
      const entries = await readdir(full, { withFileTypes: true });
      for (const entry of entries) {
        if (LEFT_OUT.test(entry.name)) continue;
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        const linked = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
        if (linked?.isDirectory()) await visit(path, [...above, real]);
        else if (linked?.isFile()) paths.push(path);
      }
    };
    await visit('', []);
    return new DatasetFiles(root, paths.sort());
  }

  absolute(path: string): string {
    return join(this.root, path);
  }

  /** The file of this path, or the only one whose name differs in case or in the form of its accents. */
  find(path: string): string | undefined {
    if (this.exact.has(path)) return path;
    const found = this.alike.get(sameName(path)) ?? [];
    const composed = found.filter((other) => other.normalize('NFC') === path.normalize('NFC'));
    return composed.length === 1 ? composed[0] : found.length === 1 ? found[0] : undefined;
  }

  /** As find, for a folder; '' is the top. */
  findFolder(path: string): string | undefined {
    const found = this.folders.get(sameName(path)) ?? [];
    return found.includes(path) ? path : found[0];
  }

  /** Folders whose path ends like this one. */
  foldersEnding(path: string): string[] {
    const key = `/${sameName(path)}`;
    return [...this.folders.keys()]
      .filter((name) => `/${name}`.endsWith(key))
      .flatMap((name) => this.folders.get(name)!);
  }

  /** The files of a folder itself. */
  inFolder(folder: string): readonly string[] {
    return this.byFolder.get(folder) ?? [];
  }

  /** Images in a folder and below it. */
  imagesUnder(folder: string): string[] {
    return folder === '' ? this.images : this.images.filter((path) => path.startsWith(`${folder}/`));
  }

  /** Images of this stem, anywhere. */
  withStem(stem: string): readonly string[] {
    return this.byStem.get(sameName(stem)) ?? [];
  }

  /**
   * The file that a path in an annotation means: below one of the folders, else the one that ends with as many of the path's last
   * parts as any does. Empty: none. Several: it could be any of them.
   */
  locate(text: string, bases: readonly string[]): string[] {
    const path = plainPath(text);
    for (const base of bases) {
      const found = this.find(joinPath(base, path));
      if (found !== undefined) return [found];
    }
    const parts = joinPath(path).split('/');
    let left = (this.byBase.get(sameName(parts.at(-1) ?? '')) ?? []).slice();
    for (let n = 2; left.length > 1 && n <= parts.length; n++) {
      const ending = `/${sameName(parts.slice(-n).join('/'))}`;
      const closer = left.filter((other) => `/${sameName(other)}`.endsWith(ending));
      if (closer.length === 0) break;
      left = closer;
    }
    if (left.length > 1 && bases[0] !== undefined) left = nearest(left, bases[0]);
    return left.length > 0 || !/%[\da-f]{2}/i.test(path) ? left : this.locate(decoded(path), bases);
  }

  /**
   * The text of a file, or of its first bytes, without its byte order mark.
   *
   * @throws RetinanetOpsError `ERR_DATA` naming a file that cannot be read
   */
  async text(path: string, atMost?: number): Promise<string> {
    try {
      if (atMost === undefined) return textOf(await readFile(this.absolute(path)));
      const bytes = await this.head(path, atMost);
      return textOf(bytes, bytes.length === atMost);
    } catch (cause) {
      return refuse(path, 'a file that can be read', (cause as Error).message, cause);
    }
  }

  private async head(path: string, bytes: number): Promise<Buffer> {
    const file = await open(this.absolute(path));
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** A path with '/', without a drive, a scheme, and the query of what has a scheme. */
export function plainPath(text: string): string {
  return text
    .trim()
    .replaceAll('\\', '/')
    .replace(/^[a-z]:\//i, '/')
    .replace(/^(?:file|https?|s3|gs):\/\/([^?#]*).*/i, '/$1');
}

/** Whether a path names a place on some machine rather than one beside the file that names it. */
export function isAbsolutePath(text: string): boolean {
  return /^([a-z]:[\\/]|[\\/]|~|(file|https?|s3|gs):\/\/)/i.test(text.trim());
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replaceAll('%20', ' ').replaceAll('%', '');
  }
}

/** Of several files those that share most folders with another path, from the top. */
export function nearest(paths: readonly string[], other: string): string[] {
  const parts = joinPath(other).split('/');
  const shared = (path: string) => {
    const own = path.split('/');
    const end = parts.findIndex((part, i) => own[i] !== part);
    return end < 0 ? parts.length : end;
  };
  const most = Math.max(...paths.map(shared));
  return paths.filter((path) => shared(path) === most);
}
