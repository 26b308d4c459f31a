import { AnchorGrid, assignAnchors, type Anchors, type Assignment } from 'retinanet-ops';
import { matchReference } from '../../test/reference/assign.js';
import { mismatch } from '../../test/support/compare.js';
import { integers, random } from '../../test/support/random.js';
import { fail, type Case, type Peer, type Settings } from '../case.js';
import { assignPeers } from '../peers/assign.js';
import type { Torchvision } from '../peers/torchvision.js';

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

/** What the grid's case and the array's have in common: ground truth, right answer, peers. */
class Problem {
  readonly grid = new AnchorGrid(IMAGE);
  readonly rows = this.grid.boxes();
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
  private matches: Int32Array | undefined;
  private peers: Peer[] | undefined;

  constructor(readonly count: number) {
    const next = random(count);
    this.boxes = boxesOfImage(next, count);
    this.labels = integers(next, count, 0, 80);
  }

  wanted(form: 'grid' | 'array'): Int32Array {
    if (this.count > REFERENCE_BOXES) {
      const other = form === 'grid' ? this.rows : this.grid; // found another way
      return assignAnchors(other, this.boxes, this.labels).matches;
    }
    return (this.matches ??= matchReference(this.rows, this.boxes).matches);
  }

  peersOf(settings: Settings, torchvision: Torchvision): Peer[] {
    return (this.peers ??= assignPeers(
      this.rows,
      this.boxes,
      this.labels,
      () => this.wanted('grid'),
      settings,
      torchvision,
    ));
  }
}

function assignCase(form: 'grid' | 'array', count: number, problemOf: (count: number) => Problem): Case {
  const name = `assignment, ${form}, ${count} boxes`;
  return {
    name,
    prepare: (settings, torchvision) => {
      const problem = problemOf(count);
      const { grid, rows, boxes, labels } = problem;
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
          const want = problem.wanted(form);
          const positives = want.reduce((sum, match) => sum + Number(match >= 0), 0);
          const wrong = mismatch(out.matches, want) ?? mismatch([result!.numPositives], [positives]);
          if (wrong) fail(`${name}: ${wrong}`);
        },
        peers: problem.peersOf(settings, torchvision),
      };
    },
  };
}

export function assignCases({ quick }: Settings): Case[] {
  const problems = new Map<number, Problem>();
  const problemOf = (count: number): Problem => {
    const problem = problems.get(count) ?? new Problem(count);
    problems.set(count, problem);
    return problem;
  };
  const counts = quick ? [7, 50] : [7, 50, 300, 2000];
  return (['grid', 'array'] as const).flatMap((form) => counts.map((count) => assignCase(form, count, problemOf)));
}
