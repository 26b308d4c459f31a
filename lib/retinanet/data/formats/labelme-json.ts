// One labelme annotation: labelme's, X-AnyLabeling's, and what else writes that JSON.
import { boundsOf } from './bounds.js';
import { parseJson } from './json.js';
import type { Damage, ImageAnnotation } from './pairs.js';
import { className, type SourceBox } from './source.js';

/** The JSON, of which anything may be missing or wrong. */
interface LabelmeFile {
  shapes?: unknown;
  imagePath?: unknown;
  imageData?: unknown;
  imageHeight?: unknown;
  imageWidth?: unknown;
}

/** A shape, of which anything may be missing or wrong. */
interface Shape {
  label?: unknown;
  points?: unknown;
  shape_type?: unknown;
  group_id?: unknown;
  /** X-AnyLabeling's. */
  difficult?: unknown;
}

type Point = [x: number, y: number];

/** How points become edges. */
interface Kind {
  least: number;
  most: number;
  edgesOf: (points: readonly Point[]) => SourceBox['edges'];
  lost?: 'angle-lost' | 'outline-lost';
}

const polygon: Kind = { least: 3, most: Infinity, edgesOf: boundsOf, lost: 'outline-lost' };
const turned: Kind = { least: 4, most: 4, edgesOf: boundsOf, lost: 'angle-lost' };
const KINDS = new Map<string, Kind>([
  // Two corners; X-AnyLabeling has all four.
  ['rectangle', { least: 2, most: 4, edgesOf: boundsOf }],
  ['polygon', polygon],
  ['quadrilateral', polygon],
  ['cuboid', polygon],
  ['rotation', turned],
  ['oriented_rectangle', turned],
  ['circle', { least: 2, most: 2, edgesOf: circleBounds, lost: 'outline-lost' }],
  // The corners are the first and the last pixel.
  ['mask', { least: 2, most: 2, edgesOf: maskBounds, lost: 'outline-lost' }],
]);
const WITHOUT_AREA = new Set(['point', 'points', 'line', 'linestrip']);
/** labelme's names of what is no object, and of what is neither object nor background. */
const [BACKGROUND, IGNORED] = ['_background_', '__ignore__'];

/** Undefined: JSON of something else. */
export function readLabelmeJson(file: string, text: string): ImageAnnotation | Damage | undefined {
  const parsed = parseJson(text);
  if ('damage' in parsed) return parsed;
  const isObject = typeof parsed.json === 'object' && parsed.json !== null;
  const { shapes, imagePath, imageData, imageWidth, imageHeight } = isObject ? (parsed.json as LabelmeFile) : {};
  if (shapes === undefined) return undefined;
  if (!Array.isArray(shapes)) return { damage: '"shapes" is no list', line: 1 };
  const [width, height] = [Number(imageWidth), Number(imageHeight)];
  return {
    filename: typeof imagePath === 'string' ? imagePath : '',
    stated: width > 0 && height > 0 ? { width, height } : undefined,
    ...readShapes(file, shapes),
    instead: typeof imageData === 'string' ? 'only imageData in the JSON: save it as a file beside it' : undefined,
  };
}

function readShapes(file: string, shapes: readonly unknown[]): Pick<ImageAnnotation, 'boxes' | 'warnings'> {
  const boxes: SourceBox[] = [];
  const warnings: ImageAnnotation['warnings'] = [];
  const groups = new Map<string, SourceBox>();
  for (const [i, given] of shapes.entries()) {
    const shape = (given ?? {}) as Shape;
    const name = `shape ${i + 1}`;
    const add = (kind: ImageAnnotation['warnings'][number]['kind'], message: string) => {
      warnings.push({ kind, message: `${name}${message}` });
    };
    const said = shape.shape_type ?? 'polygon';
    const type = typeof said === 'string' ? said : JSON.stringify(said);
    const isNamed = typeof shape.label === 'string' || typeof shape.label === 'number';
    const label = isNamed ? className(String(shape.label)) : '';
    if (WITHOUT_AREA.has(type) || label === BACKGROUND) {
      add('shape-without-box', label === BACKGROUND ? ' is background' : ` is a ${type}`);
      continue;
    }
    const read = edgesOfShape(type, shape.points);
    if (typeof read === 'string' || label === '') {
      add('box-unreadable', `: ${typeof read === 'string' ? read : 'no label'}`);
      continue;
    }
    if (read.lost) add(read.lost, ` (${type}) became its upright bounds`);
    const box: SourceBox = { class: label, edges: read.edges, at: { file }, name: `${name} (${label})` };
    if (shape.difficult === true) box.difficult = true;
    if (label === IGNORED) box.crowd = true;
    // Outlines of a group are what is seen of one object; a rectangle is a whole one.
    const group =
      read.lost === 'outline-lost' && Number.isFinite(shape.group_id) ? `${String(shape.group_id)} ${label}` : '';
    const before = groups.get(group);
    if (before) {
      add('parts-joined', ` belongs to ${before.name}`);
      const [x1, y1, x2, y2] = box.edges;
      before.edges = boundsOf([before.edges.slice(0, 2) as Point, before.edges.slice(2) as Point, [x1, y1], [x2, y2]]);
      continue;
    }
    if (group !== '') groups.set(group, box);
    boxes.push(box);
  }
  return { boxes, warnings };
}

function edgesOfShape(type: string, points: unknown): (Pick<Kind, 'lost'> & Pick<SourceBox, 'edges'>) | string {
  const kind = KINDS.get(type);
  if (!kind) return `shape_type '${type.slice(0, 40)}' is none that is known`;
  if (!Array.isArray(points)) return 'no points';
  const bad: unknown = points.find((point) => !isPoint(point));
  if (bad !== undefined) return `a point must be two numbers, received ${JSON.stringify(bad).slice(0, 60)}`;
  if (points.length < kind.least || points.length > kind.most) return `a ${type} of ${points.length} points`;
  return { edges: kind.edgesOf(points as Point[]), lost: kind.lost };
}

const isPoint = (value: unknown): value is Point =>
  Array.isArray(value) && value.length === 2 && value.every((number) => Number.isFinite(number));

/** Of a centre and a point on the circle. */
function circleBounds([centre, rim]: readonly Point[]): SourceBox['edges'] {
  const [x, y] = centre!;
  const radius = Math.hypot(rim![0] - x, rim![1] - y);
  return [x - radius, y - radius, x + radius, y + radius];
}

function maskBounds(points: readonly Point[]): SourceBox['edges'] {
  const [x1, y1, x2, y2] = boundsOf(points);
  return [x1, y1, x2 + 1, y2 + 1];
}
