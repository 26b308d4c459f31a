// How a picture of any size gets a frame of its own, as torchvision's GeneralizedRCNNTransform makes it: enlarged or shrunk by bilinear
// interpolation without smoothing, and filled up at the right and below with what the network sees as nought.
import { FRAME_MULTIPLE, type ResolvedConfig } from '../model/config.js';

/** A decoded picture. */
export interface Picture {
  /** [height, width, 3] red, green, blue, 0..255. */
  data: Uint8Array;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
}

/** Pixels of the picture in its frame, and of the frame. */
export interface OwnFrame {
  width: number;
  height: number;
  imageWidth: number;
  imageHeight: number;
}

const { fround } = Math;

/** The scale is a float32 as in torchvision, where 480 pixels may become 799 for 800. */
export function ownFrame(
  picture: { width: number; height: number },
  shorterSide: number,
  longerSide: number,
): OwnFrame {
  const [least, most] = [Math.min(picture.width, picture.height), Math.max(picture.width, picture.height)];
  const scale = Math.min(fround(shorterSide / least), fround(longerSide / most));
  const size = (side: number) => Math.max(1, Math.floor(side * scale));
  const frame = (side: number) => Math.ceil(size(side) / FRAME_MULTIPLE) * FRAME_MULTIPLE;
  const { width, height } = picture;
  return { width: size(width), height: size(height), imageWidth: frame(width), imageHeight: frame(height) };
}

/** [imageHeight, imageWidth, 3] of the picture and of `pixelMean` beside it. */
export function fillFrame(picture: Picture, frame: OwnFrame, pixelMean: ResolvedConfig['pixelMean']): Float32Array {
  const { width, height, imageWidth, imageHeight } = frame;
  const out = new Float32Array(imageHeight * imageWidth * 3);
  for (let i = 0; i < imageWidth * 3; i++) out[i] = pixelMean[i % 3]!;
  for (let y = 1; y < imageHeight; y++) out.copyWithin(y * imageWidth * 3, 0, imageWidth * 3);
  const columns = taps(picture.width, width);
  const rows = taps(picture.height, height);
  const { data } = picture;
  const rowValues = picture.width * 3;
  for (let y = 0; y < height; y++) {
    const [above, below] = [rows.first[y]! * rowValues, rows.second[y]! * rowValues];
    const down = rows.share[y]!;
    let to = y * imageWidth * 3;
    for (let x = 0; x < width; x++) {
      const [left, right, across] = [columns.first[x]! * 3, columns.second[x]! * 3, columns.share[x]!];
      for (let c = 0; c < 3; c++) {
        const upper = data[above + left + c]! * (1 - across) + data[above + right + c]! * across;
        const lower = data[below + left + c]! * (1 - across) + data[below + right + c]! * across;
        out[to++] = upper * (1 - down) + lower * down;
      }
    }
  }
  return out;
}

/** Of each pixel that is made, the two that it is made of, and the share of the second. Positions are float32 as in PyTorch. */
function taps(from: number, to: number) {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const share = new Float32Array(to);
  const scale = fround(from / to);
  for (let i = 0; i < to; i++) {
    const position = Math.max(0, fround(scale * (i + 0.5) - 0.5));
    first[i] = Math.min(Math.floor(position), from - 1);
    second[i] = Math.min(first[i]! + 1, from - 1);
    share[i] = Math.min(1, position - first[i]!);
  }
  return { first, second, share };
}

/** Boxes [n, 4] of a frame as boxes of its picture. */
export function boxesOfPicture(boxes: Float32Array, frame: OwnFrame, picture: { width: number; height: number }) {
  const [x, y] = [fround(picture.width / frame.width), fround(picture.height / frame.height)];
  return boxes.map((value, i) => value * (i % 2 === 0 ? x : y));
}
