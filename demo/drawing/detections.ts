import type { DetectionDataset, Detections } from 'retinanet-ops/retinanet';
import sharp, { type OverlayOptions } from 'sharp';
import { classColour } from './palette.js';
import { svgText, textWidth } from './text.js';

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
const INK = '#14181f';
const PAPER = '#ffffff';
const NAME = { size: 13.5, bold: true };
const SCORE = { size: 12.5 };

/** Darkened twice: under the coloured or white line, so that it shows on any ground. */
function boxOutline(x: number, y: number, width: number, height: number, colour: string, line: number, dash?: string) {
  const rect = (stroke: string, strokeWidth: number, extra = '') =>
    `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" ` +
    `rx="2" fill="none" stroke="${stroke}" stroke-width="${String(strokeWidth)}"${extra}/>`;
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  return rect('rgba(0,0,0,0.55)', line + 1.4, dashed) + rect(colour, line, dashed);
}

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

function overlapArea(a: Rect, b: Rect): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Puts a label above, below or beside its box: wherever it stays in the image and covers least of other labels and boxes. */
function placeLabel(box: Rect, width: number, height: number, image: Rect, labels: Rect[], boxes: Rect[]): Rect {
  const left = Math.min(Math.max(0, box.x - 1), image.width - width);
  const right = Math.min(Math.max(0, box.x + box.width + 1 - width), image.width - width);
  const candidates = [
    [left, box.y - height],
    [right, box.y - height],
    [left, box.y + box.height],
    [right, box.y + box.height],
    [box.x + box.width, box.y],
    [box.x - width, box.y],
    [left, box.y],
  ].map(([x = 0, y = 0]): Rect => ({ x, y, width, height }));
  let best: Rect = { x: left, y: Math.max(0, box.y - height), width, height };
  let bestCost = Infinity;
  for (const [i, candidate] of candidates.entries()) {
    const outside = width * height - overlapArea(candidate, image);
    let cost = 4 * outside + 2 * i;
    for (const other of labels) cost += overlapArea(candidate, other);
    for (const other of boxes) cost += 0.2 * overlapArea(candidate, other);
    if (cost < bestCost) [best, bestCost] = [candidate, cost];
  }
  return best;
}

/** The overlay of one image: true boxes dashed in white, detections in their class's colour with name and score. */
function overlay(
  index: number,
  truth: DetectionDataset,
  detections: Detections,
  { zoom, minScore }: DrawOptions,
): string {
  const image: Rect = { x: 0, y: 0, width: truth.imageWidth * zoom, height: truth.imageHeight * zoom };
  const rectOf = (boxes: Float32Array, row: number): Rect => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(row * 4, row * 4 + 4);
    return { x: x1 * zoom, y: y1 * zoom, width: (x2 - x1) * zoom, height: (y2 - y1) * zoom };
  };
  let svg = '';
  for (let row = truth.offsets[index] ?? 0; row < (truth.offsets[index + 1] ?? 0); row++) {
    const { x, y, width, height } = rectOf(truth.boxes, row);
    svg += boxOutline(x, y, width, height, '#ffffff', 1, '4 3');
  }
  const rows: number[] = [];
  for (let row = detections.offsets[index] ?? 0; row < (detections.offsets[index + 1] ?? 0); row++) {
    if ((detections.scores[row] ?? 0) >= minScore) rows.push(row);
  }
  const boxes = rows.map((row) => rectOf(detections.boxes, row));
  const taken: Rect[] = [];
  let labels = '';
  for (const row of rows) {
    const box = rectOf(detections.boxes, row);
    const label = detections.labels[row] ?? 0;
    const colour = classColour(label);
    svg += boxOutline(box.x, box.y, box.width, box.height, colour, 2);
    const name = truth.classNames[label] ?? '?';
    const score = `${Math.round((detections.scores[row] ?? 0) * 100).toFixed(0)}%`;
    const nameWidth = textWidth(name, NAME) + 4;
    const place = placeLabel(box, nameWidth + textWidth(score, SCORE) + 8, 16, image, taken, boxes);
    taken.push(place);
    labels +=
      `<rect x="${place.x.toFixed(1)}" y="${place.y.toFixed(1)}" width="${place.width.toFixed(1)}" height="16" rx="3" ` +
      `fill="${colour}" fill-opacity="0.94"/>` +
      svgText(name, place.x + 4, place.y + 12.5, { ...NAME, fill: INK }) +
      svgText(score, place.x + 4 + nameWidth, place.y + 12.5, { ...SCORE, fill: INK });
  }
  const size = `width="${String(image.width)}" height="${String(image.height)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${svg}${labels}</svg>`;
}

