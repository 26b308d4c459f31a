// Runs in one piece and in several, in this process.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import {
  evaluateDataset,
  loadRetinaNet,
  readDataset,
  resumeDetector,
  saveWeights,
  type StepReport,
  trainDetector,
  type TrainingPlan,
  type ValidationReport,
} from 'retinanet-ops/retinanet';
import { contents, digest, summary, temporary, tiny, train, writeSquares } from './squares.js';

/** A data set and a run in one piece, which others are compared with. */
let [data, straight] = ['', ''];
test.before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'retinanet-ops-session-'));
  [data, straight] = [await writeSquares(folder), join(folder, 'straight')];
  await train(data, straight);
});
test.after.always(() => rm(dirname(straight), { recursive: true, force: true }));

test.serial('a run leaves its settings, metrics, best and last model and the evaluation of the best', async (t) => {
  const folder = await temporary(t);
  const run = join(folder, 'run');
  const events: string[] = [];
  let plan: TrainingPlan | undefined;
  const result = await train(data, run, {
    onPlan: (given) => {
      plan = given;
      t.false(existsSync(run), 'nothing is written yet');
    },
    onStep: ({ step }) => events.push(`step ${String(step)}`), // what it returns means nothing
    onValidation: ({ step }) => events.push(`validation ${String(step)}`),
    onCheckpoint: ({ step }) => events.push(`checkpoint ${String(step)}`),
    checkpointEvery: 3,
  });
  t.deepEqual(summary(result), [8, 'done']);
  const expected = 'c0 s1 s2 s3 c3 s4 v4 c4 s5 s6 c6 s7 s8 v8 c8';
  t.is(events.map((event) => event.replace(/^(.)\w+ /, '$1')).join(' '), expected);
  const names = (await readdir(run)).map((name) => name.replace(/tfevents\..*/, 'tfevents'));
  t.deepEqual([...new Set(names)].sort(), [
    'best',
    'config.json',
    'evaluation.json',
    'events.out.tfevents',
    'last',
    'metrics.jsonl',
    'report.html',
  ]);
  t.deepEqual([plan?.images, plan?.classes], [{ train: 8, validation: 2, test: 0 }, ['red', 'blue'].sort()]);

  const { metrics, config, evaluation } = await contents(run);
  t.deepEqual(
    metrics.map((line) => Object.keys(line)).filter((_, i) => i < 1),
    [['kind', 'step', 'loss', 'classLoss', 'boxLoss', 'gradientNorm', 'learningRate', 'imagesPerSecond', 'seconds']],
  );
  t.is(metrics.length, 10);
  t.like(config, { data, ...tiny, augment: { zoom: 1.2, mosaic: 0.3, horizontalFlip: true } });

  const net = await loadRetinaNet(join(run, 'best'));
  const { coco } = await evaluateDataset(net, await readDataset(data, { seed: 3 }), 'val');
  net.dispose();
  t.is(evaluation['split'], 'val');
  t.is(evaluation['AP'], coco.AP);
  t.is(result.evaluation?.coco.AP, coco.AP);
});

test.serial('equal seeds give equal runs, another seed another', async (t) => {
  const folder = await temporary(t);
  await train(data, join(folder, 'equal'));
  await train(data, join(folder, 'other'), { seed: 4 });
  const [first, equal, other] = await Promise.all(
    [straight, join(folder, 'equal'), join(folder, 'other')].map(contents),
  );
  t.deepEqual(first, equal);
  t.not(first!.last, other!.last);
});

test.serial('a run that is interrupted goes on to the bit as it would have', async (t) => {
  const folder = await temporary(t);
  const whole = await contents(straight);
  for (const [at, where] of [
    [4, 'step'], // its validation is put off
    [4, 'measuring'],
    [8, 'step'],
  ] as const) {
    const run = join(folder, `run-${String(at)}-${where}`);
    const controller = new AbortController();
    const abort = ({ step }: StepReport) => {
      if (step === at && where === 'step') controller.abort();
    };
    const onMeasure = () => {
      if (where === 'measuring') controller.abort();
    };
    const first = await train(data, run, { signal: controller.signal, onStep: abort, onMeasure });
    t.deepEqual(summary(first), [at, 'interrupted']);
    t.is(first.net, undefined);
    const steps: number[] = [];
    const second = await resumeDetector(run, { onStep: ({ step }) => steps.push(step) });
    second.net?.dispose();
    t.deepEqual(summary(second), [8, 'done']);
    t.deepEqual(
      steps,
      Array.from({ length: 8 - at }, (_, i) => at + 1 + i),
    );
    t.deepEqual(await contents(run), whole, `interrupted at ${String(at)}, ${where}`);
  }
});

test.serial('a run that is over is measured once more, and trains no further', async (t) => {
  const before = await contents(straight);
  const again = await resumeDetector(straight, { onStep: () => t.fail() });
  again.net?.dispose();
  t.deepEqual(summary(again), [8, 'done']);
  t.deepEqual(await contents(straight), before);
});

test.serial('patience: a run whose AP does not rise ends', async (t) => {
  const folder = await temporary(t);
  const run = join(folder, 'run');
  const options = { steps: 40, validateEvery: 2, patience: 3, learningRate: 1e-12 };
  t.deepEqual(summary(await train(data, run, options)), [8, 'patience']); // the best at 2, then 4, 6 and 8
  const again = await resumeDetector(run);
  again.net?.dispose();
  t.deepEqual(summary(again), [8, 'patience']);
  // All its steps are done where patience ends with them.
  t.deepEqual(summary(await train(data, join(dirname(run), 'whole'), { ...options, steps: 8 })), [8, 'done']);
});

