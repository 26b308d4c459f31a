import type { Random } from './random.js';
import { paintBackground } from './background.js';
import { Canvas, hsl, luminance, smoothstep, type Colour } from './canvas.js';

/** Handwritten digits are squares of 28 pixels, as in MNIST. */
export const SIDE = 28;
/** Ink counts towards a box where it covers this much of a pixel. */
export const INK = 0.4;

/** Height of the smallest digits in pixels, about. */
const SMALLEST = 24;

/** One person's writing of one digit: [28, 28] ink 0..1. */
export interface Digit {
  label: number;
  /** Position among the instances of its class: tells two instances apart. */
  instance: number;
  ink: Float32Array;
}

/** Where and how a digit is drawn: `scale` in scene pixels per ink pixel, angles in radians, (x, y) its centre. */
export interface Placement {
  x: number;
  y: number;
  scale: number;
  angle: number;
  shear: number;
}

/** How much ink covers the scene pixel with centre (x, y): the inverse transform, sampled bilinearly, with crisp edges. */
export function inkAt(
  ink: Float32Array,
  { x: x0, y: y0, scale, angle, shear }: Placement,
): (x: number, y: number) => number {
  const [cos, sin] = [Math.cos(angle) / scale, Math.sin(angle) / scale];
  // Enlarged ink would be blurred; a steeper ramp around its half-way level keeps the edge about a pixel wide.
  const ramp = Math.min(0.45, 0.9 / scale);
  const at = (row: number, column: number) =>
    row < 0 || column < 0 || row >= SIDE || column >= SIDE ? 0 : (ink[row * SIDE + column] ?? 0);
  return (x, y) => {
    const v = (y - y0) * cos - (x - x0) * sin;
    const u = (x - x0) * cos + (y - y0) * sin - shear * v;
    const column = Math.floor(u + SIDE / 2 - 0.5);
    const row = Math.floor(v + SIDE / 2 - 0.5);
    if (column < -1 || row < -1 || column >= SIDE || row >= SIDE) return 0;
    const fu = u + SIDE / 2 - 0.5 - column;
    const fv = v + SIDE / 2 - 0.5 - row;
    const top = at(row, column) * (1 - fu) + at(row, column + 1) * fu;
    const bottom = at(row + 1, column) * (1 - fu) + at(row + 1, column + 1) * fu;
    return smoothstep(0.5 - ramp, 0.5 + ramp, top * (1 - fv) + bottom * fv);
  };
}

export type Box = [x1: number, y1: number, x2: number, y2: number];

/** Bounds of the transformed ink, cheaply and a little too large; {@link inkBox} tightens them. */
export function roughBox(ink: Float32Array, { x: x0, y: y0, scale, angle, shear }: Placement): Box {
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < ink.length; i++) {
    if ((ink[i] ?? 0) < 0.2) continue;
    const v = Math.floor(i / SIDE) + 0.5 - SIDE / 2;
    const u = (i % SIDE) + 0.5 - SIDE / 2 + shear * v;
    const x = x0 + u * cos - v * sin;
    const y = y0 + u * sin + v * cos;
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x), Math.max(y2, y)];
  }
  return [Math.floor(x1 - scale), Math.floor(y1 - scale), Math.ceil(x2 + scale), Math.ceil(y2 + scale)];
}

/** The tight box of the pixels within `around` that the ink covers; empty (x2 < x1) where it shows none. */
export function inkBox(coverage: (x: number, y: number) => number, around: Box): Box {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = around[1]; y < around[3]; y++) {
    for (let x = around[0]; x < around[2]; x++) {
      if (coverage(x + 0.5, y + 0.5) < INK) continue;
      [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
    }
  }
  return [x1, y1, x2, y2];
}

/** Share of the smaller box that the other covers. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / Math.min(area(a), area(b));
}

/** Ink of any colour, darker than the `ground` it is on. */
function inkColour(random: Random, ground: Colour): Colour {
  const target = Math.max(0.02, luminance(ground) - random.uniform(0.45, 0.65));
  const tint = hsl(random.next(), random.uniform(0, 0.9), 0.5);
  const brightness = luminance(tint);
  // Towards black or white until the brightness is the wanted one.
  const end = target < brightness ? 0 : 1;
  const mix = target < brightness ? target / brightness : (1 - target) / (1 - brightness);
  return [tint[0] * mix + end * (1 - mix), tint[1] * mix + end * (1 - mix), tint[2] * mix + end * (1 - mix)];
}

