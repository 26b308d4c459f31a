// One run: a network trained on a data set, and measured.
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { assignAnchors, backendInfo, RetinanetOpsError } from 'retinanet-ops';
import {
  type AnnotatedDataset,
  createRetinaNet,
  cumulativeLoss,
  type CumulativeLoss,
  evaluateDataset,
  openImages,
  type RetinaNet,
  type StepReport,
  trainRetinaNet,
} from 'retinanet-ops/retinanet';
import { CLIP_NORM, type DataSet } from './data-sets.js';
import { type Experiment, FOCAL } from './experiments.js';
import type { Asked, RunResult } from './run-files.js';

const EVERY = 10;

export interface Run {
  asked: Asked;
  experiment: Experiment;
  data: DataSet;
  dataset: AnnotatedDataset;
  threads: number;
}

export async function train({ asked, experiment, data, dataset, threads }: Run): Promise<RunResult> {
  const { learningRate, seed, steps, split } = asked;
  const start = performance.now();
  const net = createRetinaNet({ ...data.frame, ...experiment.network, numClasses: dataset.classes.length, seed });
  const reports: StepReport[] = [];
  const { loss, lossOptions, training } = experiment;
  let numbers: Pick<RunResult, 'AP' | 'AP50' | 'AP75' | 'diverged'>;
  try {
    await trainRetinaNet(net, openImages(dataset, 'train', net.config), {
      ...{ steps, learningRate, seed, loss, threads, augment: data.augment, clipNorm: CLIP_NORM },
      ...(lossOptions && { lossOptions }),
      ...training,
      onStep: (report) => {
        reports.push(report);
      },
    });
    const { AP, AP50, AP75 } = (await evaluateDataset(net, dataset, split)).coco;
    numbers = { AP: rounded(AP), AP50: rounded(AP50), AP75: rounded(AP75) };
  } catch (error) {
    if (!(error instanceof RetinanetOpsError) || error.code !== 'ERR_DATA' || !/^.*step \d+/.test(error.message))
      throw error;
    numbers = { AP: 0, AP50: 0, AP75: 0, diverged: reports.length + 1 };
  }
  const showsFigure4 = experiment.id === FOCAL && seed === 0 && split === 'test' && numbers.diverged === undefined;
  const cumulative = showsFigure4 ? await figure4(net, dataset) : undefined;
  const anchors = net.anchors.count;
  net.dispose();
  return {
    ...asked,
    ...numbers,
    ...statisticsOf(reports),
    anchors,
    seconds: Math.round((performance.now() - start) / 1000),
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores, ${backendInfo().cpu.instructionSet ?? 'unknown'}`,
    ...(cumulative && { cumulative }),
  };
}

const rounded = (value: number) => Number(value.toPrecision(4));

function statisticsOf(reports: readonly StepReport[]): Pick<RunResult, 'classLoss' | 'highest' | 'positives'> {
  const losses = reports.map(({ classLoss }) => classLoss);
  const images = reports.reduce((sum, { imagesPerSecond, stepMs }) => sum + (imagesPerSecond * stepMs) / 1000, 0);
  return {
    classLoss: Array.from({ length: Math.ceil(losses.length / EVERY) }, (_, i) => {
      const part = losses.slice(i * EVERY, (i + 1) * EVERY);
      return rounded(part.reduce((sum, loss) => sum + loss, 0) / part.length);
    }),
    highest: rounded(Math.max(0, ...losses)),
    positives: rounded(reports.reduce((sum, { positives }) => sum + positives, 0) / Math.max(1, images)),
  };
}

const FIGURE_IMAGES = 48;
/** Enough for smooth curves, and few enough for a small file. */
const FRACTIONS = [...Array.from({ length: 50 }, (_, i) => i / 50), ...[0.985, 0.99, 0.994, 0.997, 0.999, 0.9995, 1]];

/** How the loss of the trained network is spread over easy and hard samples of test images. */
async function figure4(net: RetinaNet, dataset: AnnotatedDataset): Promise<CumulativeLoss> {
  const { imageHeight, imageWidth, numClasses } = net.config;
  const images = openImages(dataset, 'test', net.config);
  const logits: Float32Array[] = [];
  const labels: Int32Array[] = [];
  for (let i = 0; i < Math.min(FIGURE_IMAGES, images.length); i++) {
    const pixels = new Uint8Array(imageHeight * imageWidth * 3);
    await images.read(i, pixels);
    logits.push(
      tf.tidy(() => {
        const picture = tf.tensor4d(Float32Array.from(pixels), [1, imageHeight, imageWidth, 3]);
        const [ofClasses] = net.model.predict(picture) as tf.Tensor[];
        return Float32Array.from(ofClasses!.dataSync());
      }),
    );
    const [from, to] = [images.offsets[i]!, images.offsets[i + 1]!];
    const boxes = Float32Array.from(images.boxes.subarray(4 * from, 4 * to));
    labels.push(assignAnchors(net.anchors, boxes, Int32Array.from(images.labels.subarray(from, to))).labels);
  }
  const curves = cumulativeLoss(joined(Float32Array, logits), joined(Int32Array, labels), {
    ...{ numClasses, fractions: FRACTIONS },
  });
  for (const { shares } of [curves.foreground, curves.background]) {
    for (const [i, share] of shares.entries()) shares[i] = share.map(rounded);
  }
  return curves;
}

function joined<T extends Float32Array | Int32Array>(type: new (length: number) => T, parts: readonly T[]): T {
  const whole = new type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
