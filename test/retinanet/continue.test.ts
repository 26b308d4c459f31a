// Runs that are taken up again, ended by the caller or the clock, and looked at between their steps.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test from 'ava';
import {
  createRetinaNet,
  detect,
  type RetinaNet,
  trainRetinaNet,
  type TrainingOptions,
  type TrainingRun,
  type TrainingState,
} from 'retinanet-ops/retinanet';

import { fingerprint, squares } from './scenes.js';

test.before(() => tf.setBackend('cpu'));

const size = { imageHeight: 64, imageWidth: 64 };
const data = squares(7, 64, 64);
const makeNet = (seed = 0) => createRetinaNet({ ...size, numClasses: 3, seed, pyramidChannels: 4, subnetDepth: 0 });
const options = { batchSize: 3, threads: 2, seed: 5, augment: { zoom: 1.2, mosaic: 0.3 } } satisfies TrainingOptions;

async function train(net: RetinaNet, given: TrainingOptions) {
  const result = await trainRetinaNet(net, data, { ...options, ...given });
  return { ...result, losses: result.history.map(({ loss }) => loss), weights: fingerprint(net) };
}

test.serial('five steps, their state and five more are ten steps to the bit', async (t) => {
  const straight = await train(makeNet(), { steps: 10 });
  let state: TrainingState | undefined;
  const first = await train(makeNet(), {
    steps: 10,
    onStep: async ({ step }, run) => {
      if (step < 5) return false; // which means nothing
      await Promise.resolve();
      state = run.state();
      run.stop();
      return true;
    },
  });
  t.is(first.steps, 5);
  t.is(state?.step, 5);
  t.true(state!.seconds > 0);
  // As it comes from a file; the weights of the net that goes on do not matter.
  const resumed = await train(makeNet(3), { steps: 10, resumeFrom: structuredClone(state!) });
  t.is(resumed.steps, 10);
  t.deepEqual(resumed.history.map(({ step }) => step), [6, 7, 8, 9, 10]); // prettier-ignore
  t.deepEqual([...first.losses, ...resumed.losses], straight.losses);
  t.is(resumed.weights, straight.weights);
  const over = await train(makeNet(4), { steps: 5, resumeFrom: state });
  t.deepEqual([over.steps, over.history], [5, []]);
  t.is(over.weights, first.weights);
});

test.serial(
  'between steps the net has the averaged weights for whoever asks, and training goes on as if nobody had',
  async (t) => {
    const plain = await train(makeNet(), { steps: 4 });
    const net = makeNet();
    const untrained = fingerprint(net);
    const fingerprints: string[] = [];
    let kept: TrainingRun | undefined;
    const looked = await train(net, {
      steps: 4,
      onStep: async ({ step }, run) => {
        fingerprints.push(fingerprint(net));
        if (step % 2 === 0) run.updateModel();
        fingerprints.push(fingerprint(net));
        await detect(net, data.images.slice(0, 64 * 64 * 3));
        kept = run;
      },
    });
    t.is(looked.weights, plain.weights);
    t.deepEqual(fingerprints.slice(0, 3), [untrained, untrained, untrained]);
    t.not(fingerprints[3], untrained);
    t.deepEqual(fingerprints.slice(4, 7), [fingerprints[3], fingerprints[3], fingerprints[3]]);
    t.is(fingerprints[7], looked.weights);
    t.is(kept?.state().step, 4);
  },
);

test.serial('what the promise of onStep is rejected with ends the run', async (t) => {
  const stop = new Error('enough');
  t.is(await t.throwsAsync(train(makeNet(), { steps: 9, onStep: () => Promise.reject(stop) })), stop);
});

test.serial('epochs are whole passes in steps; reports say rate, speed and parts', async (t) => {
  const { steps, history } = await train(makeNet(), { epochs: 2, learningRate: 0.01, warmupSteps: 2, boxWeight: 2 });
  t.is(steps, 5); // ceil(2 * 7 / 3)
  const cosine = (progress: number) => (0.01 * (1 + Math.cos(Math.PI * progress))) / 2;
  const expected = [0.005, 0.01, cosine(0), cosine(1 / 3), cosine(2 / 3)];
  for (const [i, report] of history.entries()) {
    t.true(Math.abs(report.learningRate / expected[i]! - 1) < 1e-12);
    t.true(Math.abs(report.loss / (report.classLoss + 2 * report.boxLoss) - 1) < 1e-12);
    t.true(Math.abs(report.imagesPerSecond / (3000 / report.stepMs) - 1) < 1e-12);
    t.true(report.gradientNorm > 0 && Number.isInteger(report.positives) && report.positives > 0);
    t.true(report.waitMs >= 0 && report.waitMs < report.stepMs);
  }
});

test.serial('a time limit ends the run, and the learning rate follows the time', async (t) => {
  const now = performance.now.bind(performance);
  let clock = 0;
  performance.now = () => clock; // a machine's own load would decide how many steps there are
  t.teardown(() => (performance.now = now));
  const onStep = () => (clock += 50);
  const { history } = await train(makeNet(), { seconds: 1, learningRate: 0.01, onStep });
  t.is(history.length, 20);
  const rates = history.map(({ learningRate }) => learningRate);
  const top = rates.indexOf(Math.max(...rates));
  t.true(history.length > 4 && top < history.length / 2, `${top} of ${rates.join(' ')}`);
  t.true(rates.at(-1)! < 0.25 * rates[top]!, rates.join(' '));
  t.true(history.every(({ step, steps, etaMs }) => steps >= step && etaMs >= 0 && etaMs <= 1000));
  // What has been spent counts when it goes on.
  const seconds = 1000;
  const spent = { step: 3, seconds, ...arraysOf(makeNet()) };
  t.is((await train(makeNet(), { seconds: 999, resumeFrom: spent })).steps, 3);
});

function arraysOf(net: RetinaNet) {
  const length = net.model.trainableWeights.reduce(
    (sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]),
    0,
  );
  const zeros = () => new Float32Array(length);
  return { weights: zeros(), average: zeros(), firstMoment: zeros(), secondMoment: zeros() };
}

test.serial('a loss that is no number names the images, and leaves the weights of the steps before it', async (t) => {
  const named = { ...data, names: Array.from({ length: 7 }, (_, i) => `photo ${i}.jpg`) };
  const net = makeNet();
  let good = '';
  let kept: TrainingRun | undefined;
  const onStep = (_report: unknown, run: TrainingRun) => {
    run.updateModel();
    good = fingerprint(net);
    kept = run;
  };
  const failing = trainRetinaNet(net, named, { ...options, augment: false, steps: 20, learningRate: 1e30, onStep });
  const message = /a finite loss .* for step \d+, received .* \(images photo \d\.jpg, photo \d\.jpg, photo \d\.jpg\)$/;
  await t.throwsAsync(failing, { code: 'ERR_DATA', message });
  t.is(fingerprint(net), good);
  const state = kept!.state();
  t.true(state.step > 0);
  for (const name of ['weights', 'average', 'firstMoment', 'secondMoment'] as const) {
    t.true(state[name].every(Number.isFinite), name);
  }
});
