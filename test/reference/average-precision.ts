// COCO's rules for average precision, written down one by one and without regard to speed.

export interface Objects {
  boxes: ArrayLike<number>;
  labels: ArrayLike<number>;
  offsets: ArrayLike<number>;
}

interface Ranked {
  score: number;
  right: boolean;
}

/** AP of one class; NaN without ground truth. */
export function averagePrecision(
  detections: Objects & { scores: ArrayLike<number> },
  truth: Objects,
  label: number,
  iouThreshold: number,
  maxDetections: number,
): number {
  const all: Ranked[] = [];
  let positives = 0;
  for (let image = 0; image + 1 < truth.offsets.length; image++) {
    const real = boxesOf(truth, image, label);
    const found = boxesOf(detections, image, label);
    positives += real.length;
    const best = rank(found.map(({ row, box }) => ({ row, box, score: detections.scores[row]! }))).slice(
      0,
      maxDetections,
    );
    const claimed = real.map(() => false);
    for (const { box, score } of best) {
      // The largest overlap of a box that nobody has claimed; of equal ones the last.
      const overlaps = real.map((other, i) => (claimed[i] === true ? -1 : iou(box, other.box)));
      const largest = Math.max(-1, ...overlaps);
      const right = largest >= Math.min(iouThreshold, 1 - 1e-10);
      if (right) claimed[overlaps.lastIndexOf(largest)] = true;
      // The tool's smallest area is 0: what is below and matches nothing is not looked at.
      if (right || size(box) >= 0) all.push({ score, right });
    }
  }
  if (positives === 0) return NaN;
  const ranked = rank(all);
  let sum = 0;
  for (let level = 0; level <= 100; level++) {
    // The best precision of all cuts of the ranking that reach the recall.
    let best = 0;
    for (let cut = 1; cut <= ranked.length; cut++) {
      const right = ranked.slice(0, cut).filter((one) => one.right).length;
      if (right / positives >= level * 0.01) best = Math.max(best, right / cut);
    }
    sum += best;
  }
  return sum / 101;
}

type Box = [number, number, number, number];

function boxesOf({ boxes, labels, offsets }: Objects, image: number, label: number): { row: number; box: Box }[] {
  const rows: { row: number; box: Box }[] = [];
  for (let row = offsets[image]!; row < offsets[image + 1]!; row++) {
    const box = [0, 1, 2, 3].map((i) => boxes[row * 4 + i]!) as Box;
    if (labels[row] === label) rows.push({ row, box });
  }
  return rows;
}

/** By falling score, NaN at the end, equal ones as they came. */
function rank<T extends { score: number }>(items: readonly T[]): T[] {
  const numbers = items.filter(({ score }) => !Number.isNaN(score));
  const values = [...new Set(numbers.map(({ score }) => score))].sort((a, b) => (a < b ? 1 : -1));
  const ordered = values.flatMap((value) => numbers.filter(({ score }) => score === value));
  return [...ordered, ...items.filter(({ score }) => Number.isNaN(score))];
}

function size([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}

function iou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const overlap = width > 0 && height > 0 ? width * height : 0;
  return overlap === 0 ? 0 : overlap / (size(a) + size(b) - overlap);
}
