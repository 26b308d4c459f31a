// Boxes and their labels over a picture, as SVG.
import { INK } from './palette.js';
import { fittingText, svgText, textWidth } from './text.js';

/** In pixels of the drawing. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A box that is drawn. */
export interface DrawnBox extends Rect {
  colour: string;
  /** Of the label, in bold; without it the box has none. */
  name?: string;
  /** Behind the name. */
  score?: string;
}

/** Widths and sizes of what is drawn, in pixels. */
export interface Strokes {
  /** Width of a line. */
  line: number;
  /** Size of the letters. */
  text: number;
}

/** Lines and letters that are to a large picture what they are to a small one, and never too thin to see. */
export function strokesFor({ width, height }: { width: number; height: number }): Strokes {
  const side = (width + height) / 2;
  return { line: Math.max(2, side * 0.004), text: Math.max(11, side * 0.024) };
}

/** An SVG document; the content above `top` is cut off. */
export function svg(width: number, height: number, content: string, top = 0): string {
  const view = top === 0 ? '' : ` viewBox="0 ${top} ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"${view}>${content}</svg>`;
}

/** A box's outline, darkened beside the line, so that it shows on any ground. */
export function boxOutline({ x, y, width, height }: Rect, colour: string, line: number, dash?: string): string {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"`;
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  const rect = (stroke: string, strokeWidth: number) =>
    `<rect ${place} rx="${line.toFixed(1)}" fill="none" stroke="${stroke}" stroke-width="${strokeWidth.toFixed(2)}"${dashed}/>`;
  return rect('rgba(0,0,0,0.55)', 1.7 * line) + rect(colour, line);
}

/** The boxes with their labels, those of the first over those of the others, which are weaker. */
export function boxesWithLabels(boxes: readonly DrawnBox[], picture: Rect, { line, text }: Strokes): string {
  const outlines = boxes.map((box) => boxOutline(box, box.colour, line)).reverse();
  const taken: Rect[] = [];
  const labels = boxes.map((box) => labelOf(box, picture, text, taken, boxes)).reverse();
  return [...outlines, ...labels].join('');
}

function labelOf(box: DrawnBox, picture: Rect, text: number, taken: Rect[], boxes: readonly Rect[]): string {
  if (box.name === undefined) return '';
  const [named, scored] = [
    { size: text, bold: true },
    { size: 0.93 * text, bold: false },
  ];
  const pad = 0.3 * text;
  const { score = '' } = box;
  const scoreWidth = score === '' ? 0 : textWidth(score, scored) + pad;
  const name = fittingText(box.name, picture.width - scoreWidth - 2 * pad, named);
  const nameWidth = textWidth(name, named);
  const [width, height] = [nameWidth + scoreWidth + 2 * pad, 1.2 * text];
  const place = placeLabel(box, width, height, picture, taken, boxes);
  taken.push(place);
  const baseline = place.y + 0.92 * text;
  return (
    `<rect x="${place.x.toFixed(1)}" y="${place.y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" ` +
    `rx="${(0.2 * text).toFixed(1)}" fill="${box.colour}" fill-opacity="0.94"/>` +
    svgText(name, place.x + pad, baseline, { ...named, fill: INK }) +
    (score === '' ? '' : svgText(score, place.x + 2 * pad + nameWidth, baseline, { ...scored, fill: INK }))
  );
}

/** Puts a label above, below or beside its box: wherever it stays in the picture and covers least of other labels and boxes. */
function placeLabel(
  box: Rect,
  width: number,
  height: number,
  picture: Rect,
  labels: readonly Rect[],
  boxes: readonly Rect[],
): Rect {
  const left = Math.min(Math.max(0, box.x - 1), picture.width - width);
  const right = Math.min(Math.max(0, box.x + box.width + 1 - width), picture.width - width);
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
    // Costs are areas: what lies outside counts most, and an earlier place is worth a few pixels.
    let cost = 4 * (width * height - overlapArea(candidate, picture)) + 2 * i;
    for (const other of labels) cost += overlapArea(candidate, other);
    for (const other of boxes) cost += 0.2 * overlapArea(candidate, other);
    if (cost < bestCost) [best, bestCost] = [candidate, cost];
  }
  return best;
}

function overlapArea(a: Rect, b: Rect): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
