// Text of files whose encoding is not said.
import { constants } from 'node:buffer';

/** An XML declaration, all of ASCII. */
const DECLARED = /^<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/;

/**
 * The text of a file, without its byte order mark: UTF-16 where the mark says so, what an XML declaration names, else UTF-8; bytes
 * that are not UTF-8 are taken as Windows-1252, the Latin letters of older tools.
 *
 * @param isBeginning the file goes on: a character that is cut off at the end is no fault, and left out
 * @throws Error for more bytes than a string has characters: decoding them would end the process
 */
export function textOf(bytes: Buffer, isBeginning = false): string {
  const { MAX_STRING_LENGTH: most } = constants;
  if (bytes.length > most) throw new Error(`${bytes.length} bytes, more than the ${most} that a string can hold`);
  const decode = (encoding: string, fatal: boolean) =>
    new TextDecoder(encoding, { fatal }).decode(bytes, { stream: isBeginning });
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decode('utf-16le', false);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decode('utf-16be', false);
  const [, declared] = DECLARED.exec(bytes.toString('latin1', 0, 200).replace(/^\u00ef\u00bb\u00bf/, '')) ?? [];
  for (const encoding of [declared, 'utf-8']) {
    if (encoding === undefined || (encoding !== 'utf-8' && /^utf-?(8|16)/i.test(encoding))) continue;
    try {
      return decode(encoding, true);
    } catch {
      // An encoding that nobody knows, or not these bytes.
    }
  }
  return decode('windows-1252', false);
}

/** Whether a file holds, instead of its content, what Git LFS puts in its place until that has been fetched. */
export const isLfsPointer = (text: string): boolean => text.startsWith('version https://git-lfs.github.com/spec/');
