// Windows bitmaps, which sharp does not read: 1, 4, 8, 16, 24 and 32 bits, upright or upside down, without compression. Layout:
// Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER.

/** RGB pixels of a picture, [height, width, 3]. */
export interface Bitmap {
  data: Uint8Array;
  width: number;
  height: number;
}

/** What the headers say. `start`: first byte of the pixels; `rowBytes`: bytes of a row, padded to four. */
export interface BitmapHeader {
  width: number;
  height: number;
  bits: number;
  start: number;
  rowBytes: number;
  topDown: boolean;
  colours: number;
  headerBytes: number;
  masks: [red: number, green: number, blue: number];
}

/** Bytes that readBitmapHeader wants to see. */
export const BITMAP_HEADER_BYTES = 66;

const BITFIELDS = [3, 6];
const MASKS: Record<number, [number, number, number]> = {
  16: [0x7c00, 0x03e0, 0x001f],
  32: [0xff0000, 0x00ff00, 0x0000ff],
};

export function isBitmap(bytes: Uint8Array): boolean {
  return bytes.length >= 26 && bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/** @throws Error saying what is unusual about it */
export function readBitmapHeader(bytes: Uint8Array): BitmapHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(14, true);
  const isCore = headerBytes === 12; // of OS/2: lengths in 16 bits
  if (bytes.length < (isCore ? 26 : 54)) throw new Error('a bitmap that ends within its header');
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? 0 : view.getUint32(30, true);
  const hasMasks = BITFIELDS.includes(compression) && (bits === 16 || bits === 32);
  if (compression !== 0 && !hasMasks) throw new Error('a compressed bitmap: convert it to PNG');
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new Error(`a bitmap of ${bits} bits per pixel`);
  const height = Math.abs(signedHeight);
  if (!(width > 0 && height > 0 && width * height <= 2 ** 28)) throw new Error(`a bitmap of ${width}x${height} pixels`);
  if (hasMasks && bytes.length < 66) throw new Error('a bitmap that ends within its header');
  const mask = (i: number) => view.getUint32(54 + 4 * i, true);
  return {
    width,
    height,
    bits,
    start: view.getUint32(10, true),
    rowBytes: 4 * Math.ceil((width * bits) / 32),
    topDown: signedHeight < 0,
    colours: isCore ? 0 : view.getUint32(46, true),
    headerBytes,
    masks: hasMasks ? [mask(0), mask(1), mask(2)] : (MASKS[bits] ?? [0, 0, 0]),
  };
}

/** Bytes that a file with this header must have. */
export function bitmapBytes({ start, rowBytes, height }: BitmapHeader): number {
  return start + rowBytes * height;
}

/** @throws Error saying what is unusual about it, or that it is cut off */
export function readBitmap(bytes: Uint8Array): Bitmap {
  const header = readBitmapHeader(bytes);
  if (bytes.length < bitmapBytes(header)) throw new Error('a bitmap that is cut off');
  const { width, height, rowBytes, start, topDown } = header;
  const data = new Uint8Array(width * height * 3);
  const colourOf = pixelReader(bytes, header);
  for (let y = 0, at = 0; y < height; y++) {
    const row = start + rowBytes * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++, at += 3) {
      const colour = colourOf(row, x);
      data[at] = colour >>> 16;
      data[at + 1] = (colour >>> 8) & 255;
      data[at + 2] = colour & 255;
    }
  }
  return { data, width, height };
}

/** A function that gives the colour 0xRRGGBB of the pixel x of the row that begins at a byte. */
function pixelReader(bytes: Uint8Array, header: BitmapHeader): (row: number, x: number) => number {
  const { bits, headerBytes, colours, start, masks } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bits === 24) return (row, x) => (view.getUint16(row + 3 * x + 1, true) << 8) | bytes[row + 3 * x]!;
  if (bits > 8) {
    const [red, green, blue] = masks.map(channelReader) as [Channel, Channel, Channel];
    return (row, x) => {
      const pixel = bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
      return (red(pixel) << 16) | (green(pixel) << 8) | blue(pixel);
    };
  }
  const entryBytes = headerBytes === 12 ? 3 : 4;
  const first = 14 + headerBytes;
  const count = Math.min(colours || 2 ** bits, Math.floor((start - first) / entryBytes));
  const palette = Array.from({ length: count }, (_, i) => {
    const entry = first + i * entryBytes;
    return (bytes[entry + 2]! << 16) | (bytes[entry + 1]! << 8) | bytes[entry]!;
  });
  const perByte = 8 / bits;
  return (row, x) => {
    const shift = 8 - bits * ((x % perByte) + 1);
    return palette[(bytes[row + Math.floor(x / perByte)]! >>> shift) & (2 ** bits - 1)] ?? 0;
  };
}

type Channel = (pixel: number) => number;

/** Scales the bits under a mask to 0..255. */
function channelReader(mask: number): Channel {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / most);
}
