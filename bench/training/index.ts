// A training step and a detection of whole networks beside the same network in PyTorch, from the same weights. Each side runs in a
// process of its own; turns alternate, so that a busy moment of the machine hits all sides.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail, type Settings } from '../case.js';
import { fmaPeak } from '../limits.js';
import { Torchvision } from '../peers/torchvision.js';
import type { KernelTime } from './kernels.js';
import type { Answer, Network, Question, Timed } from './ours.js';
import { dataOf, LEARNING_RATE, settings, type Setting } from './setting.js';

export interface Side {
  /** Milliseconds: the median of all turns. */
  median: number;
  runs: number;
  /** Largest resident size of its process up to now. */
  peakMiB: number;
}

export interface TrainingRow extends Side {
  name: string;
  what: 'step' | 'detection';
  threads: number;
  /** Of its convolutions, 10^9 a second, and the share of what the vector units could do. */
  gflops: number;
  ofPeak: number | null;
  /** PyTorch's, by layout. */
  peers: Partial<Record<Layout, Side>>;
}

export interface NetworkKernels {
  name: string;
  threads: number;
  kernels: KernelTime[];
}

export interface TrainingReport {
  rows: TrainingRow[];
  kernels: NetworkKernels[];
  /** GFLOP/s in registers, by threads. */
  peaks: Record<number, number>;
}

type Layout = 'NCHW' | 'channels_last';
const LAYOUTS: readonly Layout[] = ['NCHW', 'channels_last'];
/** Of float32 sums in different orders, through all layers. */
const LOSS_TOLERANCE = 1e-4;
/**
 * A ReLU whose input is nought but for rounding passes the gradient on one side alone. In the paper's network at 512x512 one such cell
 * moves the gradient of a subnet's weights by 1.7e-3 of its length, and PyTorch's own in float32 and float64 differ by 1.9e-3.
 */
const GRADIENT_TOLERANCE = 1e-2;
/** Adam turns the smallest gradients into whole steps, whichever their sign: 1.3e-3 after four steps of the paper's network. */
const STEP_TOLERANCE = 5e-3;
const STEPS = 4;

/** This package's side. */
class Ours {
  private readonly child: ChildProcess;

  constructor(setting: Setting) {
    const file = fileURLToPath(new URL('./ours.js', import.meta.url));
    this.child = fork(file, [JSON.stringify(setting)], { serialization: 'advanced' });
  }

  ask<T extends Answer>(question: Question): Promise<T> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const ended = (code: number | null, signal: string | null) => {
        reject(new Error(`the training process ended early: ${String(code ?? signal)}`));
      };
      child.once('exit', ended);
      child.once('message', (answer: T | { error: string }) => {
        child.off('exit', ended);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer);
      });
      child.send(question);
    });
  }

  stop(): void {
    this.child.removeAllListeners('exit');
    this.child.kill();
  }
}

/** Has PyTorch's process hold the same network, and no other. */
async function give(peer: Torchvision, setting: Setting, layout: Layout, network: Network, threads: number) {
  const { images, boxes, labels, offsets } = dataOf(setting);
  const { values, anchors, weights, levels, depth } = network;
  await peer.ask(
    'network',
    { weights: values, images: Float32Array.from(images), anchors, boxes, labels, offsets },
    { ...setting, layout, weights, levels, depth, threads, learningRate: LEARNING_RATE },
  );
}

/** The largest relative difference. */
function difference(ours: readonly number[], theirs: readonly number[]): number {
  return Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!) / Math.abs(theirs[i]!)));
}

/** Throws where PyTorch finds another loss, another gradient, or other losses in the steps that follow. */
export async function checkAgainst(peer: Torchvision, network: Network, name: string, threads: number): Promise<void> {
  const answer = await peer.ask('gradient', { gradient: network.gradient }, { threads });
  const theirs = [answer['classLoss'], answer['boxLoss']] as number[];
  const losses = difference([network.classLoss, network.boxLoss], theirs);
  if (!(losses <= LOSS_TOLERANCE)) fail(`${name}: losses differ from PyTorch's by ${losses}`);
  for (const [weight, error] of Object.entries(answer['errors'] as Record<string, number>)) {
    if (!(error <= GRADIENT_TOLERANCE)) fail(`${name}: the gradient of ${weight} differs from PyTorch's by ${error}`);
  }
  const steps = await peer.ask('steps', {}, { threads, steps: network.losses.length });
  const curve = difference(network.losses, steps['losses'] as number[]);
  if (!(curve <= STEP_TOLERANCE)) fail(`${name}: losses of the first steps differ from PyTorch's by ${curve}`);
}

