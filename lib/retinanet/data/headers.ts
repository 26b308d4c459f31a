// The files of a data set's images, looked into.
import { eachOf } from './bounded.js';
import type { DatasetFiles } from './files.js';
import type { SourceImage } from './formats/source.js';
import { decodeImage, readImageHeader, type ImageHeader } from './images.js';
import { refuse, type Warnings } from './warnings.js';

export type Looked = Pick<ImageHeader, 'width' | 'height'> & Partial<ImageHeader>;

/** Images between two reports of progress. */
const REPORT_EVERY = 100;

/**
 * Size and orientation of every image that is whole, by file; the others are reported.
 *
 * @throws RetinanetOpsError `ERR_DATA` where more than half of them are not
 */
export async function readHeaders(
  files: DatasetFiles,
  images: readonly SourceImage[],
  warnings: Warnings,
  { checkImages, onImage }: { checkImages: boolean; onImage: ((done: number, total: number) => void) | undefined },
): Promise<Map<string, Looked>> {
  const stated = new Map(images.map(({ file, stated: size }) => [file, size]));
  const paths = [...stated.keys()];
  const looked = new Array<{ header?: ImageHeader; range?: number; problem?: string } | undefined>(paths.length);
  let done = 0;
  await eachOf(paths, async (file, i) => {
    if (checkImages || !stated.get(file)) looked[i] = await lookInto(files.absolute(file));
    if (++done % REPORT_EVERY === 0 || done === paths.length) onImage?.(done, paths.length);
  });
  const headers = new Map<string, Looked>();
  let damaged = 0;
  let firstProblem = '';
  for (const [i, file] of paths.entries()) {
    const { header, range, problem } = looked[i] ?? {};
    const known = looked[i] ? header : stated.get(file);
    if (known) headers.set(file, known);
    else {
      warnings.add('image-damaged', { file }, problem ?? '');
      if (damaged++ === 0) firstProblem = `${file}: ${problem ?? ''}`;
    }
    if (range !== undefined) warnings.add('image-deep', { file }, `0..${range} became 0..255`);
  }
  if (damaged > 0.5 * paths.length) {
    refuse(files.root, 'images that decode', `${damaged} of ${paths.length} that do not, such as ${firstProblem}`);
  }
  return headers;
}

async function lookInto(path: string): Promise<{ header?: ImageHeader; range?: number; problem?: string }> {
  try {
    const header = await readImageHeader(path);
    return header.deep ? { header, range: (await decodeImage(path)).range } : { header };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'ERR_DATA') throw error;
    return { problem: message.slice(message.indexOf(', received ') + ', received '.length) };
  }
}
