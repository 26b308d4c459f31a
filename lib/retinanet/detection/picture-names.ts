// What pictures are called below folders. Every function takes the rules of paths of a system, this one's unless told.
import system, { type PlatformPath } from 'node:path';

/** A picture, and what it is called where results are kept apart by name. */
export interface NamedPicture {
  /** A path that opens. */
  file: string;
  /** Below the folder that it was found in, with '/'; without a folder the last part of the path. No two are equal. */
  name: string;
}

/** With '/', as patterns and names have it. */
export const slashes = (path: string): string => path.replaceAll('\\', '/');

/** Whether a path is the folder's or of something below it. Windows tells no cases apart. */
export function isBelow(folder: string, path: string, paths: PlatformPath = system): boolean {
  const way = paths.relative(folder, path);
  return way !== '..' && !way.startsWith(`..${paths.sep}`) && !paths.isAbsolute(way);
}

/** By which a file is known, however its path is written. */
export function keyOf(file: string, paths: PlatformPath = system): string {
  const path = paths.resolve(file);
  return paths.sep === '\\' ? path.toLowerCase() : path;
}

/**
 * The names where no two are equal, on a file system that does not tell cases apart either; else those below what holds all, and
 * where pictures lie on several drives, the drive is their first folder.
 */
export function distinct(pictures: readonly NamedPicture[], paths: PlatformPath = system): NamedPicture[] {
  const names = new Set(pictures.map(({ name }) => name.toLowerCase()));
  const areBelow = pictures.every(({ name }) => !name.startsWith('../') && !paths.isAbsolute(name));
  if (names.size === pictures.length && areBelow) return [...pictures];
  const files = pictures.map(({ file }) => paths.resolve(file));
  let common = paths.dirname(files[0]!);
  while (!files.every((file) => isBelow(common, file, paths)) && paths.dirname(common) !== common)
    common = paths.dirname(common);
  return pictures.map(({ file }, i) => {
    const way = slashes(paths.relative(common, files[i]!));
    return { file, name: paths.isAbsolute(way) ? way.replace(/^\/+/, '').replace(':', '') : way };
  });
}
