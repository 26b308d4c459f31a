// Pictures, in one place for training, detection and everything that is drawn: what a file holds whatever it is called, turned
// upright, as 8-bit RGB.
import { open, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Sharp, Metadata } from 'sharp';
import { Check } from '../../arguments/check.js';
import { BITMAP_HEADER_BYTES, bitmapBytes, isBitmap, readBitmap, readBitmapHeader } from './bmp.js';
import { scaleDeepPixels } from './deep-pixels.js';
import { loadSharp } from './sharp.js';
import { isLfsPointer } from './text.js';

/** What the header of a picture says. */
export interface ImageHeader {
  /** By content: 'jpeg', 'png', 'webp', 'gif', 'tiff', 'bmp', ... */
  format: string;
  /** Pixels, upright: after the EXIF orientation. */
  width: number;
  /** Pixels, upright. */
  height: number;
  /** EXIF orientation of the stored pixels, 1 (upright) to 8; 5 to 8 swap width and height. */
  orientation: number;
  /** More than 8 bits per channel. */
  deep: boolean;
}

/** A decoded picture. */
export interface DecodedImage {
  /** [height, width, 3] red, green, blue, 0..255, upright. */
  data: Uint8Array;
  /** Pixels of `data`. */
  width: number;
  /** Pixels of `data`. */
  height: number;
  /** Pixels of the file, upright. */
  originalWidth: number;
  /** Pixels of the file, upright. */
  originalHeight: number;
  /** EXIF orientation that has been applied, 1 (none) to 8. */
  orientation: number;
  /** What became 255, where channels had more than 8 bits: 1, 255, 4095, 65535 or the largest value. */
  range?: number;
}

/** Formats that are pictures: a drawing or a document is none, however it is called. */
const FORMATS = [
  'jpeg',
  'png',
  'webp',
  'gif',
  'tiff',
  'heif',
  'jp2',
  'jxl',
  'ppm',
  'vips',
  'raw',
  'exr',
  'rad',
  'fits',
];
const TAIL_BYTES = 4096;
/** What has a path as long is opened by Node.js, but on Windows not by sharp. */
const LONG_PATH = 260;
/** Enough to tell a pointer of Git LFS. */
const LFS_BYTES = 64;

/**
 * Reads the header of a picture and whether the file is complete, without decoding where its format allows.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file: not a picture, damaged, cut off; `ERR_BACKEND` where sharp is missing
 */
export async function readImageHeader(path: string): Promise<ImageHeader> {
  const check = new Check('readImageHeader');
  check.string('path', path);
  const sharp = await loadSharp();
  return named(check, path, async () => {
    const { head, tail, size } = await readEnds(path);
    refuseContent(head);
    if (isBitmap(head)) {
      const header = readBitmapHeader(head);
      if (size < bitmapBytes(header)) throw new Error('a bitmap that is cut off');
      return { format: 'bmp', width: header.width, height: header.height, orientation: 1, deep: false };
    }
    const source = resolve(path).length < LONG_PATH ? path : await readFile(path);
    const header = headerOf(await sharp(source).metadata());
    if (!endsProperly(header.format, tail)) await decodes(sharp(source, { failOn: failOn(header) }));
    return header;
  });
}

/**
 * Decodes a picture: by content whatever the file's name, the first of several frames, turned upright by its EXIF orientation, CMYK,
 * palettes and gray as RGB, transparent pixels over white, more than 8 bits scaled to 8.
 *
 * @param path of the file
 * @param size the picture is resized to exactly this; without it it keeps its own
 * @throws RetinanetOpsError `ERR_DATA` naming the file: not a picture, damaged, cut off; `ERR_DTYPE` or `ERR_RANGE` for a bad size;
 *   `ERR_BACKEND` where sharp is missing
 */