test.serial('where validation has nothing to find the last detector is the best, and patience waits', async (t) => {
  const run = join(await temporary(t), 'run');
  const dataset = await readDataset(data, { seed: 3 });
  for (const image of dataset.splits.val.images) image.boxes = [];
  const APs: number[] = [];
  const onValidation = ({ coco }: ValidationReport) => APs.push(coco.AP);
  const result = await trainDetector(dataset, { ...tiny, patience: 1, steps: 12, onValidation, out: run });
  result.net?.dispose();
  t.deepEqual(summary(result), [12, 'done']);
  t.deepEqual(APs, [-1, -1, -1]);
  t.is(await digest(run, 'best/weights.bin'), await digest(run, 'last/weights.bin'));
});

test.serial('run.stop() ends a run, which is measured and can be gone on with', async (t) => {
  const folder = await temporary(t);
  const run = join(folder, 'run');
  const result = await train(data, run, {
    onStep: ({ step }, running) => {
      if (step === 5) running.stop();
    },
  });
  t.deepEqual(summary(result), [5, 'stopped']);
  t.truthy(result.evaluation);
  const rest = await resumeDetector(run);
  rest.net?.dispose();
  t.deepEqual(summary(rest), [8, 'done']);
});

test.serial('a step that fails is told with its images; the steps before it are kept', async (t) => {
  const folder = await temporary(t);
  const run = join(folder, 'run');
  const onStep = ({ step }: StepReport) => {
    if (step === 5) throw new Error('enough');
  };
  await t.throwsAsync(train(data, run, { onStep }), { message: 'enough' });
  const state = JSON.parse(await readFile(join(run, 'last', 'state.json'), 'utf8')) as { step: number };
  t.is(state.step, 5);
  await t.throwsAsync(train(data, join(folder, 'steep'), { learningRate: 1e30, warmupSteps: 0, steps: 50 }), {
    code: 'ERR_DATA',
    message: /step \d+.*\d\.png/,
  });
});

test.serial('with the validation split to train on nothing is measured, and the best is the last', async (t) => {
  const folder = await temporary(t);
  const run = join(folder, 'run');
  const result = await train(data, run, { trainOnVal: true, steps: 3, onMeasure: () => t.fail() });
  t.is(result.evaluation, undefined);
  t.is(await digest(run, 'best/weights.bin'), await digest(run, 'last/weights.bin'));
});

test.serial('weights of another detector are taken over where they fit', async (t) => {
  const folder = await temporary(t);
  let plan: TrainingPlan | undefined;
  const onPlan = (given: TrainingPlan) => (plan = given);
  const weights = join(straight, 'best');
  const { pyramidChannels: _, subnetDepth: __, pyramidLevels: ___, ...settings } = tiny;
  // Steps of no size, and no average, which would round: what it ends with is what it began with.
  const result = await train(data, join(folder, 'second'), {
    ...{ pyramidChannels: undefined, subnetDepth: undefined, pyramidLevels: undefined },
    ...{ ...settings, weights, onPlan, learningRate: 1e-300, weightAveraging: 0, steps: 1 },
  });
  t.is(plan?.copied, plan?.parameters);
  t.is(plan?.settings.find(({ name }) => name === 'pyramidChannels')?.from, 'weights');
  t.deepEqual(summary(result), [1, 'done']);
  t.is(await digest(straight, 'best/weights.bin'), await digest(join(folder, 'second'), 'best/weights.bin'));
});

test.serial('weights of a file or folder are taken over, all but the last class layer of other classes', async (t) => {
  const folder = await temporary(t);
  const weights = join(folder, 'weights.safetensors');
  using net = await loadRetinaNet(join(straight, 'best'));
  await saveWeights(net, weights);
  const dataset = await readDataset(data);
  const plans: TrainingPlan[] = [];
  const onPlan = (plan: TrainingPlan) => plans.push(plan);
  const { pyramidChannels, subnetDepth, pyramidLevels } = net.config;
  const network = { pyramidChannels, subnetDepth, pyramidLevels };
  await train(data, join(folder, 'same'), { ...network, weights, onPlan, steps: 1 });
  const others = { ...dataset, classes: [...dataset.classes, 'another'] };
  const options = { ...tiny, ...network, weights, onPlan, steps: 1 };
  const { net: trained } = await trainDetector(others, { ...options, out: join(folder, 'other') });
  trained?.dispose();
  const fromFolder = { ...options, weights: join(straight, 'best'), out: join(folder, 'third') };
  (await trainDetector(others, fromFolder)).net?.dispose();
  // As many classes, in another order.
  const turned = { ...dataset, classes: [...dataset.classes].reverse() };
  for (const [i, from] of [weights, join(straight, 'best')].entries()) {
    (
      await trainDetector(turned, { ...options, weights: from, out: join(folder, `turned ${String(i)}`) })
    ).net?.dispose();
  }
  const [same, other, ...more] = plans as [TrainingPlan, TrainingPlan, ...TrainingPlan[]];
  t.is(more.length, 3);
  for (const { leftAtPrior } of more) t.deepEqual([...leftAtPrior].sort(), [...other.leftAtPrior].sort());
  t.deepEqual([same.copied, same.leftAtPrior], [same.parameters, []]);
  t.is(same.settings.find(({ name }) => name === 'pixelMean')?.from, 'weights');
  t.deepEqual(
    [...other.leftAtPrior].sort(),
    ['bias', 'weight'].map((kind) => `head.classification_head.cls_logits.${kind}`),
  );
});
