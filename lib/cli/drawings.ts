// Pictures that `retinanet-ops detect` writes.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '../arguments/check.js';
import type { FileDetections } from '../retinanet/detection/detect-files.js';
import { type DrawingFormat, drawDetections } from '../retinanet/detection/draw-detections.js';
import type { NamedPicture } from '../retinanet/detection/find-pictures.js';
import { writeResult } from './result-file.js';

/** Pictures that are drawn and written while the network is busy with the next. */
const AT_ONCE = 2;
const FORMATS: Readonly<Record<string, DrawingFormat>> = {
  ...{ png: 'png', webp: 'webp' },
  ...{ jpg: 'jpeg', jpeg: 'jpeg', jpe: 'jpeg', jfif: 'jpeg' },
};

const formatOf = (path: string) => FORMATS[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];

/**
 * Where the drawing of each picture goes: its name in the folder; `.png` behind it for formats that few programs show.
 *
 * @throws RetinanetOpsError `ERR_OPTION` where a drawing would replace one of the pictures
 */
export async function drawingPaths(check: Check, out: string, pictures: readonly NamedPicture[]): Promise<string[]> {
  const taken = new Set(pictures.map(({ name }) => name));
  const paths = pictures.map(({ name }) => {
    let own = name;
    if (formatOf(name) === undefined)
      do own += '.png';
      while (taken.has(own));
    return join(out, own);
  });
  // One that cannot be looked up cannot be read either, and is told of when its turn comes.
  const originals = new Set(await Promise.all(pictures.map(({ file }) => realpath(file).catch(() => file))));
  for (const path of paths) {
    const present = await realpath(path).catch(() => undefined);
    if (present === undefined || !originals.has(present)) continue;
    check.fail('ERR_OPTION', '--out', 'a folder in which drawings replace no picture', `one in which ${path} is one`);
  }
  return paths;
}

/** Draws pictures and writes them, a few at a time. */
export class Drawings {
  private readonly names: readonly string[];
  private readonly paths: readonly string[];
  private readonly running: Promise<void>[] = [];
  private readonly onError: (file: string, error: Error) => void;

  /**
   * @param names of the classes
   * @param onError called for a picture that cannot be drawn or written; the others go on
   */
  constructor(names: readonly string[], paths: readonly string[], onError: (file: string, error: Error) => void) {
    this.names = names;
    this.paths = paths;
    this.onError = onError;
  }

  /** Begins with one; waits where there are enough already. */
  async add(found: FileDetections, index: number): Promise<void> {
    if (this.running.length >= AT_ONCE) await this.running.shift();
    this.running.push(
      this.draw(found, this.paths[index]!).catch((error: unknown) => {
        this.onError(found.file, error as Error);
      }),
    );
  }

  /** Waits for those that have begun. */
  async end(): Promise<void> {
    while (this.running.length > 0) await this.running.shift();
  }

  private async draw({ file, boxes, scores, labels }: FileDetections, path: string): Promise<void> {
    const format = formatOf(path);
    await writeResult(path, await drawDetections(file, { boxes, scores, labels }, { classNames: this.names, format }));
  }
}
