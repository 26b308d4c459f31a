import { decodeImage, type DetectionDataset, type Detections, drawDetections } from 'retinanet-ops/retinanet';
import sharp, { type OverlayOptions } from 'sharp';
import { classColour, INK } from '#lib/retinanet/drawing/palette.js';
import { svg } from '#lib/retinanet/drawing/overlay.js';
import { svgText, textWidth } from '#lib/retinanet/drawing/text.js';

export interface DrawOptions {
  /** How many images to show, and how many in a row. */
  count: number;
  columns: number;
  /** Enlargement of every image: lines and labels stay crisp. */
  zoom: number;
  /** Detections below this score are not drawn. */
  minScore: number;
  title: string;
  /** The file of image i, where it shows more than the pixels that the network saw. */
  fileOf?: (index: number) => string | undefined;
}

const GAP = 12;
const HEADER = 64;
const PAPER = '#ffffff';

/** Title at the left; what the lines mean and the colour of every class at the right. */
function header(width: number, classNames: string[], title: string): string {
  const style = { size: 14, fill: INK };
  let content = svgText(title, GAP, 25, { size: 18, bold: true, fill: INK });
  let x = GAP;
  const y = 51;
  content += `<rect x="${String(x)}" y="${String(y - 13)}" width="27" height="17" rx="3" fill="#59626f"/>`;
  content += `<rect x="${String(x + 4.5)}" y="${String(y - 9.5)}" width="18" height="10" fill="none" stroke="#ffffff" stroke-dasharray="4 3"/>`;
  content += svgText('true box', x + 34, y, style);
  x += 34 + textWidth('true box', style) + 24;
  content += svgText('detected, with score:', x, y, style);
  x += textWidth('detected, with score:', style) + 10;
  for (const [k, name] of classNames.entries()) {
    const advance = 19 + textWidth(name, style) + 12;
    if (x + advance > width - GAP) break;
    content += `<rect x="${x.toFixed(1)}" y="${String(y - 11)}" width="13" height="13" rx="3" fill="${classColour(k)}"/>`;
    content += svgText(name, x + 19, y, style);
    x += advance;
  }
  return svg(width, HEADER, content);
}

/** Size in pixels of the picture that {@link drawGrid} makes. */
export function pictureSize(truth: DetectionDataset, { count, columns, zoom }: DrawOptions) {
  const shown = Math.min(count, truth.length);
  const across = Math.min(columns, shown);
  const rows = Math.ceil(shown / across);
  return {
    width: across * (truth.imageWidth * zoom + GAP) + GAP,
    height: rows * (truth.imageHeight * zoom + GAP) + HEADER,
  };
}

/** Image i, enlarged. */
async function pixelsOf({ images, imageWidth, imageHeight }: DetectionDataset, i: number, options: DrawOptions) {
  const size = { width: imageWidth * options.zoom, height: imageHeight * options.zoom };
  const file = options.fileOf?.(i);
  if (file !== undefined) return decodeImage(file, size);
  const bytes = imageWidth * imageHeight * 3;
  const raw = { width: imageWidth, height: imageHeight, channels: 3 } as const;
  const data = await sharp(images.slice(i * bytes, (i + 1) * bytes), { raw })
    .resize({ ...size, kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer();
  return { data, ...size };
}

/** A PNG with the first images of a data set in a grid, what was detected in them and what is really there. */
export async function drawGrid(truth: DetectionDataset, found: Detections, options: DrawOptions): Promise<Buffer> {
  const { count, columns, zoom, title, minScore } = options;
  const { classNames, imageWidth: width, imageHeight: height } = truth;
  const size = pictureSize(truth, options);
  const layers: OverlayOptions[] = [{ input: Buffer.from(header(size.width, classNames, title)), left: 0, top: 0 }];
  for (let i = 0; i < Math.min(count, truth.length); i++) {
    const [first, end] = [found.offsets[i] ?? 0, found.offsets[i + 1] ?? 0];
    const zoomed = (boxes: Float32Array) => boxes.map((edge) => edge * zoom);
    const objects = {
      boxes: zoomed(found.boxes.slice(4 * first, 4 * end)),
      scores: found.scores.slice(first, end),
      labels: found.labels.slice(first, end),
    };
    const truths = zoomed(truth.boxes.slice(4 * (truth.offsets[i] ?? 0), 4 * (truth.offsets[i + 1] ?? 0)));
    const drawn = await drawDetections(await pixelsOf(truth, i, options), objects, {
      ...{ classNames, minScore, truth: truths },
    });
    const left = GAP + (i % columns) * (width * zoom + GAP);
    layers.push({ input: Buffer.from(drawn), left, top: HEADER + Math.floor(i / columns) * (height * zoom + GAP) });
  }
  return sharp({ create: { ...size, channels: 3, background: PAPER } })
    .composite(layers)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
