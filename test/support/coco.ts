import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Real data lies beside the project, not in it; RETINANET_OPS_TEST_DATA names another place. */
export const dataFolder = process.env['RETINANET_OPS_TEST_DATA'] ?? '../shared/data';
const file = join(dataFolder, 'coco_val2017_boxes.txt');
export const cocoAvailable = existsSync(file);

export interface CocoImage {
  name: string;
  boxes: Float32Array;
  labels: Int32Array;
}

/** Every image of COCO val2017 that has boxes; boxes without area are dropped, as every loader must. */
export function cocoImages(): CocoImage[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [path = '', ...rows] = line.trim().split(/\s+/);
      const kept = rows.map((row) => row.split(',').map(Number)).filter(([x1, y1, x2, y2]) => x2! > x1! && y2! > y1!);
      return {
        name: basename(path, '.jpg'),
        boxes: Float32Array.from(kept.flatMap((row) => row.slice(0, 4))),
        labels: Int32Array.from(kept.map((row) => row[4]!)),
      };
    });
}
