import { Check } from '../../arguments/check.js';
import { boolean, number, type OptionsOf } from '../../arguments/options.js';
import { plan } from '../../runtime/plan.js';
import type { Random } from './random.js';

const SHARE = { min: 0, max: 1 } as const;

const OPTIONS = {
  /** Mirror left-right with probability 1/2. Default true. */
  horizontalFlip: boolean(true),
  /** Mirror top-bottom with probability 1/2. Default false. */
  verticalFlip: boolean(false),
  /** Zoom by up to this factor either way, 1 to 4. Default 1. */
  zoom: number({ min: 1, max: 4, default: 1 }),
  /** Shift by up to this share of the image, 0 to 1. Default 0. */
  shift: number({ ...SHARE, default: 0 }),
  /** Change of brightness, in shares of the full range, 0 to 1. Default 0.05. */
  brightness: number({ ...SHARE, default: 0.05 }),
  /** Change of contrast: factor up to 1 + this, 0 to 1. Default 0.1. */
  contrast: number({ ...SHARE, default: 0.1 }),
  /** Change of each colour channel by itself, as `contrast`. Default 0. */
  colour: number({ ...SHARE, default: 0 }),
  /** Change of width over height by up to this factor either way, 1 to 4. Default 1. */
  aspect: number({ min: 1, max: 4, default: 1 }),
  /** Probability that a picture is put together from four images, 0 to 1. Default 0. */
  mosaic: number({ ...SHARE, default: 0 }),
};

/** How far training images are changed at random; every range is symmetric around no change. */
export interface AugmentOptions extends OptionsOf<typeof OPTIONS> {}

export type ResolvedAugment = Required<AugmentOptions>;

/** Of an object's area, the share that must still be in the picture for it to count as one; below, or below a pixel, it is ignored. */
const VISIBLE_SHARE = 0.4;

/** true: the defaults; false: undefined. @throws RetinanetOpsError naming a bad option. */
export function resolveAugment(check: Check, augment: unknown): ResolvedAugment | undefined {
  if (augment === false) return undefined;
  return check.options('augment', augment === true ? undefined : (augment ?? null), OPTIONS, 'augment.');
}

/** One draw: output x = (x - W/2) * scaleX + W/2 + shiftX, likewise y; value = (v - 128) * gain + 128 + offset. */
export interface Change {
  scaleX: number;
  scaleY: number;
  shiftX: number;
  shiftY: number;
  gain: [number, number, number];
  offset: number;
}

/** Draws a change; always takes the same number of random values, so that options don't shift each other's draws. */
export function drawChange(options: ResolvedAugment, random: Random, height: number, width: number): Change {
  const around = (range: number) => (2 * random() - 1) * range;
  const flipX = random() < 0.5 && options.horizontalFlip ? -1 : 1;
  const flipY = random() < 0.5 && options.verticalFlip ? -1 : 1;
  const zoom = options.zoom ** around(1);
  const shiftX = around(options.shift) * width;
  const shiftY = around(options.shift) * height;
  const contrast = 1 + around(options.contrast);
  const channel = () => contrast * (1 + around(options.colour));
  const gain: [number, number, number] = [channel(), channel(), channel()];
  const offset = around(options.brightness) * 255;
  const stretch = Math.sqrt(options.aspect ** around(1));
  return { scaleX: zoom * stretch * flipX, scaleY: (zoom / stretch) * flipY, shiftX, shiftY, gain, offset };
}

/** Draws the changed image [H, W, 3], 0..255, into `out`. */
export function changeImage(image: Uint8Array, height: number, width: number, change: Change, out: Float32Array): void {
  const { scaleX, scaleY, shiftX, shiftY, offset } = change;
  const [red, green, blue] = change.gain;
  const where = { scaleX, scaleY, shiftX, shiftY };
  const fields = { height, width, image, ...where, red, green, blue, offset, output: out };
  plan(new Check('trainRetinaNet'), 'changeImage', fields, () => undefined).runSync();
}

