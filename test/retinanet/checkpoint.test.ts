// Training that keeps of residual blocks only what they take: the same weights to the bit, in less memory.
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import test from 'ava';
import { createRetinaNet, type RetinaNet, trainRetinaNet, useNativeBackend } from 'retinanet-ops/retinanet';

import { random, uniform } from '../support/random.js';
import { fingerprint, makeLively, squares } from './scenes.js';

type Backpropagate = (
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
  receive: (variable: tf.Variable, gradient: tf.Tensor) => void,
) => void;
type Body = (x: tf.Tensor) => tf.Tensor;
const internal = async (file: string) =>
  (await import(new URL(`./training/${file}.js`, import.meta.resolve('retinanet-ops/retinanet')).href)) as unknown;
const { backpropagate, checkpoint } = (await internal('backpropagation')) as {
  backpropagate: Backpropagate;
  checkpoint: (body: Body, x: tf.Tensor, variables: readonly tf.Variable[]) => tf.Tensor;
};
const { fuseLayers } = (await internal('fuse')) as { fuseLayers: (model: RetinaNet['model']) => void };
const { checkpointBlocks } = (await internal('checkpoint')) as {
  checkpointBlocks: (model: RetinaNet['model']) => void;
};

test.before(async () => {
  await useNativeBackend();
});

const small = { numClasses: 3, imageHeight: 64, imageWidth: 48, pyramidChannels: 8, subnetDepth: 1 } as const;
const NETS = {
  compact: small,
  'resnet50-fpn': { ...small, preset: 'resnet50-fpn', batchNorm: 'trainable' },
} as const;
type Name = keyof typeof NETS;

function lively(name: Name): RetinaNet {
  const net = createRetinaNet(NETS[name]);
  makeLively(net);
  return net;
}

for (const name of Object.keys(NETS) as Name[]) {
  for (const backend of name === 'compact' ? (['native', 'wasm'] as const) : (['native'] as const)) {
    test.serial(`the same weights as without checkpoints, to the bit: ${name}, ${backend}`, async (t) => {
      const train = async (withCheckpoints: boolean) => {
        using net = lively(name);
        const before = fingerprint(net);
        const options = { steps: 3, batchSize: 2, threads: 2, warmupSteps: 1, clipNorm: 1, backend } as const;
        const { history } = await trainRetinaNet(net, squares(2, 64, 48), { ...options, checkpoint: withCheckpoints });
        t.not(fingerprint(net), before);
        return { losses: history.map(({ loss }) => loss), weights: fingerprint(net) };
      };
      t.deepEqual(await train(true), await train(false));
    });
  }
}

type NativeBackend = Pick<MathBackendCPU, 'write' | 'disposeData'>;

/** Bytes of all tensors of the native backend while `run` runs: the most that were added; and its convolutions. */
async function peak(run: () => void): Promise<{ bytes: number; convolutions: number }> {
  const backend = tf.backend() as tf.KernelBackend & NativeBackend;
  const write = backend.write.bind(backend);
  const disposeData = backend.disposeData.bind(backend);
  const sizes = new Map<object, number>();
  let [now, most] = [0, 0];
  backend.write = (values, shape, dtype) => {
    const dataId = write(values, shape, dtype);
    sizes.set(dataId, 4 * tf.util.sizeFromShape(shape));
    most = Math.max(most, (now += 4 * tf.util.sizeFromShape(shape)));
    return dataId;
  };
  backend.disposeData = (dataId, force) => {
    const isGone = disposeData(dataId, force);
    if (isGone) now -= sizes.get(dataId) ?? 0;
    return isGone;
  };
  try {
    const { kernels } = await tf.profile(() => {
      run();
      return tf.scalar(0);
    });
    return {
      bytes: most,
      convolutions: kernels.filter((each) => each.name.startsWith('RetinanetOpsConvolution')).length,
    };
  } finally {
    Object.assign(backend, { write, disposeData });
  }
}

