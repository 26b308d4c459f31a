// Upright bounds of what is no upright box.
import type { SourceBox } from './source.js';

type Edges = SourceBox['edges'];

/** The bounds of points; NaN in any coordinate, or no point, gives none that are finite. */
export function boundsOf(points: Iterable<readonly [x: number, y: number]>): Edges {
  let [left, upper, right, lower] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    [left, upper] = [Math.min(left, x), Math.min(upper, y)];
    [right, lower] = [Math.max(right, x), Math.max(lower, y)];
  }
  return [left, upper, right, lower];
}

/** The points of x, y, x, y, ... */
export function* pairsOf(flat: readonly number[]): Generator<[x: number, y: number]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!];
}

/** A box or an ellipse by its centre and half its sides, turned about its centre. `angle` in radians. */
export interface Turned {
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
  angle: number;
}

/** The bounds of a turned box. */
export function turnedBoxBounds({ x, y, halfWidth, halfHeight, angle }: Turned): Edges {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  return around(x, y, halfWidth * cos + halfHeight * sin, halfWidth * sin + halfHeight * cos);
}

/** The bounds of a turned ellipse. */
export function turnedEllipseBounds({ x, y, halfWidth, halfHeight, angle }: Turned): Edges {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return around(x, y, Math.hypot(halfWidth * cos, halfHeight * sin), Math.hypot(halfWidth * sin, halfHeight * cos));
}

const around = (x: number, y: number, halfWidth: number, halfHeight: number): Edges => [
  x - halfWidth,
  y - halfHeight,
  x + halfWidth,
  y + halfHeight,
];
