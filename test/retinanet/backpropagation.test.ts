// The gradients of a training step: as TensorFlow.js computes them, with less work and less memory.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import test from 'ava';
import { createRetinaNet, type RetinaNet, useNativeBackend, useWasmBackend } from 'retinanet-ops/retinanet';

import { mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';
import { makeLively } from './scenes.js';

const internal = async <T>(file: string) =>
  (await import(new URL(`./training/${file}.js`, import.meta.resolve('retinanet-ops/retinanet')).href)) as T;
const { backpropagate } = await internal<{
  backpropagate: (
    loss: () => tf.Scalar,
    variables: readonly tf.Variable[],
    receive: (variable: tf.Variable, gradient: tf.Tensor) => void,
  ) => void;
}>('backpropagation');
const { fuseLayers } = await internal<{ fuseLayers: (model: RetinaNet['model']) => void }>('fuse');

test.before(async () => {
  await useNativeBackend();
});

test.afterEach.always(async () => {
  await tf.setBackend('native');
});

type Gradients = Map<string, Float32Array>;

function ours(loss: () => tf.Scalar, variables: tf.Variable[]): Gradients {
  const gradients: Gradients = new Map();
  backpropagate(loss, variables, ({ name }, gradient) => {
    gradients.set(name, Float32Array.from(gradient.dataSync()));
  });
  return gradients;
}

function stock(loss: () => tf.Scalar, variables: tf.Variable[]): Gradients {
  const { value, grads } = tf.variableGrads(loss, variables);
  const gradients = new Map(
    Object.entries(grads)
      .filter(([, gradient]) => (gradient as tf.Tensor | null) !== null)
      .map(([name, gradient]) => [name, Float32Array.from(gradient.dataSync())] as const),
  );
  tf.dispose([value, grads]);
  return gradients;
}

/** What is wrong of `got`, or null; relative to the length of each gradient. */
function difference(got: Gradients, want: Gradients, relative: number): string | null {
  if ([...got.keys()].sort().join() !== [...want.keys()].sort().join()) return `gradients by ${[...got.keys()].join()}`;
  for (const [name, values] of want) {
    const absolute = relative * Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    const wrong = mismatch(got.get(name)!, values, { relative, absolute });
    if (wrong !== null) return `${name}: ${wrong}`;
  }
  return null;
}

/** Uses one variable three times and another never; branches, results of several parts, results that nobody uses. */
function graph() {
  const next = random(5);
  const variable = (...shape: number[]) =>
    tf.variable(tf.tensor(uniform(next, tf.util.sizeFromShape(shape), -1, 1), shape));
  const [a, b, unused] = [variable(4, 6), variable(6), variable(3)];
  const constant = tf.tensor2d(uniform(next, 24, -1, 1), [4, 6]);
  const loss = () => {
    const product = tf.mul(tf.add(a, b), constant);
    const [left, right] = tf.split(product, 2, 1) as [tf.Tensor, tf.Tensor];
    const [kept] = tf.split(tf.relu(a), 3, 1) as [tf.Tensor];
    tf.exp(left);
    return tf.add<tf.Scalar>(tf.sum(tf.mul(left, tf.clone(right))), tf.sum(tf.mul(tf.clone(kept), tf.sum(a))));
  };
  return { loss, variables: [a, b, unused], all: [a, b, unused, constant] };
}

test.serial('gradients are those of tf.variableGrads, and nothing else is left', (t) => {
  const { loss, variables, all } = graph();
  const want = stock(loss, variables.slice(0, 2));
  const before = tf.memory().numTensors;
  const got = ours(loss, variables);
  t.is(tf.memory().numTensors, before);
  t.is(difference(got, want, 1e-6), null);
  t.is(got.size, 2);
  tf.dispose(all);
});

test.serial('a loss that throws leaves nothing and stops no later gradient', (t) => {
  const { loss, variables, all } = graph();
  const want = stock(loss, variables.slice(0, 2));
  const before = tf.memory().numTensors;
  const stop = new Error('enough');
  const throwing = () => {
    loss();
    throw stop;
  };
  t.is(
    t.throws(() => ours(throwing, variables)),
    stop,
  );
  t.is(tf.memory().numTensors, before);
  t.is(difference(ours(loss, variables), want, 1e-6), null);
  t.is(difference(stock(loss, variables.slice(0, 2)), want, 0), null);
  tf.dispose(all);
});

test.serial('what the gradients of a long chain need is freed on the way', (t) => {
  const weight = tf.variable(tf.scalar(1.01));
  const input = tf.ones([64]);
  let buffers: number[] = [];
  const sine = tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: tf.sin(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
        buffers.push(tf.memory().numDataBuffers);
        return tf.mul(dy, tf.cos(saved!));
      },
    };
  });
  const links = 20;
  const loss = () => {
    let x: tf.Tensor = input;
    for (let i = 0; i < links; i++) x = sine(tf.mul(x, weight));
    return tf.sum<tf.Scalar>(x);
  };
  const held = (run: () => unknown) => {
    buffers = [];
    const before = tf.memory().numDataBuffers;
    run();
    return [buffers[0]! - before, buffers.at(-1)! - before] as const;
  };
  const [stockFirst, stockLast] = held(() => stock(loss, [weight]));
  const [first, last] = held(() => ours(loss, [weight]));
  // At first the inputs of all sines and products, at last those of one of each; gradients of two more.
  t.true(first <= 2 * links + 3, String(first));
  t.true(last <= 6, String(last));
  t.true(stockLast > stockFirst + links, 'what TensorFlow.js itself holds');
  tf.dispose([weight, input]);
});

