// Pictures of a data set on one sheet, with their boxes: what the annotations say, seen at a glance.
import { join } from 'node:path';
import type { OverlayOptions } from 'sharp';
import type { ImageFit } from './anchor-fit.js';
import type { BoxEdges } from './annotations.js';
import { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { boxOutline, type Rect, svg } from '../drawing/overlay.js';
import { fittingText, svgText, textWidth } from '../drawing/text.js';
import { baseOf } from './files.js';
import { decodeImage } from './images.js';
import { loadSharp } from './sharp.js';

const COLUMNS = 6;
const [TILE, CAPTION, GAP, LEGEND] = [240, 20, 8, 30];
const REACHED = '#1fd16b';
const UNREACHED = '#ff4d4d';
const DIFFICULT = '#ffb000';
const PAPER = '#14181f';
const INK = '#e8ecf2';

/** What is drawn on a contact sheet. */
export interface SheetOptions {
  /** The folder that the images are relative to. */
  root: string;
  /** Images at most. Default 24. */
  count?: number;
}

/**
 * A PNG of pictures with their boxes, green where an anchor reaches them, red where none does, dashed where difficult; regions to ignore
 * are shaded. Half of the pictures are such as have a box that no anchor reaches, where there are so many.
 *
 * @param fits what inspectDataset gives as `reached`
 * @returns the bytes of the PNG
 * @throws RetinanetOpsError `ERR_DATA` where an image does not decode; `ERR_DTYPE` or `ERR_RANGE` for bad arguments;
 *   `ERR_BACKEND` where sharp is missing
 */
export async function contactSheet(fits: readonly ImageFit[], options: SheetOptions): Promise<Uint8Array> {
  const check = new Check('contactSheet');
  if (!Array.isArray(fits)) check.fail('ERR_DTYPE', 'fits', 'an Array', describe(fits));
  const { root, count = 24 } = check.fields<SheetOptions>('options', options, ['root', 'count'], true);
  check.string('options.root', root);
  check.number('options.count', count, { min: 1, max: 1000, integer: true });
  const sharp = await loadSharp();
  const chosen = choose(fits, count);
  const columns = Math.min(COLUMNS, Math.max(1, chosen.length));
  const width = columns * (TILE + GAP) + GAP;
  const tiles: OverlayOptions[] = [];
  let top = LEGEND;
  for (let first = 0; first < chosen.length; first += columns) {
    const row = chosen.slice(first, first + columns).map((fit) => ({ fit, size: sizeIn(fit.image) }));
    const rowHeight = Math.max(...row.map(({ size }) => size.height));
    for (const [i, { fit, size }] of row.entries()) {
      const [left, y] = [GAP + i * (TILE + GAP), top + rowHeight - size.height];
      const x = left + Math.floor((TILE - size.width) / 2);
      const { data } = await decodeImage(join(root, fit.image.file), size);
      tiles.push({ input: Buffer.from(data), raw: { ...size, channels: 3 }, left: x, top: y });
      tiles.push({ input: Buffer.from(boxesOf(fit, size)), left: x, top: y });
      tiles.push({ input: Buffer.from(captionOf(fit)), left, top: top + rowHeight });
    }
    top += rowHeight + CAPTION + GAP;
  }
  tiles.push({ input: Buffer.from(legend(width)), left: 0, top: 0 });
  return sharp({ create: { width, height: top, channels: 3, background: PAPER } })
    .composite(tiles)
    .removeAlpha()
    .png()
    .toBuffer();
}

/** Half with a box that no anchor reaches, evenly over the set; the others likewise. In the order of the set. */
function choose(fits: readonly ImageFit[], count: number): ImageFit[] {
  const isPoor = ({ reached }: ImageFit) => reached.includes(false);
  const [poor, good] = [fits.filter(isPoor), fits.filter((fit) => !isPoor(fit))];
  const fromGood = Math.min(good.length, Math.max(Math.ceil(count / 2), count - poor.length));
  const chosen = new Set([...evenly(good, fromGood), ...evenly(poor, count - fromGood)]);
  return fits.filter((fit) => chosen.has(fit));
}

function evenly<T>(items: readonly T[], count: number): T[] {
  const n = Math.min(count, items.length);
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)]!);
}

/** Pixels that a picture has in its tile. */
function sizeIn({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(TILE / width, TILE / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function boxesOf({ image, reached }: ImageFit, { width, height }: { width: number; height: number }): string {
  const scale = width / image.width;
  const rectOf = ([x1, y1, x2, y2]: BoxEdges): Rect => ({
    ...{ x: x1 * scale, y: y1 * scale },
    ...{ width: (x2 - x1) * scale, height: (y2 - y1) * scale },
  });
  const ignored = image.ignore.map((edges) => {
    const { x, y, width: w, height: h } = rectOf(edges);
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${h.toFixed(1)}" fill="#888" fill-opacity="0.5"/>`;
  });
  const boxes = image.boxes.map(({ box, difficult }, i) => {
    // Thicker as well, for those who see no difference between red and green.
    const [colour, line] = reached[i] ? [REACHED, 2] : [UNREACHED, 3.5];
    return boxOutline(rectOf(box), colour, line, difficult ? '4 3' : undefined);
  });
  return svg(width, height, [...ignored, ...boxes].join(''));
}

const TEXT = { size: 12, fill: INK };

function captionOf({ image, reached }: ImageFit): string {
  const missed = reached.filter((is) => !is).length;
  const boxes = `${image.boxes.length} ${image.boxes.length === 1 ? 'box' : 'boxes'}${missed > 0 ? `, ${missed} not reached` : ''}`;
  const name = fittingText(baseOf(image.file), TILE - textWidth(boxes, TEXT) - 8, TEXT);
  return svg(TILE, CAPTION, svgText(name, 0, 14, TEXT) + svgText(boxes, TILE, 14, { ...TEXT, anchor: 'end' }));
}

function legend(width: number): string {
  const entries = [
    [REACHED, 'an anchor reaches it'],
    [UNREACHED, 'none does'],
    [DIFFICULT, 'dashed: difficult'],
    ['#888888', 'shaded: ignored'],
  ] as const;
  const drawn = entries.map(([colour, content], i) => {
    const x = GAP + i * 160;
    const mark =
      colour === DIFFICULT
        ? `<rect x="${x}" y="9" width="14" height="12" fill="none" stroke="${INK}" stroke-dasharray="4 3"/>`
        : `<rect x="${x}" y="9" width="14" height="12" fill="${colour}"/>`;
    return mark + svgText(content, x + 20, 20, TEXT);
  });
  return svg(width, LEGEND, drawn.join(''));
}
