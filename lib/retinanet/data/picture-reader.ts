// The pictures of files in frames, as many of them kept as there is room for.
import { Check } from '../../arguments/check.js';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { type DecodedImage, decodeImage } from './images.js';
import { type Frame, type Letterbox, placePicture } from './letterbox.js';

/** A file, the size its annotations say it has, and where it lies in the frame. */
export interface Picture {
  path: string;
  width: number;
  height: number;
  place: Letterbox;
}

/** Reads pictures into frames; keeps the resized pixels of as many as there is room for. */
export class PictureReader {
  cachedBytes = 0;
  private readonly pictures: readonly Picture[];
  private readonly frame: Required<Frame>;
  private readonly cacheBytes: number;
  private readonly cache = new Map<number, Uint8Array>();

  constructor(pictures: readonly Picture[], frame: Required<Frame>, cacheBytes: number) {
    this.pictures = pictures;
    this.frame = frame;
    this.cacheBytes = cacheBytes;
  }

  /** @throws RetinanetOpsError `ERR_DTYPE` or `ERR_RANGE` where there is none */
  picture(operation: string, index: number): Picture {
    const range = { min: 0, max: this.pictures.length - 1, integer: true };
    return this.pictures[new Check(operation).number('index', index, range)]!;
  }

  /** Writes a picture's frame into `out` [H, W, 3]. */
  async read(index: number, out: Uint8Array): Promise<void> {
    const picture = this.picture('read', index);
    const { imageHeight, imageWidth } = this.frame;
    new Check('read').array('Uint8Array', 'out', out, imageHeight * imageWidth * 3, '[H, W, 3]');
    const pixels = this.cache.get(index) ?? (await decode(picture));
    this.keep(index, pixels);
    placePicture(pixels, picture.place, this.frame, out);
  }

  /** A picture as it is in its file, upright. */
  async whole(index: number): Promise<DecodedImage> {
    const { path, ...size } = this.picture('picture', index);
    return requireSize(path, size, await decodeImage(path));
  }

  private keep(index: number, pixels: Uint8Array): void {
    if (this.cache.has(index) || this.cachedBytes + pixels.byteLength > this.cacheBytes) return;
    this.cache.set(index, pixels);
    this.cachedBytes += pixels.byteLength;
  }
}

async function decode({ path, width, height, place }: Picture): Promise<Uint8Array> {
  const image = await decodeImage(path, { width: place.width, height: place.height });
  return requireSize(path, { width, height }, image).data;
}

/** Boxes are of a picture of the size that its annotations say. */
function requireSize(
  path: string,
  { width, height }: { width: number; height: number },
  image: DecodedImage,
): DecodedImage {
  const { originalWidth, originalHeight } = image;
  if (originalWidth === width && originalHeight === height) return image;
  const sizes = [`${width}x${height}`, `${originalWidth}x${originalHeight}`] as const;
  const message = `pictures: expected ${sizes[0]} pixels, as annotated, for ${path}, received ${sizes[1]}`;
  throw new RetinanetOpsError('ERR_DATA', message);
}
