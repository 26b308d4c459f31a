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
};

/** How far training images are changed at random; every range is symmetric around no change. */
export interface AugmentOptions extends OptionsOf<typeof OPTIONS> {}

export type ResolvedAugment = Required<AugmentOptions>;

/** Of an object's area, the share that must still be in the picture for it to count as one; below, it is ignored. */
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
  return { scaleX: zoom * flipX, scaleY: zoom * flipY, shiftX, shiftY, gain, offset: around(options.brightness) * 255 };
}

/** Draws the changed image [H, W, 3], 0..255, into `out`. */
export function changeImage(image: Uint8Array, height: number, width: number, change: Change, out: Float32Array): void {
  const { scaleX, scaleY, shiftX, shiftY, offset } = change;
  const [red, green, blue] = change.gain;
  const where = { scaleX, scaleY, shiftX, shiftY };
  const fields = { height, width, image, ...where, red, green, blue, offset, output: out };
  plan(new Check('trainRetinaNet'), 'changeImage', fields, () => undefined).runSync();
}

export interface ChangedBoxes {
  boxes: number[];
  labels: number[];
  /** Objects of which too little is left to learn from; anchors on them are to be ignored. */
  ignoreBoxes: number[];
}

/** Moves boxes with their image and cuts them at its border. */
export function changeBoxes(
  boxes: Float32Array,
  labels: Int32Array,
  height: number,
  width: number,
  { scaleX, scaleY, shiftX, shiftY }: Change,
): ChangedBoxes {
  const result: ChangedBoxes = { boxes: [], labels: [], ignoreBoxes: [] };
  const moveX = (x: number) => (x - width / 2) * scaleX + width / 2 + shiftX;
  const moveY = (y: number) => (y - height / 2) * scaleY + height / 2 + shiftY;
  for (const [i, label] of labels.entries()) {
    const xs = [moveX(boxes[i * 4]!), moveX(boxes[i * 4 + 2]!)];
    const ys = [moveY(boxes[i * 4 + 1]!), moveY(boxes[i * 4 + 3]!)];
    const [x1, x2] = [Math.min(...xs), Math.max(...xs)];
    const [y1, y2] = [Math.min(...ys), Math.max(...ys)];
    const cut = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)] as const;
    const [cutWidth, cutHeight] = [cut[2] - cut[0], cut[3] - cut[1]];
    if (cutWidth < 1 || cutHeight < 1) continue;
    if (cutWidth * cutHeight < VISIBLE_SHARE * (x2 - x1) * (y2 - y1)) {
      result.ignoreBoxes.push(...cut);
    } else {
      result.boxes.push(...cut);
      result.labels.push(label);
    }
  }
  return result;
}