const NETS = {
  compact: { preset: 'compact', imageHeight: 44, imageWidth: 36, pyramidChannels: 8, subnetDepth: 2 },
  'resnet50-fpn': { preset: 'resnet50-fpn', imageHeight: 33, imageWidth: 40, pyramidChannels: 8, subnetDepth: 1 },
  'resnet50-fpn that learns its normalisations': {
    ...({ preset: 'resnet50-fpn', batchNorm: 'trainable' } as const),
    ...{ imageHeight: 40, imageWidth: 33, pyramidChannels: 8, subnetDepth: 1 },
  },
} as const;

function lively(name: keyof typeof NETS): RetinaNet {
  const net = createRetinaNet({ ...NETS[name], numClasses: 2 });
  makeLively(net);
  return net;
}

for (const name of Object.keys(NETS) as (keyof typeof NETS)[]) {
  test.serial(`fused convolutions have the results and gradients of the layers one by one: ${name}`, async (t) => {
    const net = lively(name);
    const { imageHeight, imageWidth } = NETS[name];
    const images = tf.tensor4d(uniform(random(1), 2 * imageHeight * imageWidth * 3, 0, 255), [2, imageHeight, imageWidth, 3]); // prettier-ignore
    const variables = net.model.trainableWeights.map((w) => tf.engine().registeredVariables[w.name] as tf.Variable);
    // The logits near the prior's would hide what differs.
    const loss = () => {
      const outputs = net.model.apply(images) as tf.Tensor[];
      return tf.addN<tf.Scalar>(outputs.map((output) => tf.mean(tf.sin(output))));
    };
    const want = stock(loss, variables);
    const convolutions = (kernels: { name: string }[]) =>
      kernels.filter((each) => /Conv2DBackprop/.test(each.name)).length;
    const profile = async (run: () => unknown) =>
      tf.profile(() => {
        run();
        return tf.scalar(0);
      });
    const before = convolutions((await profile(() => stock(loss, variables))).kernels);
    fuseLayers(net.model);
    fuseLayers(net.model); // what is fused stays as it is
    const { kernels } = await profile(() => ours(loss, variables));
    t.is(convolutions(kernels), before - 1, "the images' gradient alone is left out");
    t.false(kernels.some((each) => each.name === 'FusedBatchNorm' && each.inputShapes[0]?.at(-1) !== 3));
    for (const backend of ['native', 'wasm']) {
      if (backend === 'wasm') await useWasmBackend();
      // Sums in another order, through all layers.
      t.is(difference(ours(loss, variables), want, 5e-4), null, backend);
    }
    images.dispose();
    net.dispose();
  });
}
