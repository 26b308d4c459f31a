import { AnchorGrid, assignAnchors, type Anchors, type Assignment } from 'retinanet-ops';
import { matchReference } from '../../test/reference/assign.js';
import { mismatch } from '../../test/support/compare.js';
import { integers, random } from '../../test/support/random.js';
import { fail, type Case, type Settings } from '../case.js';
import { assignPeers } from '../peers/assign.js';

export const IMAGE = { imageHeight: 800, imageWidth: 1344 };

/** Boxes inside the image, sides of 16 to 400 pixels where it has room for them, small ones more often. */
export function boxesOfImage(next: () => number, count: number, { imageHeight, imageWidth } = IMAGE): Float32Array {
  const boxes = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const [width, height] = [imageWidth, imageHeight].map((side) => Math.min(16 * 25 ** next(), side / 2)) as [
      number,
      number,
    ];
    const [x, y] = [next() * (imageWidth - width), next() * (imageHeight - height)];
    boxes.set([x, y, x + width, y + height], 4 * i);
  }
  return boxes;
}

// The reference holds the whole matrix; beyond so many boxes it would need gigabytes.
const REFERENCE_BOXES = 300;

function assignCase(form: 'grid' | 'array', count: number): Case {
  const name = `assignment, ${form}, ${count} boxes`;
  return {
    name,
    prepare: (settings, torchvision) => {
      const grid = new AnchorGrid(IMAGE);
      const next = random(count);
      const boxes = boxesOfImage(next, count);
      const labels = integers(next, count, 0, 80);
      const rows = grid.boxes();
      const anchors: Anchors = form === 'grid' ? grid : rows;
      const out = { labels: new Int32Array(grid.count), matches: new Int32Array(grid.count) };
      let result: Assignment | undefined;
      return {
        unit: 'anchor',
        count: grid.count,
        run: () => {
          result = assignAnchors(anchors, boxes, labels, { out });
        },
        check: () => {
          const want =
            count <= REFERENCE_BOXES
              ? matchReference(rows, boxes).matches
              : assignAnchors(form === 'grid' ? rows : grid, boxes, labels).matches; // found another way
          const wrong =
            mismatch(out.matches, want) ??
            mismatch([result!.numPositives], [want.reduce((sum, match) => sum + Number(match >= 0), 0)]);
          if (wrong) fail(`${name}: ${wrong}`);
        },
        peers: assignPeers(rows, boxes, () => out.matches, settings, torchvision),
      };
    },
  };
}

export function assignCases({ quick }: Settings): Case[] {
  const counts = quick ? [7, 50] : [7, 50, 300, 2000];
  return (['grid', 'array'] as const).flatMap((form) => counts.map((count) => assignCase(form, count)));
}
