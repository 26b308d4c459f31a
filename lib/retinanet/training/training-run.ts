// The state of a run on the calling thread: what has been done, and the memory that its worker threads share.
import type { Check } from '../../arguments/check.js';
import { firstOutside } from '../../arguments/bad-rows.js';
import { FLOAT32_MAX } from '../../arguments/scalar-check.js';
import { requireWeights } from '../model/net.js';
import { flatten, readWeights, unflatten, writeWeights } from '../model/weights.js';
import { orderOf } from '../data/batches.js';
import type { Supply } from '../data/supply.js';
import { defaultWarmupSteps, learningRateAt, stepsWithin } from './schedule.js';
import { readStats, type StepNumbers, type StepReport } from './step-report.js';
import type { ResolvedTraining } from './train-options.js';
import { allocateShared, isFiniteStep, type SharedMemory } from './train-shared.js';
import { restoreState, takeState, type TrainingRun, type TrainingState } from './training-state.js';
import type { WorkerPool } from './worker-pool.js';

/** Images that a message names. */
const NAMED_IMAGES = 32;
const REMEDY = '(lower learningRate or clipNorm, or lengthen warmupSteps)';

export class Run implements TrainingRun {
  readonly memory: SharedMemory;
  /** Steps done. */
  step = 0;
  private readonly training: ResolvedTraining;
  private readonly stepTimes = { count: 0, total: 0 };
  /** When the first step began, or would have in a run of one piece. */
  private startedAt = NaN;
  private isStopped = false;

  constructor(training: ResolvedTraining) {
    this.training = training;
    const { net, threads, resumeFrom } = training;
    const weights = flatten(readWeights(net.model.trainableWeights));
    this.memory = allocateShared(weights.length, threads.workers);
    if (resumeFrom) {
      restoreState(this.memory, resumeFrom);
      this.step = resumeFrom.step;
    } else {
      new Float32Array(this.memory.weights).set(weights);
      new Float32Array(this.memory.average).set(weights);
    }
  }

  /** Starts the clock: before that the threads had to be started. */
  begin(): void {
    this.startedAt = performance.now() - (this.training.resumeFrom?.seconds ?? 0) * 1000;
  }

  get isOver(): boolean {
    const { limits, signal } = this.training;
    const isDone = this.step >= limits.steps || this.seconds >= limits.seconds;
    return isDone || this.isStopped || signal?.aborted === true;
  }

  stop(): void {
    this.isStopped = true;
  }

  state(): TrainingState {
    return takeState(this.memory, this.step, this.seconds);
  }

  updateModel(): void {
    const { check, net } = this.training;
    requireWeights(check, net.model);
    if (this.step === 0) return;
    const average = new Float32Array(this.memory.average).slice();
    // What the last update made of them no later step would tell.
    const bad = firstOutside(average, -FLOAT32_MAX, FLOAT32_MAX);
    if (bad >= 0) check.fail('ERR_DATA', `step ${this.step}`, `finite weights ${REMEDY}`, String(average[bad]));
    const variables = net.model.trainableWeights;
    writeWeights(variables, unflatten(variables, average));
  }

  async doStep(pool: WorkerPool, supply: Supply): Promise<StepReport> {
    const { limits, learningRate: peak, warmupSteps, batches, step: options } = this.training;
    const steps = stepsWithin(limits, this.step, this.seconds);
    const learningRate = learningRateAt(this.step, steps, warmupSteps ?? defaultWarmupSteps(steps), peak);
    const start = performance.now();
    await supply.ready(this.step);
    const waitMs = performance.now() - start;
    await pool.runStep({ step: this.step, learningRate });
    const stepMs = performance.now() - start;
    const numbers = readStats(this.memory.stats, options.boxWeight);
    if (!isFiniteStep(new Float64Array(this.memory.stats))) this.refuse(numbers);
    this.step++;
    this.stepTimes.count++;
    this.stepTimes.total += stepMs;
    const imagesPerSecond = (batches.batchSize * 1000) / stepMs;
    return {
      step: this.step,
      steps,
      ...numbers,
      learningRate,
      imagesPerSecond,
      stepMs,
      waitMs,
      etaMs: this.etaMs(steps),
      seconds: this.seconds,
    };
  }

  /** Wall-clock time of the whole run. */
  private get seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  private etaMs(steps: number): number {
    const { seconds } = this.training.limits;
    if (Number.isFinite(seconds)) return Math.max(0, seconds - this.seconds) * 1000;
    return (this.stepTimes.total / this.stepTimes.count) * (steps - this.step);
  }

  /** Ends the run for numbers with which no step could be done. */
  private refuse({ loss, gradientNorm }: StepNumbers): never {
    const { data, batches } = this.training;
    const check: Check = this.training.check;
    const order = orderOf(data.length, batches);
    const positions = Array.from({ length: batches.batchSize }, (_, i) => this.step * batches.batchSize + i);
    const names = [...new Set(positions.flatMap((at) => order.at(at)))].map((i) => data.names?.[i] ?? String(i));
    const more = names.length > NAMED_IMAGES ? ` and ${names.length - NAMED_IMAGES} more` : '';
    const images = `images ${names.slice(0, NAMED_IMAGES).join(', ')}${more}`;
    const received = Number.isFinite(loss) ? `a gradient of norm ${gradientNorm}` : String(loss);
    check.fail('ERR_DATA', `step ${this.step + 1}`, `a finite loss and gradient ${REMEDY}`, `${received} (${images})`);
  }
}