export async function decodeImage(path: string, size?: { width: number; height: number }): Promise<DecodedImage> {
  const check = new Check('decodeImage');
  check.string('path', path);
  if (size !== undefined) checkSize(check, size);
  const sharp = await loadSharp();
  return named(check, path, async () => {
    const bytes = await readFile(path);
    refuseContent(bytes);
    const resized = (image: Sharp) => (size ? image.resize(size.width, size.height, { fit: 'fill' }) : image);
    const fromPixels = async (data: Uint8Array, width: number, height: number) =>
      size === undefined
        ? { data, width, height }
        : pixelsOf(resized(sharp(data, { raw: { width, height, channels: 3 } })));
    if (isBitmap(bytes)) {
      const { data, width, height } = readBitmap(bytes);
      const pixels = await fromPixels(data, width, height);
      return { ...pixels, originalWidth: width, originalHeight: height, orientation: 1 };
    }
    const header = headerOf(await sharp(bytes).metadata());
    const { width: originalWidth, height: originalHeight, orientation } = header;
    const original = { originalWidth, originalHeight, orientation };
    const upright = sharp(bytes, { failOn: failOn(header) })
      .rotate()
      .flatten({ background: '#fff' });
    if (!header.deep) return { ...(await pixelsOf(resized(upright).toColourspace('srgb'))), ...original };
    const { data, range } = await scaleDeepPixels(upright);
    return { ...(await fromPixels(data, originalWidth, originalHeight)), ...original, range };
  });
}

/** Files that hold nothing to decode. */
function refuseContent(bytes: Buffer): void {
  if (bytes.length === 0) throw new Error('an empty file');
  if (!isLfsPointer(bytes.toString('latin1', 0, LFS_BYTES))) return;
  throw new Error("Git LFS's pointer to it: git lfs pull fetches the picture itself");
}

function checkSize(check: Check, size: unknown): void {
  const given = check.fields<{ width: number; height: number }>('size', size, ['width', 'height'], true);
  for (const side of ['width', 'height'] as const) {
    check.number(`size.${side}`, given[side], { min: 1, max: 65_536, integer: true });
  }
}

/** A TIFF that is cut off makes libtiff complain and go on; the other formats know. */
function failOn({ format }: ImageHeader): 'error' | 'truncated' {
  return format === 'tiff' ? 'error' : 'truncated';
}

function headerOf({ format, width, height, orientation = 1, depth }: Metadata): ImageHeader {
  if (!FORMATS.includes(format)) throw new Error(`a file of the format ${format}`);
  const turned = orientation >= 5 && orientation <= 8;
  const [w, h] = turned ? [height, width] : [width, height];
  return { format, width: w, height: h, orientation, deep: depth !== 'uchar' };
}

async function pixelsOf(image: Sharp): Promise<{ data: Uint8Array; width: number; height: number }> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  if (info.channels === 3) return { data, width: info.width, height: info.height };
  throw new Error(`a picture of ${info.channels} channels`);
}

/** Fails where the pixels do not decode. A small result lets JPEG skip most of the arithmetic. */
async function decodes(image: Sharp): Promise<void> {
  await image.resize(16, 16, { fit: 'fill' }).raw().toBuffer();
}

/** Whether the file ends as its format wants; unknown for those whose end says nothing. */
function endsProperly(format: string, tail: Buffer): boolean {
  if (format === 'jpeg') return tail.lastIndexOf(Buffer.of(0xff, 0xd9)) >= 0;
  if (format === 'png') return tail.includes('IEND');
  return format === 'webp' || format === 'gif' || format === 'heif'; // their headers say how long they are
}

async function readEnds(path: string): Promise<{ head: Buffer; tail: Buffer; size: number }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (length: number, from: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(Math.max(BITMAP_HEADER_BYTES, LFS_BYTES), 0);
    const from = Math.max(0, size - TAIL_BYTES);
    return { head, tail: await read(size - from, from), size };
  } finally {
    await file.close();
  }
}

/** Errors of reading and decoding, as the one kind that names the file. */
async function named<T>(check: Check, path: string, read: () => Promise<T>): Promise<T> {
  try {
    // A pipe is only opened when somebody writes to it, and what a device gives may have no end.
    if (!(await stat(path)).isFile()) throw new Error('no regular file');
    return await read();
  } catch (cause) {
    check.fail('ERR_DATA', path, 'a picture', reasonOf((cause as Error).message), { cause });
  }
}

/** What libvips, libjpeg and the file system say, in the words of this package. */
function reasonOf(message: string): string {
  const line = message.trim().split('\n')[0]?.replace(/:$/, '') ?? '';
  if (/^unknown error$/i.test(line)) return 'a file that is cut off or damaged';
  if (/premature end|read error|end of .*data|bad seek|unable to parse|cut off/i.test(line))
    return `a file that is cut off or damaged (${line})`;
  if (/exceeds pixel limit/i.test(line)) return 'one of more than 16383 x 16383 pixels';
  if (/unsupported image format/i.test(line)) return 'a file that is no picture (by its content)';
  return line;
}
