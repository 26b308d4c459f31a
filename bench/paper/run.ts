// One run: a network trained on a data set, measured, and written to a file, which is read instead where it is there.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { assignAnchors, RetinanetOpsError } from 'retinanet-ops';
import {
  createRetinaNet,
  cumulativeLoss,
  type CumulativeLoss,
  evaluateDataset,
  openImages,
  type RetinaNet,
  trainRetinaNet,
} from 'retinanet-ops/retinanet';
import type { DataSet } from './data-sets.js';
import { type Experiment, FOCAL } from './experiments.js';

export interface RunResult {
  experiment: string;
  dataSet: string;
  learningRate: number;
  seed: number;
  steps: number;
  split: 'val' | 'test';
  AP: number;
  AP50: number;
  AP75: number;
  /** The step whose loss was no number. */
  diverged?: number;
  /** Class loss, the mean of every ten steps. */
  classLoss: number[];
  seconds: number;
  date: string;
  /** Figure 4, of one run of each data set. */
  cumulative?: CumulativeLoss;
}

export interface Asked {
  experiment: Experiment;
  data: DataSet;
  learningRate: number;
  seed: number;
  split: 'val' | 'test';
}

const EVERY = 10;

export function fileOf(folder: string, { experiment, data, learningRate, seed, split }: Asked): string {
  return join(folder, 'runs', data.name, `${experiment.id}_${learningRate}_${seed}_${split}_${data.steps}.json`);
}

export async function runOnce(folder: string, asked: Asked): Promise<RunResult> {
  const file = fileOf(folder, asked);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as RunResult;
  const result = await train(asked);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(result)}\n`);
  renameSync(`${file}.new`, file);
  return result;
}

async function train({ experiment, data, learningRate, seed, split }: Asked): Promise<RunResult> {
  const { dataset, frame, steps, augment } = data;
  const start = performance.now();
  const net = createRetinaNet({ ...frame, ...experiment.network, numClasses: dataset.classes.length, seed });
  const losses: number[] = [];
  const { loss, lossOptions } = experiment;
  const about = { experiment: experiment.id, dataSet: data.name, learningRate, seed, steps, split };
  let numbers: Pick<RunResult, 'AP' | 'AP50' | 'AP75' | 'diverged'>;
  try {
    await trainRetinaNet(net, openImages(dataset, 'train', net.config), {
      ...{ steps, learningRate, seed, loss },
      ...(augment !== undefined && { augment }),
      ...(lossOptions && { lossOptions }),
      onStep: ({ classLoss }) => {
        losses.push(classLoss);
      },
    });
    const { AP, AP50, AP75 } = (await evaluateDataset(net, dataset, split)).coco;
    numbers = { AP, AP50, AP75 };
  } catch (error) {
    if (!(error instanceof RetinanetOpsError) || !/NaN|finite|not a number/i.test(error.message)) throw error;
    numbers = { AP: 0, AP50: 0, AP75: 0, diverged: losses.length + 1 };
  }
  const showsFigure4 = experiment.id === FOCAL && seed === 0 && split === 'test' && numbers.diverged === undefined;
  const cumulative = showsFigure4 ? await figure4(net, data) : undefined;
  net.dispose();
  return {
    ...about,
    ...numbers,
    classLoss: means(losses),
    seconds: Math.round((performance.now() - start) / 1000),
    date: new Date().toISOString(),
    ...(cumulative && { cumulative }),
  };
}

function means(losses: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(losses.length / EVERY) }, (_, i) => {
    const part = losses.slice(i * EVERY, (i + 1) * EVERY);
    return Number((part.reduce((sum, loss) => sum + loss, 0) / part.length).toPrecision(4));
  });
}

const FIGURE_IMAGES = 32;

/** How the loss of the trained network is spread over easy and hard samples of test images. */
async function figure4(net: RetinaNet, { dataset }: DataSet): Promise<CumulativeLoss> {
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
  return cumulativeLoss(joined(Float32Array, logits), joined(Int32Array, labels), { numClasses });
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