/** A piece of a digit, too little to read: a distractor. Any piece of a 1 would still be a 1, so there are none of it. */
function drawFragment(random: Random, canvas: Canvas, digits: Digit[][]): void {
  const { ink } = random.pick(random.pick(digits.filter((_, label) => label !== 1)));
  const piece = new Float32Array(SIDE * SIDE);
  const size = random.integer(6, 8);
  const [row0, column0] = [random.integer(6, SIDE - 6 - size), random.integer(6, SIDE - 6 - size)];
  for (let row = row0; row < row0 + size; row++) {
    for (let column = column0; column < column0 + size; column++) {
      piece[row * SIDE + column] = ink[row * SIDE + column] ?? 0;
    }
  }
  const placement: Placement = {
    x: random.uniform(0, canvas.width),
    y: random.uniform(0, canvas.height),
    scale: random.uniform(0.9, 2),
    angle: random.uniform(0, 2 * Math.PI),
    shear: 0,
  };
  const reach = SIDE * 0.5 * placement.scale;
  const { x, y } = placement;
  const colour = inkColour(random, canvas.mean(x - 8, y - 8, x + 8, y + 8));
  const coverage = inkAt(piece, placement);
  const alpha = random.uniform(0.4, 0.8);
  canvas.blend(x - reach, y - reach, x + reach, y + reach, colour, (px, py) => alpha * coverage(px, py));
}

/** What is drawn instead of the usual number and size of digits. */
export interface Crowd {
  /** The fewest and the most digits of a scene; fewer where there is no room. */
  count: readonly [number, number];
  /** Heights in pixels, about: of the smallest and of the largest digits. */
  heights: readonly [number, number];
}

/** Three or four digits on 96 x 96 pixels, more where there is more room. */
function usualCrowd(random: Random, width: number, height: number): Crowd {
  const count = Math.max(3, Math.round((random.integer(3, 4) * width * height) / (96 * 96)));
  return { count: [count, count], heights: [SMALLEST, Math.min(88, Math.min(width, height) * 0.42)] };
}

export interface Scene {
  boxes: Box[];
  labels: number[];
  /** Which instance of its class each digit is. */
  instances: number[];
}

/** Paints one scene into `out` [height, width, 3]; the same random stream gives the same bytes. */
export function drawScene(
  random: Random,
  digits: Digit[][],
  width: number,
  height: number,
  out: Uint8Array,
  crowd?: Crowd,
): Scene {
  const canvas = new Canvas(width, height);
  paintBackground(random, canvas);
  for (let i = random.integer(0, 2); i > 0; i--) drawFragment(random, canvas, digits);

  const scene: Scene = { boxes: [], labels: [], instances: [] };
  const { count, heights } = crowd ?? usualCrowd(random, width, height);
  const [smallest, largest] = heights;
  const wanted = count[0] === count[1] ? count[0] : random.integer(...count);
  for (let attempt = 0; scene.boxes.length < wanted && attempt < wanted * 12; attempt++) {
    const { label, instance, ink } = random.pick(random.pick(digits));
    // Written digits are about 20 of the 28 pixels high; small ones are more frequent, as in photographs.
    const pixels = smallest * (largest / smallest) ** (random.next() ** 1.25);
    const reach = pixels / 2;
    const placement: Placement = {
      x: random.uniform(reach, width - reach),
      y: random.uniform(reach, height - reach),
      scale: pixels / 20,
      angle: random.uniform(-0.15, 0.15),
      shear: random.uniform(-0.12, 0.12),
    };
    const rough = roughBox(ink, placement);
    const free = (box: Box, share: number) => scene.boxes.every((other) => overlap(box, other) <= share);
    if (rough[0] < 0 || rough[1] < 0 || rough[2] > width || rough[3] > height || !free(rough, 0.15)) continue;
    const coverage = inkAt(ink, placement);
    const box = inkBox(coverage, rough);
    if (!(box[2] > box[0] && box[3] > box[1]) || !free(box, 0.08)) continue;
    const colour = inkColour(random, canvas.mean(...box));
    const alpha = random.uniform(0.85, 1);
    canvas.blend(
      ...([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1] as Box),
      colour,
      (x, y) => alpha * coverage(x, y),
    );
    scene.boxes.push(box);
    scene.labels.push(label);
    scene.instances.push(instance);
  }

  const grain = random.uniform(0.005, 0.035);
  for (let i = 0; i < canvas.pixels.length; i++)
    canvas.pixels[i] = (canvas.pixels[i] ?? 0) + random.uniform(-grain, grain);
  canvas.toBytes(out);
  return scene;
}
