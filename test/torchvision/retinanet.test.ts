// The preset torchvision-retinanet beside torchvision's own network: anchors, outputs, detections and a step of training.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import test, { type ExecutionContext } from 'ava';
import { retinanetLoss } from 'retinanet-ops/tfjs';
import {
  type BackboneName,
  createRetinaNet,
  decodeImage,
  detectPicture,
  type Picture,
  type RetinaNet,
  type StepReport,
  trainRetinaNet,
  useNativeBackend,
} from 'retinanet-ops/retinanet';

import { f32, goldenCases, i32, type Packed } from '../support/goldens.js';
import { drawn, formulaNet, torchvisionName } from './formula.js';

interface Case {
  kind: string;
  backbone: BackboneName;
  size: [height: number, width: number];
}
interface Outputs extends Case {
  cls_logits: Output;
  bbox_regression: Output;
}
interface Output {
  length: number;
  norm: number;
  samples: Packed;
}
interface Found extends Case {
  file: string | null;
  pixels: string;
  boxes: Packed;
  scores: Packed;
  labels: Packed;
}
interface Training extends Case {
  boxes: number[][][];
  labels: number[][];
  losses: { classification: number; bbox_regression: number };
  norms: Record<string, number>;
}

const all = goldenCases<Case>('torchvision-retinanet.json');
const of = <T extends Case>(kind: string, backbone?: string) =>
  all.filter((one) => one.kind === kind && (backbone === undefined || one.backbone === backbone)) as T[];
const sha = (values: Uint8Array) => createHash('sha256').update(values).digest('hex');
const SIDES = { shorterSide: 128, longerSide: 200 };
const PICTURES = join(process.env['RETINANET_OPS_TEST_DATA'] ?? '../shared/data', 'bccd/BCCD/JPEGImages');

test.before(async () => {
  await useNativeBackend();
});

test("anchors are torchvision's to the bit", (t) => {
  for (const { size, ...golden } of of<Case & { hash: string; samples: Packed }>('anchors')) {
    const [imageHeight, imageWidth] = size;
    const narrow = { backbone: 'compact', pyramidChannels: 1, subnetDepth: 0, numClasses: 1 } as const;
    const net = createRetinaNet({ preset: 'torchvision-retinanet', ...narrow, imageHeight, imageWidth });
    const boxes = net.anchors.boxes();
    const step = 4 * Math.max(1, Math.floor(net.anchors.count / 16));
    const samples = f32(golden.samples);
    for (let row = 0; 4 * row < samples.length; row++) {
      const start = row * step;
      t.deepEqual(boxes.slice(start, start + 4), samples.slice(4 * row, 4 * row + 4), `${size.join('x')}, row ${row}`);
    }
    t.is(sha(new Uint8Array(boxes.buffer, boxes.byteOffset, boxes.byteLength)), golden.hash, size.join('x'));
    net.dispose();
  }
});

for (const backbone of ['resnet18', 'resnet50'] as const) {
  test.serial(`outputs, detections and a step of ${backbone} are torchvision's`, async (t) => {
    const [step] = of<Training>('training', backbone) as [Training];
    const [imageHeight, imageWidth] = step.size;
    const net = formulaNet(backbone, { imageHeight, imageWidth, ...SIDES });
    checkOutputs(t, net, of<Outputs>('outputs', backbone)[0]!);
    for (const golden of of<Found>('detections', backbone)) await checkDetections(t, net, golden);
    checkStep(t, net, step);
    await checkTraining(t, net, step);
    net.dispose();
  });
}

function checkOutputs(t: ExecutionContext, { model }: RetinaNet, { size, ...golden }: Outputs) {
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

function norm2(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

function near(t: ExecutionContext, value: number, expected: number, most: number, what: string) {
  if (!(Math.abs(value - expected) <= most)) t.fail(`${what}: ${value}, expected ${expected}`);
}

async function checkDetections(t: ExecutionContext, net: RetinaNet, golden: Found) {
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
async function pictureOf(t: ExecutionContext, { file, size, pixels }: Found): Promise<Picture | undefined> {
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

/** A drawn picture, and the same upside down. */
function batchOf({ size: [height, width], boxes, labels }: Training) {
  const image = drawn(height, width);
  const rows = Array.from({ length: height }, (_, y) => image.subarray(y * width * 3, (y + 1) * width * 3));
  const groundTruth = {
    boxes: Float32Array.from(boxes.flat(2)),
    labels: Int32Array.from(labels.flat()),
    offsets: Int32Array.from([0, labels[0]!.length, labels.flat().length]),
  };
  return { images: Uint8Array.from([...image, ...rows.reverse().flatMap((row) => [...row])]), groundTruth };
}

/** The numbers that a step of trainRetinaNet reports. */
async function checkTraining(t: ExecutionContext, net: RetinaNet, golden: Training) {
  const { images, groundTruth } = batchOf(golden);
  const [imageHeight, imageWidth] = golden.size;
  const classNames = Array.from({ length: 91 }, (_, k) => String(k));
  const dataset = { classNames, imageHeight, imageWidth, length: 2, images, ...groundTruth };
  const { history } = await trainRetinaNet(net, dataset, { steps: 1, batchSize: 2, augment: false });
  const [{ classLoss, boxLoss, gradientNorm }] = history as [StepReport];
  const norm = Math.hypot(...Object.values(golden.norms));
  near(t, classLoss, golden.losses.classification, 1e-4 * golden.losses.classification, 'classLoss');
  near(t, boxLoss, golden.losses.bbox_regression, 1e-4 * golden.losses.bbox_regression, 'boxLoss');
  near(t, gradientNorm, norm, 1e-4 * norm, 'gradientNorm');
}

function checkStep(t: ExecutionContext, net: RetinaNet, golden: Training) {
  const { size, losses, norms } = golden;
  const [height, width] = size;
  const { images, groundTruth } = batchOf(golden);
  const options = { boxLoss: 'l1', normalizer: 'positives-per-image', numClasses: 91 } as const;
  let numbers: [number, number] = [0, 0];
  const variables = net.model.trainableWeights.map(({ name }) => tf.engine().registeredVariables[name]!);
  const { grads } = tf.variableGrads(() => {
    const [classLogits, boxDeltas] = net.model.apply(tf.tensor4d(images, [2, height, width, 3])) as tf.Tensor[];
    const inputs = { classLogits: classLogits!, boxDeltas: boxDeltas!, anchors: net.anchors, groundTruth };
    const { loss, classLoss, boxLoss } = retinanetLoss({ ...inputs, ...options });
    numbers = [classLoss.dataSync()[0]!, boxLoss.dataSync()[0]!];
    return loss;
  }, variables);
  near(t, numbers[0], losses.classification, 1e-4 * losses.classification, 'class loss');
  near(t, numbers[1], losses.bbox_regression, 1e-4 * losses.bbox_regression, 'box loss');
  const found: Record<string, number> = {};
  for (const { name, originalName } of net.model.trainableWeights) {
    const group = groupOf(torchvisionName(originalName.split('/')[0]!)!);
    found[group] = Math.hypot(found[group] ?? 0, norm2(grads[name]!.dataSync()));
  }
  tf.dispose(grads);
  t.deepEqual(Object.keys(found).sort(), Object.keys(norms).sort());
  for (const [group, norm] of Object.entries(norms)) near(t, found[group]!, norm, 1e-4 * norm, group);
}

/** Of parameters: each stage of the backbone, the pyramid and each head. */
function groupOf(module: string): string {
  return module
    .split('.')
    .slice(0, module.startsWith('backbone.body') ? 3 : 2)
    .join('.');
}
