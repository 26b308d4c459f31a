// One Pascal VOC annotation: labelImg's, CVAT's, RectLabel's, roLabelImg's.
import { boundsOf, turnedBoxBounds } from './bounds.js';
import type { Damage, ImageAnnotation } from './pairs.js';
import { className, type SourceBox } from './source.js';
import { isNode, lineFinder, listOf, notNumber, numberOf, parseXml, textOf, xmlParser, type XmlNode } from './xml.js';

const parser = xmlParser(['object']);

export function readVocXml(file: string, text: string): ImageAnnotation | Damage {
  const parsed = parseXml(parser, text);
  if ('damage' in parsed) return parsed;
  const { document } = parsed;
  const annotation = document.annotation;
  if (annotation === undefined) return { damage: 'no <annotation> in it', line: 1 };
  const node = isNode(annotation) ? annotation : {};
  const size = isNode(node.size) ? node.size : {};
  const [width, height] = [numberOf(size.width), numberOf(size.height)];
  const boxes: SourceBox[] = [];
  const warnings: ImageAnnotation['warnings'] = [];
  const lineOf = lineFinder(text);
  for (const [i, object] of listOf(node.object).entries()) {
    const line = lineOf(object);
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
  lost?: 'angle-lost' | 'outline-lost';
}

function readObject(object: XmlNode): (Edges & Pick<SourceBox, 'class' | 'difficult'>) | string {
  const name = className(textOf(object.name));
  if (name === '') return 'no <name>';
  const read = edgesOf(object);
  if (typeof read === 'string') return read;
  const difficult = /^(1|true|yes)$/i.test(textOf(object.difficult));
  return difficult ? { class: name, ...read, difficult } : { class: name, ...read };
}

/** From <bndbox>; where there is none, the bounds of <robndbox> or <polygon>. */
function edgesOf(object: XmlNode): Edges | string {
  const box = first(object.bndbox);
  if (box) {
    const named = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
    const edges = named.map((key) => numberOf(box[key]));
    const bad = named.find((_, i) => !Number.isFinite(edges[i]));
    if (bad === undefined) return { edges: edges as SourceBox['edges'] };
    return notNumber(`<${bad}>`, box[bad]);
  }
  const turned = first(object.robndbox);
  if (turned) {
    const [cx = NaN, cy = NaN, w = NaN, h = NaN, angle = NaN] = ['cx', 'cy', 'w', 'h', 'angle'].map((key) =>
      numberOf(turned[key]),
    );
    const edges = turnedBoxBounds({ x: cx, y: cy, halfWidth: w / 2, halfHeight: h / 2, angle });
    return edges.every(Number.isFinite) ? { edges, lost: 'angle-lost' } : '<robndbox> without numbers';
  }
  const polygon = first(object.polygon);
  if (polygon) {
    const [xs, ys] = coordinatesOf(polygon);
    const edges = boundsOf(xs.map((x, i) => [x, ys[i] ?? NaN]));
    return edges.every(Number.isFinite) ? { edges, lost: 'outline-lost' } : '<polygon> without numbers';
  }
  return 'no <bndbox>';
}

/** LabelMe's <pt><x>1</x><y>2</y></pt>, Roboflow's <x1>1</x1><y1>2</y1>. */
function coordinatesOf(polygon: XmlNode): [xs: number[], ys: number[]] {
  const points = [polygon.pt ?? []].flat().filter(isNode);
  const entries = [polygon, ...points].flatMap((node) => Object.entries(node));
  const side = (axis: 'x' | 'y') =>
    entries.filter(([key]) => new RegExp(`^${axis}\\d*$`).test(key)).map(([, value]) => numberOf(value));
  return [side('x'), side('y')];
}

function first(value: unknown): XmlNode | undefined {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  return isNode(one) ? one : undefined;
}
