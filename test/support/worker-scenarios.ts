// Worker threads that load the addon, compute, and come to an end in every way. The same file is main thread and worker.
import { deepStrictEqual, strictEqual } from 'node:assert';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { largeCall, operation } from '../operations/driver/calls.js';
import { cases } from '../operations/driver/cases.js';
import { random, randomBoxes } from './random.js';

interface Job {
  task: string;
  seed: number;
  arrays?: SharedArrayBuffer[];
}

const start = (task: string, seed = 0, arrays?: SharedArrayBuffer[]): Worker =>
  new Worker(fileURLToPath(import.meta.url), { workerData: { task, seed, arrays } satisfies Job });

const workload = (seed: number) => cases.map((c) => ({ name: c.name, args: largeCall(c, seed, 100).args }));

const results = (seed: number): unknown[] => workload(seed).map(({ name, args }) => operation(sync, name)(...args));

/** The worker's message, once it has ended. */
async function answer(worker: Worker): Promise<unknown> {
  const exit = once(worker, 'exit');
  const [message] = (await once(worker, 'message')) as [unknown];
  strictEqual((await exit)[0], 0);
  return message;
}

const SHARED = { boxes: 600, part: 150 };

const scenarios: Record<string, () => Promise<void>> = {
  async together() {
    for (let round = 0; round < 3; round++) {
      const seeds = [0, 1, 2, 3].map((i) => 4 * round + i);
      const answers = seeds.map(async (seed) => answer(start('results', seed)));
      seeds.forEach((seed) => void results(seed));
      deepStrictEqual(await Promise.all(answers), seeds.map(results));
    }
  },
  async shared() {
    const input = new Float32Array(new SharedArrayBuffer(16 * SHARED.boxes));
    input.set(randomBoxes(random(5), SHARED.boxes, 400, 10, 80));
    const output = new Float32Array(new SharedArrayBuffer(4 * SHARED.boxes ** 2));
    const arrays = [input.buffer, output.buffer] as SharedArrayBuffer[];
    await Promise.all([0, 1, 2, 3].map(async (part) => answer(start('shared', part, arrays))));
    deepStrictEqual(output.slice(), sync.boxIou(input, input));
  },
  async reload() {
    // Nothing on this thread holds the addon yet: with its last worker it is gone, and comes back with the next.
    for (let round = 0; round < 24; round++) await answer(start('results', round));
    deepStrictEqual(await answer(start('results', 1)), results(1));
  },
  'terminate-sync': async () => endless('endless-sync', async (worker) => worker.terminate()),
  'terminate-promises': async () => endless('endless-promises', async (worker) => worker.terminate()),
  async 'exit-promises'() {
    for (let round = 0; round < 12; round++) {
      const ends: [task: string, code: number][] = [
        ['exit', 5],
        ['throw', 1],
      ];
      for (const [task, code] of ends) {
        const worker = start(task, round);
        worker.on('error', () => undefined);
        deepStrictEqual(await once(worker, 'exit').catch(() => [1]), [code]);
      }
    }
    results(0);
  },
  async 'racing-writes'() {
    const size = 4096;
    const arrays = [0, 1, 2].map(() => new SharedArrayBuffer(16 * size));
    const scribbler = start('scribble', 0, arrays);
    await once(scribbler, 'message');
    const [floats, labels, matches] = arrays as [SharedArrayBuffer, SharedArrayBuffer, SharedArrayBuffer];
    const boxes = new Float32Array(floats);
    const gt = randomBoxes(random(2), 40, 100, 5, 50);
    const anchors = new sync.AnchorGrid({ imageHeight: 256, imageWidth: 256, strides: [8] });
    const out = {
      labels: new Int32Array(labels, 0, anchors.count),
      matches: new Int32Array(matches, 0, anchors.count),
    };
    for (let end = Date.now() + 1500; Date.now() < end;) {
      const calls = [
        () => sync.nms(boxes, new Float32Array(labels, 0, size)),
        () => sync.assignAnchors(anchors, gt, new Int32Array(40), { out }),
        () => sync.selectHardNegatives(boxes.subarray(0, size), new Int32Array(labels, 0, size)),
        () => sync.sigmoidFocalLoss(boxes, new Int32Array(labels, 0, size)),
      ];
      for (const call of calls) {
        try {
          call();
        } catch (error) {
          strictEqual(error instanceof sync.RetinanetOpsError, true, String(error));
        }
      }
      await promises.assignAnchors(anchors, gt, new Int32Array(40), { out });
    }
    await scribbler.terminate();
  },
  async 'main-exits'() {
    const workers = [start('endless-sync'), start('endless-promises')];
    await Promise.all(workers.map(async (worker) => once(worker, 'message')));
    console.log('done');
    process.exit(7);
  },
};

/** Ends workers in the middle of their work, again and again, while this thread computes too. */
async function endless(task: string, end: (worker: Worker) => Promise<unknown>): Promise<void> {
  const expected = results(7);
  for (let round = 0; round < 12; round++) {
    const workers = [start(task, 2 * round), start(task, 2 * round + 1)];
    await Promise.all(workers.map(async (worker) => once(worker, 'message')));
    await delay(round);
    await Promise.all(workers.map(end));
    deepStrictEqual(results(7), expected);
  }
}

const tasks: Record<string, (job: Job) => Promise<void> | void> = {
  results({ seed }) {
    parentPort?.postMessage(results(seed));
  },
  shared({ seed, arrays }) {
    const [input, output] = arrays as [SharedArrayBuffer, SharedArrayBuffer];
    const first = seed * SHARED.part;
    const rows = new Float32Array(input, 16 * first, 4 * SHARED.part);
    const out = new Float32Array(output, 4 * first * SHARED.boxes, SHARED.part * SHARED.boxes);
    sync.boxIou(rows, new Float32Array(input), { out });
    parentPort?.postMessage('written');
  },
  'endless-sync'({ seed }) {
    const work = workload(seed);
    parentPort?.postMessage('started');
    for (;;) for (const { name, args } of work) operation(sync, name)(...args);
  },
  async 'endless-promises'({ seed }) {
    const work = workload(seed);
    parentPort?.postMessage('started');
    for (;;) await Promise.all(work.map(async ({ name, args }) => operation(promises, name)(...args)));
  },
  exit({ seed }) {
    for (const { name, args } of workload(seed)) void operation(promises, name)(...args);
    process.exit(5);
  },
  throw({ seed }) {
    for (const { name, args } of workload(seed)) void operation(promises, name)(...args);
    throw new Error('uncaught, as intended');
  },
  scribble({ arrays = [] }) {
    const views = arrays.map((buffer) => new Int32Array(buffer));
    const floats = new Float32Array(arrays[0] as SharedArrayBuffer);
    const scores = new Float32Array(arrays[1] as SharedArrayBuffer);
    const next = random(9);
    parentPort?.postMessage('started');
    for (let turn = 0; ; turn++) {
      for (let i = 0; i < floats.length; i++) floats[i] = i % 4 < 2 ? next() : 1 + next();
      if (turn % 2 === 0) for (let i = 0; i < scores.length; i++) scores[i] = turn % 4 === 0 ? next() : NaN;
      else for (const view of views.slice(1)) for (let i = 0; i < view.length; i++) view[i] = (next() - 0.5) * 2 ** 32;
    }
  },
};

if (isMainThread) {
  await scenarios[process.argv[2] ?? '']?.();
  console.log('done');
} else {
  const job = workerData as Job;
  await tasks[job.task]?.(job);
}
