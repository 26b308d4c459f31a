// Scenes that code draws, the same on every machine: discs, lobed cells, grains and rods on uneven grounds. No picture of anything is
// in them; they are drawn with smears of blood in mind.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Canvas, type Colour, hsl, luminance, smoothstep } from '../../demo/canvas.js';
import { Random } from '../../demo/random.js';
import { overlap } from '../../demo/scene.js';
import {
  type Box,
  boxesFile,
  HEIGHT,
  type Scene,
  type Split,
  splitFolder,
  SPLITS,
  WIDTH,
  writeBoxes,
} from './scenes.js';

/** A shape around (0, 0): its bounds, how much of a pixel it covers, and how its colour changes inside, 0..1. */
interface Shape {
  halfWidth: number;
  halfHeight: number;
  coverage: (x: number, y: number) => number;
  inner?: { colour: Colour; coverage: (x: number, y: number) => number };
}

const inside = (distance: number) => 1 - smoothstep(-0.8, 0.8, distance);

const SHAPES: Record<string, (random: Random, colour: Colour) => Shape> = {
  /** Round or oval, often paler in the middle. */
  disc(random, colour) {
    const [a, b] = [random.uniform(14, 26), random.uniform(0.75, 1)];
    const at = ellipse(a, a * b, random.uniform(0, Math.PI));
    const pale = random.uniform(0, 0.8);
    const core = random.uniform(0.3, 0.7);
    const white: Colour = [0.95, 0.93, 0.93];
    const middle = (x: number, y: number) => pale * (1 - smoothstep(core - 0.25, core + 0.1, at.radius(x, y)));
    const mixed = colour.map((c, i) => (c + 2 * white[i]!) / 3) as unknown as Colour;
    return { ...at.bounds, coverage: at.coverage, inner: { colour: mixed, coverage: middle } };
  },
  /** A body around two to four lobes of another colour. */
  lobed(random, colour) {
    const a = random.uniform(24, 46);
    const at = ellipse(a, a * random.uniform(0.8, 1), random.uniform(0, Math.PI));
    const lobes = Array.from({ length: random.integer(2, 4) }, () => {
      const [angle, far] = [random.uniform(0, 2 * Math.PI), random.uniform(0.15, 0.4) * a];
      return [far * Math.cos(angle), far * Math.sin(angle), a * random.uniform(0.28, 0.5)] as const;
    });
    const nearest = (x: number, y: number) => Math.min(...lobes.map(([u, v, r]) => Math.hypot(x - u, y - v) - r));
    const dark = hsl(random.next(), random.uniform(0.2, 0.8), luminance(colour) * random.uniform(0.35, 0.65));
    return { ...at.bounds, coverage: at.coverage, inner: { colour: dark, coverage: (x, y) => inside(nearest(x, y)) } };
  },
  grain(random) {
    const a = random.uniform(4, 8);
    const at = ellipse(a, a * random.uniform(0.7, 1), random.uniform(0, Math.PI));
    return { ...at.bounds, coverage: at.coverage };
  },
  rod(random) {
    const [length, radius, angle] = [random.uniform(10, 26), random.uniform(3, 7), random.uniform(0, Math.PI)];
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const coverage = (x: number, y: number) => {
      const along = Math.max(-length, Math.min(length, x * cos + y * sin));
      return inside(Math.hypot(x - along * cos, y - along * sin) - radius);
    };
    return { halfWidth: length * Math.abs(cos) + radius, halfHeight: length * Math.abs(sin) + radius, coverage };
  },
};
/** Of a scene's objects. */
const NAMES = ['disc', 'disc', 'disc', 'disc', 'lobed', 'grain', 'grain', 'rod'];

function ellipse(a: number, b: number, angle: number) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const radius = (x: number, y: number) => Math.hypot((x * cos + y * sin) / a, (y * cos - x * sin) / b);
  return {
    radius,
    bounds: { halfWidth: Math.hypot(a * cos, b * sin), halfHeight: Math.hypot(a * sin, b * cos) },
    coverage: (x: number, y: number) => inside((radius(x, y) - 1) * Math.min(a, b)),
  };
}

