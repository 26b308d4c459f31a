// Text as outlines of a font that comes from npm: a bare machine has no fonts, and others have different ones.
import { readFileSync } from 'node:fs';
import opentype, { type Font, type Glyph, type Path } from 'opentype.js';
import { nodeRequire } from '../../runtime/location.js';

/** Files of the font, each with other letters. */
const SUBSETS = ['latin', 'latin-ext', 'greek', 'greek-ext', 'cyrillic', 'cyrillic-ext', 'vietnamese'] as const;
const fonts = new Map<string, Font>();

function load(subset: string, bold: boolean): Font {
  const file = `source-sans-3-${subset}-${bold ? '600' : '400'}-normal.woff`;
  let font = fonts.get(file);
  if (!font) {
    const path = nodeRequire.resolve(`@fontsource/source-sans-3/files/${file}`);
    font = opentype.parse(new Uint8Array(readFileSync(path)).buffer);
    fonts.set(file, font);
  }
  return font;
}

/** The font that has a letter; undefined where none has. */
function fontOf(character: string, bold: boolean): Font | undefined {
  for (const subset of SUBSETS) {
    const font = load(subset, bold);
    if (font.charToGlyph(character).index > 0) return font;
  }
  return undefined;
}

/** How a text looks. */
export interface TextStyle {
  /** Pixels from line to line. */
  size: number;
  bold?: boolean;
  fill?: string;
  /** Which point of the text lies at x. Default `start`. */
  anchor?: 'start' | 'middle' | 'end';
}

type Face = Pick<TextStyle, 'size' | 'bold'>;

function pathData({ commands }: Path): string {
  return commands
    .map(({ type, x1, y1, x2, y2, x, y }) => {
      const numbers = [x1, y1, x2, y2, x, y].filter((value) => value !== undefined);
      return type + numbers.map((value) => value.toFixed(2)).join(' ');
    })
    .join('');
}

/** Calls `visit` with every glyph of a text at its distance from the start; returns the width. */
function layout(text: string, { size, bold = false }: Face, visit?: (path: string) => void): number {
  let x = 0;
  let previous: { font: Font; glyph: Glyph } | undefined;
  for (const character of text) {
    const font = fontOf(character, bold) ?? load('latin', bold);
    const scale = size / font.unitsPerEm;
    const glyph = font.charToGlyph(character);
    if (previous?.font === font) x += font.getKerningValue(previous.glyph, glyph) * scale;
    visit?.(pathData(glyph.getPath(x, 0, size)));
    x += (glyph.advanceWidth ?? 0) * scale;
    previous = { font, glyph };
  }
  return x;
}

/** Whether the font has all letters. */
function isCovered(text: string, bold = false): boolean {
  return Array.from(text).every((character) => fontOf(character, bold));
}

/** Width of a text in pixels; about that of one in a script that the font has not. */
export function textWidth(text: string, face: Face): number {
  if (isCovered(text, face.bold)) return layout(text, face);
  // Letters of Chinese, Japanese, Korean and the like are as wide as they are high.
  return Array.from(text).reduce((sum, character) => sum + (character > '\u2e7f' ? 1 : 0.6) * face.size, 0);
}

/** Outlines of a text as SVG path data, its baseline starting at 0, 0. */
export function textPath(text: string, face: Face): string {
  let data = '';
  layout(text, face, (path) => (data += path));
  return data;
}

/** As XML; characters that it cannot hold, such as those that control terminals, become the sign for what is unreadable. */
const escape = (text: string) =>
  text
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

/** An SVG element showing a text with its baseline at (x, y): outlines, or the system's fonts where the font lacks a letter. */
export function svgText(text: string, x: number, y: number, style: TextStyle): string {
  const { anchor = 'start', fill = '#000', size, bold = false } = style;
  const shift = anchor === 'start' ? 0 : textWidth(text, style) * (anchor === 'middle' ? 0.5 : 1);
  const [left, baseline] = [(x - shift).toFixed(2), y.toFixed(2)];
  if (!isCovered(text, bold)) {
    const font = `font-family="sans-serif" font-size="${size}" font-weight="${bold ? 600 : 400}"`;
    return `<text x="${left}" y="${baseline}" ${font} fill="${fill}">${escape(text)}</text>`;
  }
  return `<path transform="translate(${left} ${baseline})" fill="${fill}" d="${textPath(text, style)}"/>`;
}

/** The beginning of a text, as much as a width has room for, with an ellipsis where that is not all. */
export function fittingText(text: string, width: number, face: Face): string {
  if (textWidth(text, face) <= width) return text;
  const letters = Array.from(text);
  while (letters.length > 0 && textWidth(`${letters.join('')}…`, face) > width) letters.pop();
  return `${letters.join('')}…`;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function attribute(attributes: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
}

/** Replaces every `<text>` of an SVG as Vega writes it by outlines. */
export function outlineText(svg: string): string {
  return svg.replace(/<text([^>]*)>([^<]*)<\/text>/g, (_, attributes: string, escaped: string) => {
    const text = escaped.replace(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
    const size = Number.parseFloat(attribute(attributes, 'font-size') ?? '11');
    const style = { size, bold: attribute(attributes, 'font-weight') === 'bold' };
    const width = textWidth(text, style);
    const anchor = attribute(attributes, 'text-anchor');
    const shift = anchor === 'middle' ? -width / 2 : anchor === 'end' ? -width : 0;
    const transform = `${attribute(attributes, 'transform') ?? ''} translate(${shift.toFixed(2)},0)`;
    const opacity = attribute(attributes, 'opacity');
    return `<path transform="${transform}" fill="${attribute(attributes, 'fill') ?? '#000'}"${
      opacity === undefined ? '' : ` opacity="${opacity}"`
    } d="${textPath(text, style)}"/>`;
  });
}
