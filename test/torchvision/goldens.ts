// What torchvision computed, and how close it has to be met.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { ExecutionContext } from 'ava';
import { type BackboneName, decodeImage, detectPicture, type Picture, type RetinaNet } from 'retinanet-ops/retinanet';

import { f32, goldenCases, i32, type Packed } from '../support/goldens.js';
import { drawn } from './formula.js';

export interface Case {
  kind: string;
  backbone: BackboneName;
  size: [height: number, width: number];
}
export interface Outputs extends Case {
  cls_logits: Output;
  bbox_regression: Output;
}
export interface Output {
  length: number;
  norm: number;
  samples: Packed;
}
export interface Found extends Case {
  file: string | null;
  pixels: string;
  boxes: Packed;
  scores: Packed;
  labels: Packed;
}
const all = goldenCases<Case>('torchvision-retinanet.json');
export const of = <T extends Case>(kind: string, backbone?: string) =>
  all.filter((one) => one.kind === kind && (backbone === undefined || one.backbone === backbone)) as T[];
export const sha = (values: Uint8Array) => createHash('sha256').update(values).digest('hex');
const PICTURES = join(process.env['RETINANET_OPS_TEST_DATA'] ?? '../shared/data', 'bccd/BCCD/JPEGImages');

export function checkOutputs(t: ExecutionContext, { model }: RetinaNet, { size, ...golden }: Outputs) {
  const outputs = tf.tidy(() => {
    const image = tf.tensor4d(Float32Array.from(drawn(...size)), [1, ...size, 3]);
    return (model.apply(image) as tf.Tensor[]).map((output) => output.dataSync());
  });
  for (const [i, { length, norm, samples }] of [golden.cls_logits, golden.bbox_regression].entries()) {
    const values = outputs[i]!;
    t.is(values.length, length);
    near(t, norm2(values), norm, 1e-4 * norm, 'norm');
    const scale = norm / Math.sqrt(length);
    const stride = Math.floor(length / 500);
    for (const [j, expected] of f32(samples).entries()) {
      near(t, values[j * stride]!, expected, 1e-4 * Math.max(scale, Math.abs(expected)), `output ${i}, ${j}`);
    }
  }
}

export function norm2(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

export function near(t: ExecutionContext, value: number, expected: number, most: number, what: string) {
  if (!(Math.abs(value - expected) <= most)) t.fail(`${what}: ${value}, expected ${expected}`);
}

export async function checkDetections(t: ExecutionContext, net: RetinaNet, golden: Found) {
  const picture = await pictureOf(t, golden);
  if (picture === undefined) return;
  const found = await detectPicture(net, picture);
  const name = golden.file ?? golden.size.join('x');
  const [scores, labels, boxes] = [f32(golden.scores), i32(golden.labels), f32(golden.boxes)];
  t.is(found.scores.length, scores.length, name);
  t.true(scores.length > 100, `${name}: ${scores.length} detections`);
  // In the same order, but for those whose scores are the same within the tolerance.
  const left = new Set(scores.keys());
  for (const [row, score] of scores.entries()) {
    const isSame = (i: number) =>
      Math.abs(found.scores[i]! - score) <= 1e-5 &&
      found.labels[i] === labels[row] &&
      [0, 1, 2, 3].every((side) => Math.abs(found.boxes[4 * i + side]! - boxes[4 * row + side]!) <= 1e-3);
    const match = left.has(row) && isSame(row) ? row : [...left].find(isSame);
    if (match === undefined) t.fail(`${name}: no detection like ${row}, of ${labels[row]} with ${score}`);
    else left.delete(match);
  }
}

/** Drawn, or of a file whose pixels are those that torchvision saw; a decoder of JPEG may see others. */
export async function pictureOf(t: ExecutionContext, { file, size, pixels }: Found): Promise<Picture | undefined> {
  const [height, width] = size;
  if (file === null) return { data: drawn(height, width), width, height };
  const path = join(PICTURES, file);
  if (!existsSync(path)) {
    t.log(`skipped: no ${path}`);
    return undefined;
  }
  const picture = await decodeImage(path);
  t.is(sha(picture.data), pixels, file);
  return picture;
}
