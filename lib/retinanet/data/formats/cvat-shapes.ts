// What CVAT's XML has in an <image>: boxes, and shapes of which the bounds are taken.
import { boundsOf, turnedBoxBounds, turnedEllipseBounds, type Turned } from './bounds.js';
import type { SourceBox } from './source.js';
import { isNode, listOf, notNumber, numberOf, startOf, textOf, type XmlNode } from './xml.js';

type Edges = SourceBox['edges'];

export interface CvatShape {
  /** The element's name, such as 'box'. */
  kind: string;
  label: string;
  node: unknown;
  /** The edges, or why there are none; undefined where none are meant. */
  edges: Edges | string | undefined;
  lost?: 'angle-lost' | 'outline-lost';
  difficult: boolean;
  crowd: boolean;
}

type Read = (node: XmlNode) => Pick<CvatShape, 'edges' | 'lost'>;

const READERS: Record<string, Read> = {
  box: readBox,
  polygon: (node) => ({ edges: polygonBounds(textOf(node['@points'])), lost: 'outline-lost' }),
  ellipse: readEllipse,
  mask: readMask,
  cuboid: readCuboid,
  ...Object.fromEntries(['points', 'polyline', 'skeleton', 'tag'].map((name) => [name, () => ({ edges: undefined })])),
};

/** The elements of an image that are shapes. */
export const SHAPES = Object.keys(READERS);

/** The shapes of an image, in the order of the file. */
export function shapesOf(image: XmlNode): CvatShape[] {
  const shapes = SHAPES.flatMap((kind) => listOf(image[kind]).map((node) => readShape(kind, node)));
  const start = ({ node }: CvatShape) => (isNode(node) && startOf(node)) || 0;
  return shapes.sort((a, b) => start(a) - start(b));
}

function readShape(kind: string, node: unknown): CvatShape {
  if (!isNode(node)) return { kind, label: '', node, edges: 'nothing in it', difficult: false, crowd: false };
  const { edges, lost } = READERS[kind]!(node);
  const shape = { kind, label: textOf(node['@label']), node, edges, ...flagsOf(node) };
  return lost && Array.isArray(edges) ? { ...shape, lost } : shape;
}

/** The attributes that CVAT's own exports to VOC and COCO know. */
function flagsOf(node: XmlNode): Pick<CvatShape, 'difficult' | 'crowd'> {
  const isSet = (name: string) =>
    listOf(node.attribute).some(
      (attribute) => isNode(attribute) && textOf(attribute['@name']) === name && /^(true|1)$/i.test(textOf(attribute)),
    );
  return { difficult: isSet('difficult'), crowd: isSet('is_crowd') };
}

/** The attributes' numbers, or what is wrong with the first that is none. */
function numbersOf<Name extends string>(node: XmlNode, names: readonly Name[]): Record<Name, number> | string {
  const numbers = {} as Record<Name, number>;
  for (const name of names) {
    numbers[name] = numberOf(node[`@${name}`]);
    if (!Number.isFinite(numbers[name])) return notNumber(name, node[`@${name}`]);
  }
  return numbers;
}

/** Degrees; a turn that cannot be read is one to tell of. */
function angleOf(node: XmlNode): number | string {
  if (node['@rotation'] === undefined) return 0;
  const read = numbersOf(node, ['rotation']);
  return typeof read === 'string' ? read : (read.rotation * Math.PI) / 180;
}

function readBox(node: XmlNode): ReturnType<Read> {
  const read = numbersOf(node, ['xtl', 'ytl', 'xbr', 'ybr']);
  const angle = angleOf(node);
  if (typeof read === 'string') return { edges: read };
  if (typeof angle === 'string') return { edges: angle };
  const { xtl, ytl, xbr, ybr } = read;
  if (angle === 0) return { edges: [xtl, ytl, xbr, ybr] };
  const centre = { x: (xtl + xbr) / 2, y: (ytl + ybr) / 2 };
  const halves = { halfWidth: Math.abs(xbr - xtl) / 2, halfHeight: Math.abs(ybr - ytl) / 2 };
  return { edges: turnedBoxBounds({ ...centre, ...halves, angle }), lost: 'angle-lost' };
}

function readEllipse(node: XmlNode): ReturnType<Read> {
  const read = numbersOf(node, ['cx', 'cy', 'rx', 'ry']);
  const angle = angleOf(node);
  if (typeof read === 'string') return { edges: read };
  if (typeof angle === 'string') return { edges: angle };
  const turned: Turned = { x: read.cx, y: read.cy, halfWidth: read.rx, halfHeight: read.ry, angle };
  return { edges: turnedEllipseBounds(turned), lost: 'outline-lost' };
}

function readMask(node: XmlNode): ReturnType<Read> {
  const read = numbersOf(node, ['left', 'top', 'width', 'height']);
  if (typeof read === 'string') return { edges: read };
  const { left, top, width, height } = read;
  return { edges: [left, top, left + width, top + height], lost: 'outline-lost' };
}

/** Of the eight corners as they are seen. */
function readCuboid(node: XmlNode): ReturnType<Read> {
  const corners = ['tl', 'bl', 'tr', 'br'].flatMap((corner) => [`${corner}1`, `${corner}2`]);
  const read = numbersOf(
    node,
    corners.flatMap((corner) => [`x${corner}`, `y${corner}`]),
  );
  if (typeof read === 'string') return { edges: read };
  return { edges: boundsOf(corners.map((corner) => [read[`x${corner}`]!, read[`y${corner}`]!])), lost: 'outline-lost' };
}

/** 'x,y;x,y;x,y' */
function polygonBounds(points: string): Edges | string {
  const pairs = points.split(';').map((pair) => pair.split(',').map(numberOf));
  const bad = pairs.findIndex((pair) => pair.length !== 2 || !pair.every(Number.isFinite));
  if (bad >= 0) return `a point must be two numbers, received '${points.split(';')[bad]!.slice(0, 40)}'`;
  if (pairs.length < 3) return `a polygon of ${pairs.length} points`;
  return boundsOf(pairs as [number, number][]);
}
