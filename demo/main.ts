import { relative } from 'node:path';
import { backendInfo, RetinanetOpsError } from 'retinanet-ops';
import {
  countParameters,
  createRetinaNet,
  detect,
  evaluateDetections,
  pixelStatistics,
  trainRetinaNet,
  useNativeBackend,
  validateDataset,
  type Detections,
  type RetinaNet,
  type StepReport,
} from 'retinanet-ops/retinanet';
import { parseOptions, type DemoOptions } from './options.js';
import { prepareOutput, writeOutput } from './output.js';
import { minutes, Progress } from '#lib/cli/progress.js';
import { apTable, apText, stepText, stepTimes, timesText } from './report.js';
import { loadTask, type Task } from './tasks.js';

const QUIT = 130; // what shells report of a program ended by Ctrl-C
const RESTORE_TERMINAL = process.stdout.isTTY ? '\x1b[?25h\x1b[?7h' : ''; // the bar hides the cursor and cuts lines

/** The first Ctrl-C ends training after its step, the next one ends the program; before training there is nothing to save. */
class Interrupt {
  private readonly controller = new AbortController();
  private interruptedAt = 0;
  private started = false;
  /** Called at the first Ctrl-C. */
  onStop?: () => void;

  constructor() {
    const handler = () => {
      const now = performance.now();
      // Launchers pass on a signal that the terminal has sent to every program already: that is the same Ctrl-C.
      if (this.stopped && now - this.interruptedAt < 300) return;
      if (!this.started || this.stopped) {
        process.stdout.write(`${RESTORE_TERMINAL}\nquit.\n`);
        process.exit(QUIT);
      }
      this.interruptedAt = now;
      this.controller.abort();
      this.onStop?.();
    };
    process.on('SIGINT', handler);
    process.on('SIGTERM', handler);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** From now on there is something to write. */
  start(): void {
    this.started = true;
  }
}

async function train(net: RetinaNet, task: Task, options: DemoOptions, interrupt: Interrupt): Promise<StepReport[]> {
  const progress = new Progress('training', task.steps, process.stdout);
  progress.message('training: starting');
  interrupt.onStop = () => {
    progress.message('training: finishing this step; Ctrl-C again quits');
  };
  const history: StepReport[] = [];
  try {
    await trainRetinaNet(net, task.train, {
      steps: task.steps,
      batchSize: options.batch,
      loss: options.loss,
      seed: options.seed,
      augment: task.augment,
      clipNorm: task.clipNorm,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      signal: interrupt.signal,
      onStep(report) {
        history.push(report);
        progress.update(report.step, stepText(report));
      },
    });
  } finally {
    progress.stop();
  }
  return history;
}

/** Detects in portions, so that there is progress to see and Ctrl-C gets through. */
async function detectAll(net: RetinaNet, { test }: Task): Promise<Detections> {
  const progress = new Progress('testing', test.length, process.stdout, 2);
  const bytes = test.images.length / test.length;
  const parts: Detections[] = [];
  const portion = 8;
  for (let i = 0; i < test.length; i += portion) {
    const end = Math.min(test.length, i + portion);
    parts.push(await detect(net, test.images.subarray(i * bytes, end * bytes)));
    progress.update(end, 'held-out images');
  }
  progress.stop();
  const offsets = [0];
  for (const part of parts) {
    const before = offsets.at(-1) ?? 0;
    for (const offset of part.offsets.subarray(1)) offsets.push(before + offset);
  }
  return {
    boxes: Float32Array.from(parts.flatMap((part) => [...part.boxes])),
    scores: Float32Array.from(parts.flatMap((part) => [...part.scores])),
    labels: Int32Array.from(parts.flatMap((part) => [...part.labels])),
    offsets: Int32Array.from(offsets),
  };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv);
  const interrupt = new Interrupt();
  const folder = prepareOutput(options.out);
  const say = (text: string) => process.stdout.write(`${text}\n`);

  const task = await loadTask(options);
  validateDataset(task.train);
  validateDataset(task.test);
  await useNativeBackend();
  const { classNames, imageHeight, imageWidth } = task.train;
  const net = createRetinaNet({
    preset: 'compact',
    numClasses: classNames.length,
    imageHeight,
    imageWidth,
    classNames,
    ...task.config,
    ...pixelStatistics(task.train),
    seed: options.seed,
  });
  const parameters = (countParameters(net.model).trainable / 1e6).toFixed(2);
  for (const note of task.notes) say(note);
  say(
    `RetinaNet of ${parameters} M parameters, ${String(net.anchors.count)} anchors, images ${String(imageWidth)}x${String(imageHeight)}, ` +
      `${options.loss} loss; ${String(task.steps)} steps of ${String(options.batch)}`,
  );

  interrupt.start();
  const started = performance.now();
  const history = await train(net, task, options, interrupt);
  const trainedMs = performance.now() - started;
  if (history.length === 0) {
    say('stopped before the first step: nothing to show.');
    process.exit(QUIT);
  }

  const detections = await detectAll(net, task);
  const evaluation = evaluateDetections(detections, task.test);
  const times = stepTimes(history);
  say(`\n${apTable(evaluation)}\n\n${timesText(times)}`);

  const files = await writeOutput(folder, { task, net, history, detections, evaluation, times });
  const steps = `${String(history.length)} ${interrupt.stopped ? `of ${String(task.steps)} ` : ''}steps`;
  say(
    `\n${interrupt.stopped ? 'Stopped early. ' : ''}You saw a RetinaNet learn ${task.name} from scratch in ${minutes(trainedMs)} minutes (${steps}),\n` +
      `through this package's own focal loss and anchor assignment (${backendText()}). On ${String(task.test.length)} images\n` +
      `it had never seen, its AP50 is ${apText(evaluation.meanAp)}. Now look at`,
  );
  const shown = files.map(([path, what]) => [relative(process.cwd(), path), what] as const);
  const width = Math.max(...shown.map(([path]) => path.length));
  for (const [path, what] of shown) say(`  ${path.padEnd(width)}  ${what}`);
  process.exit(0);
}

function backendText(): string {
  const { active, cpu, numThreads } = backendInfo();
  return active === 'cpu'
    ? `CPU, ${String(cpu.instructionSet)} instruction set, ${String(numThreads)} threads`
    : active;
}

main().catch((error: unknown) => {
  if (error instanceof RetinanetOpsError) console.error(`${RESTORE_TERMINAL}\nretinanet-ops demo: ${error.message}`);
  else console.error(error);
  process.exit(1);
});
