// A thread of trainRetinaNet: its share of every batch, and its slice of the weights.
import { parentPort, workerData } from 'node:worker_threads';

import { native } from '../../runtime/native.js';
import { mendCpuBackend, startBackend } from '../backend.js';
import { Barrier } from './barrier.js';
import { BatchMaker } from '../data/batches.js';
import { adamStep, clipFactor, type OptimizerState, reduceGradients } from './optimizer.js';
import { Replica } from './replica.js';
import { averagingDecay } from './schedule.js';
import { isFiniteStep, share, Stat, type StepMessage, sumOf, type WorkerSetup } from './train-shared.js';

async function start(setup: WorkerSetup): Promise<(message: StepMessage) => void> {
  const { thread, threads, memory, step: options, batches } = setup;
  native().setThreadsOfCaller(setup.threadsEach);
  await startBackend(setup.backend);
  if (setup.backend === 'cpu') mendCpuBackend();
  const replica = await Replica.create(setup);
  const maker = new BatchMaker(setup.data, batches);
  const [firstImage, lastImage] = share(batches.batchSize, thread, threads);

  const weights = new Float32Array(memory.weights);
  const partials = new Float32Array(memory.partials);
  const ownGradient = partials.subarray(thread * weights.length, (thread + 1) * weights.length);
  const [first, end] = share(weights.length, thread, threads);
  const state: OptimizerState = {
    weights,
    gradient: new Float32Array(memory.gradient),
    firstMoment: new Float32Array(memory.firstMoment),
    secondMoment: new Float32Array(memory.secondMoment),
    average: new Float32Array(memory.average),
    ...{ first, end },
  };
  const stats = new Float64Array(memory.stats);
  const own = stats.subarray(thread * Stat.count, (thread + 1) * Stat.count);
  const barrier = new Barrier(memory.barrier, threads);

  return ({ step, learningRate }) => {
    const result = replica.gradient(maker.make(step, firstImage, lastImage), weights, ownGradient);
    own[Stat.classLoss] = result.classLoss;
    own[Stat.boxLoss] = result.boxLoss;
    own[Stat.positives] = result.numPositives;
    own[Stat.divisor] = result.divisor;
    own[Stat.opsMs] = result.opsMs;
    barrier.wait();
    // The normaliser counts the whole batch, so the result does not depend on how it is shared out.
    own[Stat.squares] = reduceGradients(state, partials, 1 / Math.max(1, sumOf(stats, Stat.divisor)));
    barrier.wait();
    if (!isFiniteStep(stats)) return;
    adamStep(state, {
      ...{ step, learningRate },
      gradientScale: clipFactor(Math.sqrt(sumOf(stats, Stat.squares)), options.clipNorm),
      averageDecay: averagingDecay(step, options.weightAveraging),
    });
  };
}

if (!parentPort) throw new Error('train-worker is started by trainRetinaNet');
const port = parentPort;
const runStep = await start(workerData as WorkerSetup);
const answer = () => {
  port.postMessage('done');
};
port.on('message', (message: StepMessage) => {
  runStep(message);
  answer();
});
answer();
