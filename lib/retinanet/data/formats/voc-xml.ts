// One Pascal VOC annotation: labelImg's, CVAT's, RectLabel's, roLabelImg's.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { className, type SourceBox } from './source.js';

/** What an XML file says. */
export interface VocAnnotation {
  filename: string;
  stated?: { width: number; height: number };
  boxes: SourceBox[];
  /** Objects that cannot be read. */
  unreadable: { line: number; message: string }[];
}

/** Why a file is no annotation, and where. */
export interface VocDamage {
  damage: string;
  line: number;
}

type Node = Record<string, unknown>;
const META = XMLParser.getMetaDataSymbol() as unknown as string;
const parser = new XMLParser({
  isArray: (name) => name === 'object',
  parseTagValue: false,
  captureMetaData: true,
});

export function readVocXml(file: string, text: string): VocAnnotation | VocDamage {
  if (text.trim() === '') return { damage: 'an empty file', line: 1 };
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is one more package for this one call
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    // What is not closed is listed, at the first line.
    const isCut = valid.err.msg.startsWith("Invalid '[");
    const damage = isCut ? 'cut off: a tag is not closed' : `not well-formed XML: ${valid.err.msg}`;
    return { damage, line: isCut ? text.trimEnd().split('\n').length : valid.err.line };
  }
  let document: Node;
  try {
    document = parser.parse(text) as Node;
  } catch (cause) {
    return { damage: `not readable XML: ${(cause as Error).message}`, line: 1 };
  }
  const annotation = document.annotation;
  if (annotation === undefined) return { damage: 'no <annotation> in it', line: 1 };
  const node = isNode(annotation) ? annotation : {};
  const size = isNode(node.size) ? node.size : {};
  const [width, height] = [numberOf(size.width), numberOf(size.height)];
  const boxes: SourceBox[] = [];
  const unreadable: VocAnnotation['unreadable'] = [];
  const objects = (node.object ?? []) as unknown[];
  for (const [i, object] of objects.entries()) {
    const start = isNode(object) ? (object[META] as { startIndex?: number } | undefined)?.startIndex : undefined;
    const line = start === undefined ? 1 : text.slice(0, start).split('\n').length;
    const name = `object ${i + 1}`;
    const read = isNode(object) ? readObject(object) : 'nothing in it';
    if (typeof read === 'string') unreadable.push({ line, message: `${name}: ${read}` });
    else boxes.push({ ...read, name: `${name} (${read.class})`, at: { file, line } });
  }
  const stated = width > 0 && height > 0 ? { width, height } : undefined;
  return { filename: textOf(node.filename), stated, boxes, unreadable };
}

function readObject(object: Node): Pick<SourceBox, 'class' | 'edges' | 'difficult'> | string {
  const name = className(textOf(object.name));
  if (name === '') return 'no <name>';
  const edges = edgesOf(object);
  if (typeof edges === 'string') return edges;
  const difficult = /^(1|true|yes)$/i.test(textOf(object.difficult));
  return difficult ? { class: name, edges, difficult } : { class: name, edges };
}

/** From <bndbox>; where there is none, the bounds of <robndbox> or <polygon>. */
function edgesOf(object: Node): SourceBox['edges'] | string {
  const box = first(object.bndbox);
  if (box) {
    const named = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
    const edges = named.map((key) => numberOf(box[key]));
    const bad = named.find((_, i) => !Number.isFinite(edges[i]));
    if (bad === undefined) return edges as SourceBox['edges'];
    const given = textOf(box[bad]);
    return `<${bad}> must be a number, received ${given === '' ? 'nothing' : `'${given}'`}`;
  }
  const turned = first(object.robndbox);
  if (turned) {
    const [cx = NaN, cy = NaN, w = NaN, h = NaN, angle = NaN] = ['cx', 'cy', 'w', 'h', 'angle'].map((key) =>
      numberOf(turned[key]),
    );
    const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
    const [halfWidth, halfHeight] = [(w * cos + h * sin) / 2, (w * sin + h * cos) / 2];
    const edges: SourceBox['edges'] = [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight];
    return edges.every(Number.isFinite) ? edges : '<robndbox> without numbers';
  }
  const polygon = first(object.polygon);
  if (polygon) {
    const points = Object.entries(polygon).filter(([key]) => /^[xy]\d+$/.test(key));
    const side = (axis: string) => points.filter(([key]) => key.startsWith(axis)).map(([, value]) => numberOf(value));
    const [xs, ys] = [side('x'), side('y')];
    const edges: SourceBox['edges'] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    if (edges.every(Number.isFinite)) return edges;
  }
  return 'no <bndbox>';
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

function first(value: unknown): Node | undefined {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  return isNode(one) ? one : undefined;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isNode(value) && typeof value['#text'] === 'string') return value['#text'];
  return '';
}

function numberOf(value: unknown): number {
  const text = textOf(value).trim();
  return text === '' ? NaN : Number(text.replace(/^([-+]?\d+),(\d+)$/, '$1.$2'));
}
