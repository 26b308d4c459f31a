// XML: parsed, or where it is none; the text, numbers and lines of its nodes.
import { XMLParser, XMLValidator, type X2jOptions } from 'fast-xml-parser';
import type { Damage } from './pairs.js';

/** An element with something in it: its elements by name, attributes by '@' and name. */
export type XmlNode = Record<string, unknown>;

const META = XMLParser.getMetaDataSymbol() as unknown as string;

/** A parser that leaves values as they are written. @param arrays elements that may be there several times */
export function xmlParser(arrays: readonly string[], options: X2jOptions = {}): XMLParser {
  return new XMLParser({
    isArray: (name) => arrays.includes(name),
    parseTagValue: false,
    attributeNamePrefix: '@',
    captureMetaData: true,
    ...options,
  });
}

export function parseXml(parser: XMLParser, text: string): { document: XmlNode } | Damage {
  if (text.trim() === '') return { damage: 'an empty file', line: 1 };
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is one more package for this one call
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    // What is not closed is listed, at the first line.
    const isCut = valid.err.msg.startsWith("Invalid '[");
    const damage = isCut ? 'cut off: a tag is not closed' : `not well-formed XML: ${valid.err.msg}`;
    return { damage, line: isCut ? text.trimEnd().split('\n').length : valid.err.line };
  }
  try {
    return { document: parser.parse(text) as XmlNode };
  } catch (cause) {
    return { damage: `not readable XML: ${(cause as Error).message}`, line: 1 };
  }
}

/** Where an element begins in the text, for those with something in them. */
export const startOf = (node: XmlNode): number | undefined =>
  (node[META] as { startIndex?: number } | undefined)?.startIndex;

/** Gives the line that an element begins in, from 1; 1 where that is not known. */
export function lineFinder(text: string): (node: unknown) => number {
  const ends: number[] = [];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) ends.push(i);
  return (node) => {
    const start = isNode(node) ? startOf(node) : undefined;
    if (start === undefined) return 1;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < start) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

export const isNode = (value: unknown): value is XmlNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The elements of a name that is one of the parser's arrays. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** An attribute or what an element says; '' without it. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isNode(value) && typeof value['#text'] === 'string') return value['#text'];
  return '';
}

/** A number, with a comma or a point; NaN where it is none. */
export function numberOf(value: unknown): number {
  const text = textOf(value).trim();
  return text === '' ? NaN : Number(text.replace(/^([-+]?\d+),(\d+)$/, '$1.$2'));
}

/** What messages say of a number that is none. */
export function notNumber(name: string, value: unknown): string {
  const given = textOf(value);
  return `${name} must be a number, received ${given === '' ? 'nothing' : `'${given.slice(0, 40)}'`}`;
}
