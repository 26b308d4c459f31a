import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype, { type Font, type Path } from 'opentype.js';

// Text is drawn as outlines of a font that comes from npm: a bare machine has no fonts, and others have different ones.
const require = createRequire(import.meta.url);

function loadFont(weight: 400 | 600): Font {
  const path = require.resolve(`@fontsource/source-sans-3/files/source-sans-3-latin-${String(weight)}-normal.woff`);
  return opentype.parse(new Uint8Array(readFileSync(path)).buffer);
}

const fonts = new Map<boolean, Font>();

function fontOf(bold: boolean): Font {
  let font = fonts.get(bold);
  if (!font) {
    font = loadFont(bold ? 600 : 400);
    fonts.set(bold, font);
  }
  return font;
}

export interface TextStyle {
  size: number;
  bold?: boolean;
  fill?: string;
  anchor?: 'start' | 'middle' | 'end';
}

function pathData({ commands }: Path): string {
  return commands
    .map(({ type, x1, y1, x2, y2, x, y }) => {
      const numbers = [x1, y1, x2, y2, x, y].filter((value) => value !== undefined);
      return type + numbers.map((value) => value.toFixed(2)).join(' ');
    })
    .join('');
}

/** Calls `visit` with every glyph of a text and its distance from the start; returns the width. */
function layout(text: string, font: Font, size: number, visit?: (path: string) => void): number {
  const scale = size / font.unitsPerEm;
  let x = 0;
  let previous;
  for (const character of text) {
    const glyph = font.charToGlyph(character);
    if (previous) x += font.getKerningValue(previous, glyph) * scale;
    visit?.(pathData(glyph.getPath(x, 0, size)));
    x += (glyph.advanceWidth ?? 0) * scale;
    previous = glyph;
  }
  return x;
}

/** Width of a text in pixels. */
export function textWidth(text: string, { size, bold = false }: Pick<TextStyle, 'size' | 'bold'>): number {
  return layout(text, fontOf(bold), size);
}

/** Outlines of a text as SVG path data, its baseline starting at 0, 0. */
export function textPath(text: string, { size, bold = false }: Pick<TextStyle, 'size' | 'bold'>): string {
  let data = '';
  layout(text, fontOf(bold), size, (path) => (data += path));
  return data;
}

/** An SVG element showing a text with its baseline at (x, y). */
export function svgText(text: string, x: number, y: number, style: TextStyle): string {
  const { anchor = 'start', fill = '#000' } = style;
  const shift = anchor === 'start' ? 0 : textWidth(text, style) * (anchor === 'middle' ? 0.5 : 1);
  return `<path transform="translate(${(x - shift).toFixed(2)} ${y.toFixed(2)})" fill="${fill}" d="${textPath(text, style)}"/>`;
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