/** Draws a scene into `pixels` [HEIGHT, WIDTH, 3]. */
function drawScene(random: Random, pixels: Uint8Array): Scene['objects'] {
  const canvas = new Canvas(WIDTH, HEIGHT);
  const light = random.uniform(0.5, 0.95);
  const [from, to] = [0, 1].map(() => hsl(random.next(), random.uniform(0, 0.5), light + random.uniform(-0.1, 0.05)));
  const angle = random.uniform(0, 2 * Math.PI);
  const tilt = (x: number, y: number) => 0.5 + ((x - 128) * Math.cos(angle) + (y - 96) * Math.sin(angle)) / 320;
  canvas.blend(0, 0, WIDTH, HEIGHT, from!, () => 1);
  canvas.blend(0, 0, WIDTH, HEIGHT, to!, tilt);
  const hue = random.next();
  const objects: Scene['objects'] = [];
  for (let tries = random.integer(8, 36); tries > 0; tries--) {
    const name = random.pick(NAMES);
    const colour = hsl(
      (hue + random.uniform(-0.06, 0.06) + (name === 'disc' ? 0 : 0.3) + 1) % 1,
      random.uniform(0.1, 0.8),
      light * random.uniform(0.45, 0.9),
    );
    const shape = SHAPES[name]!(random, colour);
    const box = place(random, canvas, shape, colour, objects);
    if (box) objects.push({ name, box });
  }
  const grain = random.uniform(0.005, 0.04);
  for (let i = 0; i < canvas.pixels.length; i++) canvas.pixels[i]! += random.uniform(-grain, grain);
  canvas.toBytes(pixels);
  return objects;
}

/** Draws a shape somewhere, unless it would hide another; gives its box, cut at the border. */
function place(
  random: Random,
  canvas: Canvas,
  { halfWidth, halfHeight, coverage, inner }: Shape,
  colour: Colour,
  others: Scene['objects'],
): Box | undefined {
  const [x0, y0] = [random.uniform(0, WIDTH), random.uniform(0, HEIGHT)];
  const box: Box = [
    Math.max(0, Math.round(x0 - halfWidth)),
    Math.max(0, Math.round(y0 - halfHeight)),
    Math.min(WIDTH, Math.round(x0 + halfWidth)),
    Math.min(HEIGHT, Math.round(y0 + halfHeight)),
  ];
  const isCut = Math.min(box[2] - box[0], box[3] - box[1]) < Math.min(halfWidth, halfHeight);
  if (isCut || others.some((other) => overlap(box, other.box) > 0.25)) return undefined;
  const alpha = random.uniform(0.6, 1);
  const area = [x0 - halfWidth - 1, y0 - halfHeight - 1, x0 + halfWidth + 1, y0 + halfHeight + 1] as const;
  canvas.blend(...area, colour, (x, y) => alpha * coverage(x - x0, y - y0));
  if (inner) {
    const share = (x: number, y: number) => Math.min(coverage(x - x0, y - y0), inner.coverage(x - x0, y - y0));
    canvas.blend(...area, inner.colour, share);
  }
  return box;
}

/** Writes `scenes` scenes to train on and a tenth as many to measure with, unless they are there. */
export async function writeDrawn(folder: string, seed: number, scenes: number): Promise<void> {
  const counts: Record<Split, number> = { train: scenes, valid: Math.ceil(scenes / 10) };
  for (const [stream, split] of SPLITS.entries()) {
    if (existsSync(boxesFile(folder, split))) continue;
    const path = splitFolder(folder, split);
    const written: Scene[] = [];
    for (let i = 0; i < counts[split]; i++) {
      const pixels = new Uint8Array(HEIGHT * WIDTH * 3);
      const objects = drawScene(new Random(seed, stream, i), pixels);
      const file = `${String(i).padStart(4, '0')}.png`;
      const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
      await sharp(pixels, { raw }).png().toFile(join(path, file));
      written.push({ file, width: WIDTH, height: HEIGHT, objects });
    }
    writeBoxes(folder, split, written);
  }
}