// Convolutions within blocks, which are run twice; the most bytes without checkpoints, where TensorFlow.js's record of the fused
// convolutions and all else would take 11.8e6 and 237e6; and which share of them is left.
const EXPECTED = {
  compact: { blocks: 17, bytes: 7e6, share: 0.75 },
  'resnet50-fpn': { blocks: 52, bytes: 170e6, share: 0.55 },
} as const;
for (const name of ['compact', 'resnet50-fpn'] as const) {
  test.serial(`with checkpoints a step has fewer bytes at once: ${name}`, async (t) => {
    const measure = async (withCheckpoints: boolean) => {
      using net = createRetinaNet({ ...NETS[name], imageHeight: 256, imageWidth: 256 });
      fuseLayers(net.model);
      if (withCheckpoints) checkpointBlocks(net.model);
      const variables = net.model.trainableWeights.map((w) => tf.engine().registeredVariables[w.name] as tf.Variable);
      const images = tf.tensor4d(uniform(random(1), 256 * 256 * 3, 0, 255), [1, 256, 256, 3]);
      const loss = () => {
        const outputs = net.model.apply(images) as tf.Tensor[];
        return tf.addN<tf.Scalar>(outputs.map((output) => tf.mean(output)));
      };
      const seen = await peak(() => {
        backpropagate(loss, variables, () => undefined);
      });
      images.dispose();
      return seen;
    };
    const [all, less] = [await measure(false), await measure(true)];
    t.log(
      `${all.bytes} and ${less.bytes} bytes, ${less.bytes / all.bytes}; ${all.convolutions} and ${less.convolutions}`,
    );
    t.is(less.convolutions - all.convolutions, EXPECTED[name].blocks);
    t.true(all.bytes < EXPECTED[name].bytes);
    t.true(less.bytes < EXPECTED[name].share * all.bytes);
  });
}

/** A loss through two bodies of which one reads the other's result, which is read elsewhere, too. */
function chain(run: (body: Body, x: tf.Tensor, variables: tf.Variable[]) => tf.Tensor) {
  const next = random(3);
  const variable = (): tf.Variable => tf.variable(tf.tensor(uniform(next, 50, -1, 1)));
  const [a, b] = [variable(), variable()];
  const calls = { first: 0, second: 0 };
  const loss = () => {
    const x = tf.mul(a, 3);
    const first = run(
      (value) => {
        calls.first++;
        return tf.add(tf.sin(tf.mul(value, b)), value);
      },
      x,
      [b],
    );
    const second = run(
      (value) => {
        calls.second++;
        return tf.mul(tf.exp(tf.neg(value)), a);
      },
      first,
      [a],
    );
    run((value) => tf.cos(value), first, []); // nobody's business
    return tf.sum<tf.Scalar>(tf.add(tf.mul(first, second), x));
  };
  return { loss, variables: [a, b], calls };
}

function gradients({ loss, variables }: ReturnType<typeof chain>): number[][] {
  const all: number[][] = variables.map(() => []);
  backpropagate(loss, variables, (variable, gradient) => {
    all[variables.indexOf(variable)] = [...gradient.dataSync()];
  });
  return all;
}

test.serial('a checkpoint runs twice, has the gradients of what it runs, and leaves nothing', (t) => {
  const plain = chain((body, x) => body(x));
  const want = gradients(plain);
  const again = chain(checkpoint);
  const before = tf.memory().numTensors;
  t.deepEqual(gradients(again), want);
  t.deepEqual(again.calls, { first: 2, second: 2 });
  t.is(tf.memory().numTensors, before);
  // Without gradients it is nothing but its body.
  t.is(
    tf.tidy(() => again.loss().dataSync()[0]),
    tf.tidy(() => plain.loss().dataSync()[0]),
  );
  t.deepEqual(again.calls, { first: 3, second: 3 });
  tf.dispose([plain.variables, again.variables]);
});

test.serial('a checkpoint that throws the second time leaves nothing', (t) => {
  const stop = new Error('enough');
  const variable = tf.variable(tf.ones([50]));
  const before = tf.memory().numTensors;
  let calls = 0;
  const loss = () => {
    const body = (x: tf.Tensor) => {
      const result = tf.sin(tf.mul(x, variable));
      if (++calls === 2) throw stop;
      return result;
    };
    return tf.sum<tf.Scalar>(checkpoint(body, tf.mul(variable, 2), [variable]));
  };
  const run = () => {
    tf.tidy(() => {
      backpropagate(loss, [variable], () => undefined);
    });
  };
  t.is(t.throws(run), stop);
  t.is(tf.memory().numTensors, before);
  run();
  t.is(calls, 4);
  variable.dispose();
});
