// One Pascal VOC annotation: labelImg's, CVAT's, RectLabel's, roLabelImg's.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { WarningKind } from '../warnings.js';
import { className, type SourceBox } from './source.js';

/** What an XML file says. */
export interface VocAnnotation {
  filename: string;
  stated?: { width: number; height: number };
  boxes: SourceBox[];
  /** Objects that cannot be read, and of which the bounds are taken. */
  warnings: { kind: VocWarning; line: number; message: string }[];
}

type VocWarning = Extract<WarningKind, 'box-unreadable' | 'angle-lost' | 'outline-lost'>;

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
  const warnings: VocAnnotation['warnings'] = [];
  const objects = (node.object ?? []) as unknown[];
  for (const [i, object] of objects.entries()) {
    const start = isNode(object) ? (object[META] as { startIndex?: number } | undefined)?.startIndex : undefined;
    const line = start === undefined ? 1 : text.slice(0, start).split('\n').length;
    const name = `object ${i + 1}`;
    const read = isNode(object) ? readObject(object) : 'nothing in it';
    if (typeof read === 'string') {
      warnings.push({ kind: 'box-unreadable', line, message: `${name}: ${read}` });
      continue;
    }
    const { lost, ...box } = read;
    if (lost) warnings.push({ kind: lost, line, message: `${name} became its upright bounds` });
    boxes.push({ ...box, name: `${name} (${box.class})`, at: { file, line } });
  }
  const stated = width > 0 && height > 0 ? { width, height } : undefined;
  return { filename: textOf(node.filename), stated, boxes, warnings };
}

interface Edges {
  edges: SourceBox['edges'];
  lost?: VocWarning;
}

function readObject(object: Node): (Edges & Pick<SourceBox, 'class' | 'difficult'>) | string {
  const name = className(textOf(object.name));
  if (name === '') return 'no <name>';
  const read = edgesOf(object);
  if (typeof read === 'string') return read;
  const difficult = /^(1|true|yes)$/i.test(textOf(object.difficult));
  return difficult ? { class: name, ...read, difficult } : { class: name, ...read };
}

/** From <bndbox>; where there is none, the bounds of <robndbox> or <polygon>. */
function edgesOf(object: Node): Edges | string {
  const box = first(object.bndbox);
  if (box) {
    const named = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
    const edges = named.map((key) => numberOf(box[key]));
    const bad = named.find((_, i) => !Number.isFinite(edges[i]));
    if (bad === undefined) return { edges: edges as SourceBox['edges'] };
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
    return edges.every(Number.isFinite) ? { edges, lost: 'angle-lost' } : '<robndbox> without numbers';
  }
  const polygon = first(object.polygon);
  if (polygon) {
    const [xs, ys] = coordinatesOf(polygon);
    const edges: SourceBox['edges'] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    return edges.every(Number.isFinite) ? { edges, lost: 'outline-lost' } : '<polygon> without numbers';
  }
  return 'no <bndbox>';
}

/** LabelMe's <pt><x>1</x><y>2</y></pt>, Roboflow's <x1>1</x1><y1>2</y1>. */
function coordinatesOf(polygon: Node): [xs: number[], ys: number[]] {
  const points = [polygon.pt ?? []].flat().filter(isNode);
  const entries = [polygon, ...points].flatMap((node) => Object.entries(node));
  const side = (axis: 'x' | 'y') =>
    entries.filter(([key]) => new RegExp(`^${axis}\\d*$`).test(key)).map(([, value]) => numberOf(value));
  return [side('x'), side('y')];
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