/** Title at the left; what the lines mean and the colour of every class at the right. */
function header(width: number, classNames: string[], title: string): string {
  const style = { size: 14, fill: INK };
  let svg = svgText(title, GAP, 25, { size: 18, bold: true, fill: INK });
  let x = GAP;
  const y = 51;
  svg += `<rect x="${String(x)}" y="${String(y - 13)}" width="27" height="17" rx="3" fill="#59626f"/>`;
  svg += `<rect x="${String(x + 4.5)}" y="${String(y - 9.5)}" width="18" height="10" fill="none" stroke="#ffffff" stroke-dasharray="4 3"/>`;
  svg += svgText('true box', x + 34, y, style);
  x += 34 + textWidth('true box', style) + 24;
  svg += svgText('detected, with score:', x, y, style);
  x += textWidth('detected, with score:', style) + 10;
  for (const [k, name] of classNames.entries()) {
    const advance = 19 + textWidth(name, style) + 12;
    if (x + advance > width - GAP) break;
    svg += `<rect x="${x.toFixed(1)}" y="${String(y - 11)}" width="13" height="13" rx="3" fill="${classColour(k)}"/>`;
    svg += svgText(name, x + 19, y, style);
    x += advance;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(HEADER)}">${svg}</svg>`;
}

/** Size in pixels of the picture that {@link drawDetections} makes. */
export function pictureSize(truth: DetectionDataset, { count, columns, zoom }: DrawOptions) {
  const shown = Math.min(count, truth.length);
  const across = Math.min(columns, shown);
  const rows = Math.ceil(shown / across);
  return {
    width: across * (truth.imageWidth * zoom + GAP) + GAP,
    height: rows * (truth.imageHeight * zoom + GAP) + HEADER,
  };
}

/** A PNG with the first images of a data set in a grid, what was detected in them and what is really there. */
export async function drawDetections(
  truth: DetectionDataset,
  detections: Detections,
  options: DrawOptions,
): Promise<Buffer> {
  const { count, columns, zoom, title } = options;
  const { imageWidth, imageHeight } = truth;
  const { width, height } = pictureSize(truth, options);
  const layers: OverlayOptions[] = [{ input: Buffer.from(header(width, truth.classNames, title)), left: 0, top: 0 }];
  const bytes = imageWidth * imageHeight * 3;
  for (let i = 0; i < Math.min(count, truth.length); i++) {
    const left = GAP + (i % columns) * (imageWidth * zoom + GAP);
    const top = HEADER + Math.floor(i / columns) * (imageHeight * zoom + GAP);
    const file = options.fileOf?.(i);
    const raw = { width: imageWidth, height: imageHeight, channels: 3 } as const;
    const source = file === undefined ? sharp(truth.images.slice(i * bytes, (i + 1) * bytes), { raw }) : sharp(file);
    const image = await source
      .resize(imageWidth * zoom, imageHeight * zoom, { kernel: 'cubic', fit: 'fill' })
      .composite([{ input: Buffer.from(overlay(i, truth, detections, options)) }])
      .png()
      .toBuffer();
    layers.push({ input: image, left, top });
  }
  return sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite(layers)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