/**
 * As changeImage, but of one colour where the image is not, as beside a picture in its frame: an object at its border would go on
 * there, beyond its box.
 */
export function changeOnGround(
  image: Uint8Array,
  height: number,
  width: number,
  { change, ground }: { change: Change; ground: readonly number[] },
  out: Float32Array,
): void {
  changeImage(image, height, width, change, out);
  const [x1, y1, x2, y2] = mover(height, width, change)([0, 0, width, height], 0);
  // Pixels whose middle lies within.
  const first = (edge: number, size: number) => Math.max(0, Math.min(size, Math.ceil(edge - 0.5)));
  const [left, right, top, bottom] = [first(x1, width), first(x2, width), first(y1, height), first(y2, height)];
  if (left === 0 && top === 0 && right === width && bottom === height) return;
  const row = Float32Array.from({ length: width * 3 }, (_, i) => ground[i % 3]!);
  for (let y = 0; y < height; y++) {
    const [from, to] = y >= top && y < bottom ? [left, right] : [width, width];
    out.set(row.subarray(0, from * 3), y * width * 3);
    out.set(row.subarray(to * 3), (y * width + to) * 3);
  }
}

/** What is in an image. */
export interface Annotations {
  /** [n, 4] */
  boxes: ArrayLike<number>;
  /** [n] */
  labels: ArrayLike<number>;
  /** [m, 4] regions that are neither objects nor background. */
  ignoreBoxes: ArrayLike<number>;
}

export interface ChangedBoxes extends Annotations {
  boxes: number[];
  labels: number[];
  /** Objects of which too little is left to learn from are here as well. */
  ignoreBoxes: number[];
}

/** Left, upper, right and lower edge in pixels. */
export type Rectangle = readonly [x1: number, y1: number, x2: number, y2: number];

/** Moves boxes with their image of `height` x `width` and cuts them at the edges of `frame`, by default the image's own. */
export function changeBoxes(
  { boxes, labels, ignoreBoxes }: Annotations,
  height: number,
  width: number,
  change: Change,
  frame: Rectangle = [0, 0, width, height],
): ChangedBoxes {
  const result: ChangedBoxes = { boxes: [], labels: [], ignoreBoxes: [] };
  const move = mover(height, width, change);
  for (let i = 0; i < labels.length; i++) {
    const moved = move(boxes, i);
    const seen = intersection(moved, frame);
    if (seen === undefined) continue;
    const isTiny = seen[2] - seen[0] < 1 || seen[3] - seen[1] < 1;
    if (isTiny || area(seen) < VISIBLE_SHARE * area(moved)) {
      result.ignoreBoxes.push(...seen);
    } else {
      result.boxes.push(...seen);
      result.labels.push(labels[i]!);
    }
  }
  for (let i = 0; i < ignoreBoxes.length / 4; i++) {
    result.ignoreBoxes.push(...(intersection(move(ignoreBoxes, i), frame) ?? []));
  }
  return result;
}

function mover(height: number, width: number, { scaleX, scaleY, shiftX, shiftY }: Change) {
  const moveX = (x: number) => (x - width / 2) * scaleX + width / 2 + shiftX;
  const moveY = (y: number) => (y - height / 2) * scaleY + height / 2 + shiftY;
  return (boxes: ArrayLike<number>, row: number): Rectangle => {
    const xs = [moveX(boxes[row * 4]!), moveX(boxes[row * 4 + 2]!)] as const;
    const ys = [moveY(boxes[row * 4 + 1]!), moveY(boxes[row * 4 + 3]!)] as const;
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  };
}

/** Nothing where they hardly meet: float32 has to tell the edges of what is left from each other. */
function intersection(a: Rectangle, b: Rectangle): Rectangle | undefined {
  const both = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])] as const;
  return both[2] - both[0] < HARDLY || both[3] - both[1] < HARDLY ? undefined : both;
}

const HARDLY = 0.01;
const area = ([x1, y1, x2, y2]: Rectangle) => (x2 - x1) * (y2 - y1);
