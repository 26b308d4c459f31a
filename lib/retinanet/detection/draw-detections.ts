// What was found, drawn on the picture.
import { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { number, oneOf, value, type OptionsOf } from '../../arguments/options.js';
import { decodeImage, type DecodedImage } from '../data/images.js';
import { loadSharp } from '../data/sharp.js';
import { boxesWithLabels, boxOutline, type Rect, strokesFor, svg } from '../drawing/overlay.js';
import { classColour } from '../drawing/palette.js';

/** What pictures with detections are written as. */
export type DrawingFormat = 'png' | 'jpeg' | 'webp';
const FORMATS: readonly DrawingFormat[] = ['png', 'jpeg', 'webp'];
const QUALITY = 92;
const BAND_PIXELS = 2 ** 20;

const OPTIONS = {
  /** [K] names of the classes. Default: their numbers. */
  classNames: value<readonly string[], readonly string[]>(
    (check, argument, given) => check.strings(argument, given),
    [],
  ),
  /** In [0, 1]: weaker detections are not drawn. Default 0. */
  minScore: number({ min: 0, max: 1, default: 0 }),
  /** [n, 4] true boxes in pixels of the picture, drawn dashed in white under what was found. Default: none. */
  truth: value<Float32Array>(),
  /** The drawing is larger than the picture by this factor. Default 1. */
  scale: number({ min: 0.01, max: 100, default: 1 }),
  /** What the bytes are. Default `png`. */
  format: oneOf(FORMATS, 'png'),
};

/** Options of `drawDetections`. */
export interface DrawOptions extends OptionsOf<typeof OPTIONS> {}

/** What was found in one picture: what `detectFiles` gives, or one image's share of what `detect` gives. */
export interface FoundObjects {
  /** [n, 4] x1, y1, x2, y2 in pixels of the upright picture. */
  boxes: Float32Array;
  /** [n] */
  scores: Float32Array;
  /** [n] */
  labels: Int32Array;
}

/**
 * Draws boxes with names and scores on a picture, upright. Classes have colours of their own; lines and letters follow the size of
 * the picture. Text needs no installed fonts where it is Latin, Greek or Cyrillic.
 *
 * @param picture path of a file, or its pixels
 * @returns the bytes of a PNG, JPEG or WebP of the size of the picture, times `scale`
 * @throws RetinanetOpsError `ERR_DATA` naming a file that is no picture or damaged; `ERR_DTYPE`, `ERR_SHAPE`, `ERR_RANGE`, `ERR_LABEL`,
 *   `ERR_BOX` or `ERR_OPTION` for arguments that don't fit; `ERR_BACKEND` where the package sharp is not installed
 */
export async function drawDetections(
  picture: string | Pick<DecodedImage, 'data' | 'width' | 'height'>,
  detections: FoundObjects,
  options: DrawOptions = {},
): Promise<Uint8Array> {
  const check = new Check('drawDetections');
  if (typeof picture !== 'string') checkPixels(check, picture);
  const { classNames, minScore, scale, format, ...given } = check.options('options', options, OPTIONS);
  const { boxes, scores, labels } = checkFound(check, detections, classNames.length);
  const truth = check.array('Float32Array', 'truth', given.truth ?? new Float32Array());
  check.boxes('truth', truth, { area: false });
  const sharp = await loadSharp();
  const { data, width, height } = typeof picture === 'string' ? await decodeImage(picture) : picture;
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale))) as [number, number];
  const rectOf = (of: Float32Array, row: number): Rect => {
    const [x1, y1, x2, y2] = of.subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
    return { x: x1 * scale, y: y1 * scale, width: (x2 - x1) * scale, height: (y2 - y1) * scale };
  };
  const strokes = strokesFor({ width: w, height: h });
  const dash = `${(2 * strokes.line).toFixed(1)} ${(1.5 * strokes.line).toFixed(1)}`;
  const truths = Array.from({ length: truth.length / 4 }, (_, row) =>
    boxOutline(rectOf(truth, row), '#ffffff', Math.max(2, 0.6 * strokes.line), dash),
  );
  const found = Array.from(scores.keys())
    .filter((row) => scores[row]! >= minScore)
    .map((row) => {
      const [label, score] = [labels[row]!, `${Math.round(scores[row]! * 100)}%`];
      return { ...rectOf(boxes, row), colour: classColour(label), name: classNames[label] ?? String(label), score };
    });
  const content = truths.join('') + boxesWithLabels(found, { x: 0, y: 0, width: w, height: h }, strokes);
  const raw = { width: w, height: h, channels: 3 } as const;
  const ground =
    scale === 1
      ? typeof picture === 'string'
        ? data
        : Uint8Array.from(data)
      : await sharp(data, { raw: { ...raw, width, height } })
          .resize(w, h, { kernel: 'cubic', fit: 'fill' })
          .raw()
          .toBuffer();
  await drawOver(sharp, ground, { width: w, height: h }, content);
  const drawing = sharp(ground, { raw });
  if (format === 'png') return drawing.png().toBuffer();
  // Colours of thin lines as sharp as their brightness.
  const lossy = { quality: QUALITY, chromaSubsampling: '4:4:4', smartSubsample: true };
  return (format === 'jpeg' ? drawing.jpeg(lossy) : drawing.webp(lossy)).toBuffer();
}

/**
 * Draws SVG over pixels [height, width, 3], in bands: an overlay of a whole photograph would take more memory than all else, and more
 * than the allocator soon finds again.
 */
async function drawOver(
  sharp: Awaited<ReturnType<typeof loadSharp>>,
  pixels: Uint8Array,
  { width, height }: { width: number; height: number },
  content: string,
): Promise<void> {
  const most = Math.max(1, Math.floor(BAND_PIXELS / width));
  for (let top = 0; top < height; top += most) {
    const rows = Math.min(most, height - top);
    const band = pixels.subarray(top * width * 3, (top + rows) * width * 3);
    const drawn = await sharp(band, { raw: { width, height: rows, channels: 3 } })
      .composite([{ input: Buffer.from(svg(width, rows, content, top)) }])
      .removeAlpha()
      .raw()
      .toBuffer();
    band.set(drawn);
  }
}

function checkPixels(check: Check, given: unknown): void {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given) && !ArrayBuffer.isView(given);
  if (!isObject) check.fail('ERR_DTYPE', 'picture', 'a path, or pixels with their size,', describe(given));
  const { data, width, height } = given as DecodedImage;
  const side = { min: 1, max: 65_536, integer: true };
  check.number('picture.width', width, side);
  check.number('picture.height', height, side);
  check.array('Uint8Array', 'picture.data', data, width * height * 3, '[height, width, 3]');
}

/** `count` classes; any where it is 0. */
function checkFound(check: Check, given: unknown, count: number): FoundObjects {
  const { boxes, scores, labels } = check.fields<FoundObjects>('detections', given, ['boxes', 'scores', 'labels']);
  check.array('Float32Array', 'detections.boxes', boxes);
  const rows = check.boxes('detections.boxes', boxes, { area: false });
  check.array('Float32Array', 'detections.scores', scores, rows, '(one per box)');
  check.array('Int32Array', 'detections.labels', labels, rows, '(one per box)');
  check.labels('detections.labels', labels, 0, count > 0 ? count : undefined);
  return { boxes, scores, labels };
}
