// The pictures in which a detector does best and worst.
import { join } from 'node:path';
import type { AnnotatedImage, BoxEdges } from '../data/annotations.js';
import { decodeImage } from '../data/images.js';
import { fitPicture } from '../data/letterbox.js';
import { loadSharp } from '../data/sharp.js';
import { allRows, byFallingScore, type Objects } from '../evaluation/objects.js';
import { Outcome } from './claims.js';

/** How a detector does in a picture. */
export interface PictureScore {
  /** Of the picture. */
  index: number;
  /** 2 hits / (objects + detections), in [0, 1]. */
  f1: number;
  /** Mean score of the detections that are right less that of those that are wrong, of none 0: what orders equal F1. */
  margin: number;
  hits: number;
  /** Objects that no detection claims. */
  missed: number;
  /** Detections that claim none. */
  wrong: number;
}

/**
 * Every picture with an object or a detection that counts, best first: by F1, then by the margin between right and wrong detections,
 * then by index.
 *
 * @param claims [detections] as claimObjects gives them
 */
export function scorePictures({ truth, found, numImages }: Objects, claims: Int32Array): PictureScore[] {
  const scores = Array.from({ length: numImages }, (_, index) => ({
    ...{ index, f1: 0, margin: 0, hits: 0, missed: 0, wrong: 0 },
    right: 0,
    false: 0,
  }));
  for (const [row, image] of truth.image.entries()) if (truth.ignored[row] === 0) scores[image]!.missed++;
  for (const [d, claim] of claims.entries()) {
    const one = scores[found.image[d]!]!;
    if (claim >= 0) {
      one.hits++;
      one.missed--;
      one.right += found.score[d]!;
    } else if (claim === Outcome.wrong) {
      one.wrong++;
      one.false += found.score[d]!;
    }
  }
  return scores
    .filter(({ hits, missed, wrong }) => hits + missed + wrong > 0)
    .map(({ index, hits, missed, wrong, right, false: no }) => {
      const f1 = f1Of([{ hits, missed, wrong }]);
      return { ...{ index, hits, missed, wrong, f1 }, margin: right / Math.max(1, hits) - no / Math.max(1, wrong) };
    })
    .sort((a, b) => b.f1 - a.f1 || b.margin - a.margin || a.index - b.index);
}

/** F1 of pictures together; 0 where nothing is right. */
export function f1Of(scores: readonly Pick<PictureScore, 'hits' | 'missed' | 'wrong'>[]): number {
  const [right, all] = scores.reduce(
    ([hits, sum], one) => [hits + 2 * one.hits, sum + 2 * one.hits + one.missed + one.wrong],
    [0, 0],
  );
  return right / Math.max(1, all);
}

/** Of a ranking the first that have something right, and, worst first, the last that have something wrong; none twice. */
export function bestAndWorst<T extends { f1: number }>(ranked: readonly T[], count: number): { best: T[]; worst: T[] } {
  const best = ranked.filter(({ f1 }) => f1 > 0).slice(0, Math.min(count, Math.ceil(ranked.length / 2)));
  const rest = ranked.slice(best.length).filter(({ f1 }) => f1 < 1);
  return { best, worst: rest.slice(Math.max(0, rest.length - count)).reverse() };
}

/** A box that is drawn. */
export interface DrawnBox {
  /** Pixels of the picture. */
  box: BoxEdges;
  label: number;
  /** Of a detection. */
  score?: number;
  /** `right`: an object that is found, a detection of one; `aside`: a detection in a region to ignore, which is neither. */
  outcome: 'right' | 'wrong' | 'aside';
}

/** A picture as the page shows it. */
export interface Picture extends PictureScore {
  file: string;
  /** Pixels of the file. */
  width: number;
  height: number;
  /** A JPEG as a data URI, its longer side at most 480 pixels. */
  source: string;
  objects: DrawnBox[];
  detections: DrawnBox[];
}

const LONGER_SIDE = 480;
const QUALITY = 76;
/** Of each kind in a picture; more cannot be told apart. */
const MOST_BOXES = 60;

/** @throws RetinanetOpsError `ERR_DATA` where the file does not decode; `ERR_BACKEND` where sharp is missing */
export async function loadPicture(
  root: string,
  { file, width, height }: AnnotatedImage,
  score: PictureScore,
  { objects, claims }: { objects: Objects; claims: Int32Array },
): Promise<Picture> {
  const sharp = await loadSharp();
  const side = Math.min(LONGER_SIDE, Math.max(width, height));
  const fit = fitPicture({ width, height }, { imageWidth: side, imageHeight: side });
  const size = { width: fit.width, height: fit.height };
  const { data } = await decodeImage(join(root, file), size);
  const jpeg = await sharp(data, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: QUALITY })
    .toBuffer();
  const source = `data:image/jpeg;base64,${jpeg.toString('base64')}`;
  return { ...score, file, width, height, source, ...boxesOf(objects, claims, score.index) };
}

const outcomeOf = (claim: number): DrawnBox['outcome'] =>
  claim >= 0 ? 'right' : claim === Outcome.wrong ? 'wrong' : 'aside';

function boxesOf(
  { truth, found }: Objects,
  claims: Int32Array,
  image: number,
): Pick<Picture, 'objects' | 'detections'> {
  const edges = (all: Float64Array, row: number) => [...all.subarray(4 * row, 4 * row + 4)] as BoxEdges;
  const detections = allRows(claims.length)
    .filter((d) => found.image[d] === image && claims[d]! >= Outcome.aside)
    .sort((a, b) => byFallingScore(found.score[a]!, found.score[b]!) || a - b);
  const claimed = new Set(Array.from(detections, (d) => claims[d]!));
  const objects = allRows(truth.image.length).filter((row) => truth.image[row] === image && truth.ignored[row] === 0);
  return {
    objects: Array.from(objects.subarray(0, MOST_BOXES), (row) => ({
      ...{ box: edges(truth.edges, row), label: truth.label[row]!, outcome: claimed.has(row) ? 'right' : 'wrong' },
    })),
    detections: Array.from(detections.subarray(0, MOST_BOXES), (d) => ({
      ...{ box: edges(found.edges, d), label: found.label[d]!, score: found.score[d]! },
      outcome: outcomeOf(claims[d]!),
    })),
  };
}
