import type { Random } from './random.js';
import { hsl, luminance, smoothstep, type Canvas, type Colour } from './canvas.js';

/** Coloured paper: bright enough that dark ink stands out. */
function paperColour(random: Random): Colour {
  for (;;) {
    const colour = hsl(random.next(), random.uniform(0.1, 0.75), random.uniform(0.35, 0.9));
    if (luminance(colour) > 0.45) return colour;
  }
}

const LATTICE = 64; // cells before the noise repeats: more than a scene shows

/** Smooth noise -1..1: random values on a lattice at a random angle, interpolated between. */
function valueNoise(random: Random, cell: number): (x: number, y: number) => number {
  const lattice = Float32Array.from({ length: LATTICE * LATTICE }, () => random.uniform(-1, 1));
  const at = (row: number, column: number) => lattice[(row & (LATTICE - 1)) * LATTICE + (column & (LATTICE - 1))] ?? 0;
  const angle = random.uniform(0, Math.PI);
  const [cos, sin] = [Math.cos(angle) / cell, Math.sin(angle) / cell];
  const ease = (t: number) => t * t * (3 - 2 * t);
  return (x, y) => {
    const u = x * cos + y * sin;
    const v = y * cos - x * sin;
    const column = Math.floor(u);
    const row = Math.floor(v);
    const s = ease(u - column);
    const t = ease(v - row);
    const top = at(row, column) * (1 - s) + at(row, column + 1) * s;
    const bottom = at(row + 1, column) * (1 - s) + at(row + 1, column + 1) * s;
    return top * (1 - t) + bottom * t;
  };
}

function gradient(random: Random, canvas: Canvas): void {
  const from = paperColour(random);
  const to = paperColour(random);
  const angle = random.uniform(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const extent = canvas.width * Math.abs(cos) + canvas.height * Math.abs(sin);
  const broad = valueNoise(random, random.uniform(28, 70));
  const fine = valueNoise(random, random.uniform(4, 9));
  const broadStrength = random.uniform(0.03, 0.16);
  const fineStrength = random.uniform(0.01, 0.06);
  // Straight into the pixels: this runs over every pixel of every scene.
  const { pixels, width, height } = canvas;
  for (let at = 0, y = 0.5; y < height; y++) {
    for (let x = 0.5; x < width; x++) {
      const t = 0.5 + ((x - width / 2) * cos + (y - height / 2) * sin) / extent;
      const noise = broadStrength * broad(x, y) + fineStrength * fine(x, y);
      for (let c = 0; c < 3; c++) pixels[at++] = (from[c] ?? 0) * (1 - t) + (to[c] ?? 0) * t + noise;
    }
  }
}

function ellipse(random: Random, canvas: Canvas): void {
  const x0 = random.uniform(0, canvas.width);
  const y0 = random.uniform(0, canvas.height);
  const rx = random.uniform(6, canvas.width / 5);
  const ry = rx * random.uniform(0.5, 1.6);
  const ring = random.chance(0.35) ? random.uniform(2, 5) : 1000; // how thick; that much fills it
  const alpha = random.uniform(0.25, 0.7);
  canvas.blend(x0 - rx - 2, y0 - ry - 2, x0 + rx + 2, y0 + ry + 2, paperColour(random), (x, y) => {
    const distance = (Math.hypot((x - x0) / rx, (y - y0) / ry) - 1) * Math.min(rx, ry);
    return alpha * (1 - smoothstep(-0.7, 0.7, distance)) * smoothstep(-ring - 0.7, -ring + 0.7, distance);
  });
}

function rectangle(random: Random, canvas: Canvas): void {
  const x0 = random.uniform(0, canvas.width);
  const y0 = random.uniform(0, canvas.height);
  const halfWidth = random.uniform(5, canvas.width / 5);
  const halfHeight = random.uniform(5, canvas.height / 5);
  const angle = random.uniform(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = Math.hypot(halfWidth, halfHeight) + 1;
  const alpha = random.uniform(0.25, 0.7);
  canvas.blend(x0 - reach, y0 - reach, x0 + reach, y0 + reach, paperColour(random), (x, y) => {
    const u = Math.abs((x - x0) * cos + (y - y0) * sin) - halfWidth;
    const v = Math.abs((y - y0) * cos - (x - x0) * sin) - halfHeight;
    return alpha * (1 - smoothstep(-0.7, 0.7, Math.max(u, v)));
  });
}

/** A bent pen stroke, looking like a digit without being one: a straight one could be read as a 1. */
function stroke(random: Random, canvas: Canvas): void {
  const x0 = random.uniform(0, canvas.width);
  const y0 = random.uniform(0, canvas.height);
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const length = random.uniform(25, 70);
  const bend = length * random.uniform(0.45, 0.9) * (random.chance(0.5) ? 1 : -1);
  const [bx, by] = [x0 + (dx * length) / 2 - dy * bend, y0 + (dy * length) / 2 + dx * bend];
  const [ex, ey] = [x0 + dx * length, y0 + dy * length];
  const width = random.uniform(0.6, 2.2);
  const xs: number[] = [];
  const ys: number[] = [];
  for (let i = 0; i <= 10; i++) {
    const t = i / 10;
    const s = 1 - t;
    xs.push(s * s * x0 + 2 * s * t * bx + t * t * ex);
    ys.push(s * s * y0 + 2 * s * t * by + t * t * ey);
  }
  // Segments as start, direction, 1 / length squared.
  const segments = Float64Array.from({ length: 10 * 5 }, (_, at) => {
    const i = Math.floor(at / 5);
    const [px = 0, py = 0, qx = 0, qy = 0] = [xs[i], ys[i], xs[i + 1], ys[i + 1]];
    return [px, py, qx - px, qy - py, 1 / (Math.hypot(qx - px, qy - py) ** 2 + 1e-9)][at % 5] ?? 0;
  });
  const margin = width + 1;
  const alpha = random.uniform(0.5, 0.95);
  const coverage = (x: number, y: number) => {
    let nearest = Infinity;
    for (let at = 0; at < segments.length; at += 5) {
      const ux = x - (segments[at] ?? 0);
      const uy = y - (segments[at + 1] ?? 0);
      const vx = segments[at + 2] ?? 0;
      const vy = segments[at + 3] ?? 0;
      const t = Math.min(1, Math.max(0, (ux * vx + uy * vy) * (segments[at + 4] ?? 0)));
      nearest = Math.min(nearest, (ux - t * vx) ** 2 + (uy - t * vy) ** 2);
    }
    return alpha * (1 - smoothstep(width - 0.7, width + 0.7, Math.sqrt(nearest)));
  };
  const [left, right] = [Math.min(...xs) - margin, Math.max(...xs) + margin];
  const [top, bottom] = [Math.min(...ys) - margin, Math.max(...ys) + margin];
  canvas.blend(left, top, right, bottom, paperColour(random), coverage);
}

/** Paints a gradient with soft noise, then shapes and strokes over it. */
export function paintBackground(random: Random, canvas: Canvas): void {
  gradient(random, canvas);
  for (let i = random.integer(1, 4); i > 0; i--) (random.chance(0.5) ? ellipse : rectangle)(random, canvas);
  for (let i = random.integer(0, 5); i > 0; i--) stroke(random, canvas);
}
