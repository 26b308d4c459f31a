// A process that trains and detects with this package, so that its peak resident size is one's own. Messages ask; messages answer.
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs-core';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';
import { setNumThreads } from 'retinanet-ops';
import { detect, trainRetinaNet, type RetinaNet, type TrainingOptions } from 'retinanet-ops/retinanet';
import { retinanetLoss, useNativeBackend, type TensorRetinanetLoss } from 'retinanet-ops/tfjs';
import { forwardFlops, profileKernels, type KernelTime } from './kernels.js';
import { dataOf, LEARNING_RATE, networkOf, type Setting } from './setting.js';

type Backpropagate = (
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
  receive: (variable: tf.Variable, gradient: tf.Tensor) => void,
) => void;
const internal = (file: string) =>
  import(new URL(`./training/${file}.js`, import.meta.resolve('retinanet-ops/retinanet')).href);
const { backpropagate } = (await internal('backpropagation')) as { backpropagate: Backpropagate };
const { fuseLayers } = (await internal('fuse')) as { fuseLayers: (model: RetinaNet['model']) => void };

export interface Network {
  levels: readonly number[];
  depth: number;
  weights: { name: string; shape: number[]; trainable: boolean }[];
  values: Float32Array;
  anchors: Float32Array;
  classLoss: number;
  boxLoss: number;
  /** Of all trainable weights, in their order. */
  gradient: Float32Array;
  /** Of the first steps of a training. */
  losses: number[];
  /** Multiplications and additions of its convolutions, as far as they are needed. */
  flops: { step: number; detection: number };
}

export interface Timed {
  times: number[];
  peakMiB: number;
}

export type Question =
  | { operation: 'network'; steps: number; threads: number }
  | { operation: 'timed'; what: 'step' | 'detection'; threads: number; seconds: number; atLeast: number }
  | { operation: 'kernels'; threads: number; runs: number };
export type Answer = Network | Timed | { kernels: KernelTime[] };

const variablesOf = (net: RetinaNet) =>
  net.model.trainableWeights.map(({ name }) => tf.engine().registeredVariables[name] as tf.Variable);

/** The loss of the whole batch by the operations on tensors. */
function lossOf(net: RetinaNet, setting: Setting, seen: (loss: TensorRetinanetLoss) => void = () => undefined) {
  const { images, boxes, labels, offsets } = dataOf(setting);
  const input = tf.tensor4d(Float32Array.from(images), [setting.batch, setting.height, setting.width, 3]);
  const groundTruth = { boxes: tf.tensor2d(boxes, [labels.length, 4]), labels: tf.tensor1d(labels, 'int32'), offsets: tf.tensor1d(offsets, 'int32') }; // prettier-ignore
  return () => {
    const [classLogits, boxDeltas] = net.model.apply(input) as [tf.Tensor, tf.Tensor];
    const result = retinanetLoss({ classLogits, boxDeltas, anchors: net.anchors, groundTruth });
    seen(result);
    return result.loss;
  };
}

/** Losses and gradients as a training thread computes them. The net is for training only from then on. */
function lossAndGradient(net: RetinaNet, setting: Setting) {
  fuseLayers(net.model);
  const variables = variablesOf(net);
  const losses = { classLoss: NaN, boxLoss: NaN };
  const parts = new Map<tf.Variable, Float32Array>();
  tf.tidy(() => {
    const loss = lossOf(net, setting, ({ classLoss, boxLoss }) => {
      losses.classLoss = classLoss.dataSync()[0]!;
      losses.boxLoss = boxLoss.dataSync()[0]!;
    });
    backpropagate(loss, variables, (variable, gradient) => parts.set(variable, gradient.dataSync<'float32'>()));
  });
  return { ...losses, gradient: flatten(variables.map((variable) => parts.get(variable)!)) };
}

async function describeNetwork(net: RetinaNet, setting: Setting, steps: number, threads: number): Promise<Network> {
  const { all, stem } = await forwardFlops(() =>
    net.model.predict(tf.zeros([setting.batch, setting.height, setting.width, 3])),
  );
  const values = flatten(net.model.weights.map((weight) => weight.read().dataSync<'float32'>()));
  const lossesAndGradient = lossAndGradient(net, setting);
  const trainable = new Set(net.model.trainableWeights.map(({ name }) => name));
  const weights = net.model.weights.map(({ name, shape }) => ({
    name,
    shape: shape as number[],
    trainable: trainable.has(name),
  }));
  const { history } = await trainRetinaNet(net, dataOf(setting), { ...recipe(setting), steps, threads });
  const { pyramidLevels: levels, subnetDepth: depth } = net.config;
  return {
    ...{ levels, depth, weights, values, anchors: net.anchors.boxes() },
    ...lossesAndGradient,
    losses: history.map(({ loss }) => loss),
    // As much again for each gradient; nobody needs the images'.
    flops: { detection: all, step: 3 * all - stem },
  };
}

const recipe = ({ batch }: Setting): TrainingOptions => ({
  batchSize: batch,
  learningRate: LEARNING_RATE,
  warmupSteps: 0,
  augment: false,
  backend: 'native',
});

function flatten(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Before what counts: V8 compiles what a training or a detection runs only after a while. */
const WARM_UP_SECONDS = 1.5;

async function timeSteps(net: RetinaNet, setting: Setting, threads: number, seconds: number, atLeast: number) {
  const enough = new AbortController();
  const times: number[] = [];
  const warmUp = Math.min(WARM_UP_SECONDS, seconds);
  let before = 0;
  await trainRetinaNet(net, dataOf(setting), {
    ...recipe(setting),
    ...{ steps: 1e9, threads, signal: enough.signal },
    onStep: ({ step, stepMs }) => {
      if (step > 2 && before >= 1e3 * warmUp) times.push(stepMs);
      else before += stepMs;
      const total = times.reduce((sum, time) => sum + time, 0);
      if (times.length >= atLeast && total > 1e3 * seconds) enough.abort();
    },
  });
  return times;
}

async function timeDetections(net: RetinaNet, setting: Setting, threads: number, seconds: number, atLeast: number) {
  setNumThreads(threads);
  const { images } = dataOf(setting);
  const times: number[] = [];
  const run = () => detect(net, images, { batchSize: setting.batch });
  const start = performance.now();
  const warmUp = Math.min(WARM_UP_SECONDS, seconds);
  do await run();
  while (performance.now() - start < 1e3 * warmUp);
  for (let total = 0; times.length < atLeast || total < 1e3 * seconds; total += times.at(-1)!) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times;
}

async function answer(net: RetinaNet, setting: Setting, question: Question): Promise<Answer> {
  const { threads } = question;
  switch (question.operation) {
    case 'network':
      return describeNetwork(net, setting, question.steps, threads);
    case 'timed': {
      const time = question.what === 'step' ? timeSteps : timeDetections;
      const times = await time(net, setting, threads, question.seconds, question.atLeast);
      return { times, peakMiB: process.resourceUsage().maxRSS / 1024 };
    }
    case 'kernels': {
      // As a training thread does it. The net is of no other use afterwards.
      setNumThreads(threads);
      fuseLayers(net.model);
      const run = () => {
        tf.tidy(() => {
          backpropagate(lossOf(net, setting), variablesOf(net), () => undefined);
        });
      };
      return { kernels: await profileKernels(run, question.runs) };
    }
  }
}

tf.enableProdMode();
await useNativeBackend();
const setting = JSON.parse(process.argv[2]!) as Setting;
const net = networkOf(setting);
process.on('message', (question: Question) => {
  answer(net, setting, question).then(
    (result) => process.send!(result),
    (error: unknown) => process.send!({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