interface Contestant {
  name: 'ours' | Layout;
  time: (what: 'step' | 'detection', threads: number) => Promise<Timed>;
}

function summary(turns: readonly Timed[]): Side {
  const times = turns.flatMap((turn) => turn.times).toSorted((a, b) => a - b);
  return { median: times[times.length >> 1]!, runs: times.length, peakMiB: turns.at(-1)!.peakMiB };
}

async function timeSetting(
  setting: Setting,
  { flops }: Network,
  contestants: readonly Contestant[],
  threadCounts: readonly number[],
  numTurns: number,
  peaks: Record<number, number>,
): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  // Detections first: a process' peak only grows, and a step needs more.
  for (const what of ['detection', 'step'] as const) {
    for (const threads of threadCounts) {
      const turns = new Map<Contestant, Timed[]>(contestants.map((each) => [each, []]));
      for (let turn = 0; turn < numTurns; turn++) {
        for (const [each, all] of turns) all.push(await each.time(what, threads));
      }
      const sides = Object.fromEntries([...turns].map(([{ name }, all]) => [name, summary(all)]));
      const { ours, ...peers } = sides as Record<'ours', Side>;
      const gflops = flops[what] / ours.median / 1e6;
      const peak = peaks[threads];
      rows.push({
        ...{ name: setting.name, what, threads, ...ours, gflops, peers },
        ofPeak: peak === undefined ? null : gflops / peak,
      });
    }
  }
  return rows;
}

/** Checks and times all networks whose name matches; null where none does. */
export async function benchTraining(
  settingsOfBench: Settings,
  pattern: RegExp,
  withPeers: boolean,
  progress: (name: string) => void,
): Promise<TrainingReport | null> {
  const chosen = settings(settingsOfBench).filter(({ name }) => pattern.test(name));
  if (chosen.length === 0) return null;
  const { threads, budget, full, quick } = settingsOfBench;
  const threadCounts = quick || threads === 1 ? [threads] : [1, threads];
  const report: TrainingReport = { rows: [], kernels: [], peaks: {} };
  for (const count of threadCounts) {
    const peak = fmaPeak(count, quick);
    if (peak !== null) report.peaks[count] = peak;
  }
  for (const setting of chosen) {
    progress(setting.name);
    const describing = new Ours(setting);
    let network: Network;
    try {
      network = await describing.ask<Network>({ operation: 'network', steps: STEPS, threads });
      if (full) {
        for (const count of threadCounts) {
          const answer = await describing.ask<{ kernels: KernelTime[] }>({
            operation: 'kernels',
            threads: count,
            runs: 5,
          });
          report.kernels.push({ name: setting.name, threads: count, ...answer });
        }
      }
    } finally {
      describing.stop();
    }
    const ours = new Ours(setting);
    const peers = new Map<Layout, Torchvision>();
    try {
      if (withPeers) {
        // Not those that are timed: it would raise their peak.
        const checking = new Torchvision(settingsOfBench);
        try {
          for (const layout of LAYOUTS) {
            await give(checking, setting, layout, network, threads);
            await checkAgainst(checking, network, `${setting.name}, ${layout}`, threads);
          }
        } finally {
          checking.stop();
        }
        for (const layout of LAYOUTS) peers.set(layout, new Torchvision(settingsOfBench));
        await Promise.all([...peers].map(([layout, peer]) => give(peer, setting, layout, network, threads)));
      }
      const asked = { seconds: budget, atLeast: 3 };
      const contestants: Contestant[] = [
        {
          name: 'ours',
          time: (what, count) => ours.ask<Timed>({ operation: 'timed', what, threads: count, ...asked }),
        },
        ...[...peers].map(([name, peer]): Contestant => ({
          name,
          time: async (what, count) =>
            (await peer.ask('timed', {}, { what, threads: count, ...asked })) as unknown as Timed,
        })),
      ];
      report.rows.push(
        ...(await timeSetting(setting, network, contestants, threadCounts, quick ? 2 : 3, report.peaks)),
      );
    } finally {
      ours.stop();
      for (const peer of peers.values()) peer.stop();
    }
  }
  return report;
}
