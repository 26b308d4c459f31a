// The rules of COCO and of Pascal VOC, written down one by one and without regard to speed.
import type { CocoAnnotation, CocoNumbers, CocoResult, CocoTruth } from 'retinanet-ops/retinanet';

type Outcome = 'right' | 'false' | 'nothing';
type Box = readonly [x: number, y: number, width: number, height: number];

/** The twelve numbers over all classes, or of one. */
export function cocoNumbers(truth: CocoTruth, results: readonly CocoResult[], only?: unknown): CocoNumbers {
  const thresholds = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);
  const classes = truth.categories.map(({ id }) => id).filter((id) => only === undefined || id === only);
  const over = (of: typeof precision, ious: readonly number[], range: Range, most: number) => {
    const values = ious.flatMap((iou) => classes.map((id) => of(judgeAll(truth, results, { id, iou, range, most }))));
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? -1 : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  const [all, small, medium, large] = [
    [0, 1e10],
    [0, 1024],
    [1024, 9216],
    [9216, 1e10],
  ] as [Range, Range, Range, Range];
  return {
    AP: over(precision, thresholds, all, 100),
    AP50: over(precision, [0.5], all, 100),
    AP75: over(precision, [0.75], all, 100),
    APs: over(precision, thresholds, small, 100),
    APm: over(precision, thresholds, medium, 100),
    APl: over(precision, thresholds, large, 100),
    AR1: over(recall, thresholds, all, 1),
    AR10: over(recall, thresholds, all, 10),
    AR100: over(recall, thresholds, all, 100),
    ARs: over(recall, thresholds, small, 100),
    ARm: over(recall, thresholds, medium, 100),
    ARl: over(recall, thresholds, large, 100),
  };
}

type Range = [number, number];
interface Judged {
  positives: number;
  ranking: Outcome[];
}

function judgeAll(
  truth: CocoTruth,
  results: readonly CocoResult[],
  { id, iou, range, most }: { id: unknown; iou: number; range: Range; most: number },
): Judged {
  const images = truth.images.map((image) => image.id as number).sort((a, b) => a - b);
  const judged: { score: number; outcome: Outcome }[] = [];
  let positives = 0;
  for (const image of images) {
    const objects = truth.annotations.filter((one) => one.image_id === image && one.category_id === id);
    const counts = (one: CocoAnnotation) => {
      const area = one.area ?? one.bbox[2] * one.bbox[3];
      return !one.iscrowd && area >= range[0] && area <= range[1];
    };
    positives += objects.filter(counts).length;
    const free = new Set(objects);
    const found = byScore(results.filter((one) => one.image_id === image && one.category_id === id)).slice(0, most);
    for (const { bbox, score } of found) {
      const reached = [...free].filter((one) => shared(bbox, one) >= iou);
      const candidates = reached.some(counts) ? reached.filter(counts) : reached;
      const closest = Math.max(...candidates.map((one) => shared(bbox, one)));
      const match = candidates.findLast((one) => shared(bbox, one) === closest);
      if (match && !match.iscrowd) free.delete(match);
      const area = bbox[2] * bbox[3];
      const isOutside = area < range[0] || area > range[1];
      const outcome = match ? (counts(match) ? 'right' : 'nothing') : isOutside ? 'nothing' : 'false';
      judged.push({ score, outcome });
    }
  }
  return { positives, ranking: byScore(judged).map(({ outcome }) => outcome) };
}

function precision({ positives, ranking }: Judged): number | undefined {
  if (positives === 0) return undefined;
  return at(
    cuts(ranking, positives),
    Array.from({ length: 101 }, (_, i) => i * 0.01),
  );
}

function recall({ positives, ranking }: Judged): number | undefined {
  return positives === 0 ? undefined : ranking.filter((one) => one === 'right').length / positives;
}

/** Recall and precision of the beginnings of a ranking. */
function cuts(ranking: readonly Outcome[], positives: number): { recall: number; precision: number }[] {
  const counted = ranking.filter((one) => one !== 'nothing');
  return counted.map((_, last) => {
    const right = counted.slice(0, last + 1).filter((one) => one === 'right').length;
    return { recall: right / positives, precision: right / (last + 1) };
  });
}

/** The mean over levels of recall of the best precision that reaches the level. */
function at(all: readonly { recall: number; precision: number }[], levels: readonly number[]): number {
  const best = levels.map((level) => Math.max(0, ...all.map((cut) => (cut.recall >= level ? cut.precision : 0))));
  return best.reduce((sum, value) => sum + value, 0) / levels.length;
}

function byScore<T extends { score: number }>(items: readonly T[]): T[] {
  const scores = [...new Set(items.map(({ score }) => score))].sort((a, b) => b - a);
  return scores.flatMap((score) => items.filter((item) => item.score === score));
}

/** Pixels in both boxes over those in either, or over the detection's where the object is a crowd. */
function shared(found: Box, { bbox, iscrowd }: CocoAnnotation, crowds = true): number {
  const span = (axis: 0 | 1) =>
    Math.min(found[axis] + found[axis + 2]!, bbox[axis] + bbox[axis + 2]!) - Math.max(found[axis], bbox[axis]);
  if (span(0) <= 0 || span(1) <= 0) return 0;
  const both = span(0) * span(1);
  const own = found[2] * found[3];
  return both / (crowds && iscrowd ? own : own + bbox[2] * bbox[3] - both);
}

/** VOC's AP of one class: the area under the curve, and the mean at 11 levels of recall. Undefined without objects. */
export function vocPrecision(
  truth: CocoTruth,
  results: readonly CocoResult[],
  id: unknown,
  iou: number,
): { AP: number; AP11: number } | undefined {
  const objects = truth.annotations.filter((one) => one.category_id === id);
  const positives = objects.filter((one) => !one.iscrowd).length;
  if (positives === 0) return undefined;
  const seen = new Set<CocoAnnotation>();
  const ranking = byScore(results.filter((one) => one.category_id === id)).map(({ image_id, bbox }): Outcome => {
    const here = objects.filter((one) => one.image_id === image_id);
    const closest = Math.max(...here.map((one) => shared(bbox, one, false)));
    const match = here.find((one) => shared(bbox, one, false) === closest);
    if (!match || closest < iou) return 'false';
    if (match.iscrowd) return 'nothing';
    if (seen.has(match)) return 'false';
    seen.add(match);
    return 'right';
  });
  const all = cuts(ranking, positives);
  // Between two levels of recall the best precision at the higher one or above holds.
  let area = 0;
  for (let found = 1; found <= positives; found++) area += at(all, [found / positives]) / positives;
  return {
    AP: area,
    AP11: at(
      all,
      Array.from({ length: 11 }, (_, i) => i * 0.1),
    ),
  };
}
