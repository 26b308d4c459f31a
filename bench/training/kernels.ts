// Where the time of a step goes: TensorFlow.js' own profile of its kernels.
import * as tf from '@tensorflow/tfjs-core';

export interface KernelTime {
  name: string;
  /** The shapes of what it takes and gives, for a convolution; of all others together nothing. */
  shapes: string;
  /** Calls of one step. */
  calls: number;
  /** Milliseconds of all of them in one step: the median of the runs. */
  ms: number;
  /** Multiplications and additions of all of them. */
  flops: number;
}

interface KernelInfo {
  name: string;
  inputShapes: (number[] | null)[];
  outputShapes: number[][];
  kernelTimeMs: number;
}

/** Multiplications and additions of a convolution or of a gradient of one: as many in each. */
export function flopsOf({ name, inputShapes, outputShapes }: KernelInfo): number {
  const [first, second] = inputShapes as [number[], number[]];
  const out = outputShapes[0]!;
  const size = (shape: number[]) => shape.reduce((product, side) => product * side, 1);
  // For every value of the convolution's output: the filter's rows, columns and input channels.
  const of = (output: number[], filter: number[]) => 2 * size(output) * filter[0]! * filter[1]! * filter[2]!;
  // The second is this package's own, with its ReLU or without.
  if (/^(Fused)?Conv2D$|^RetinanetOpsConvolution/.test(name)) return of(out, second);
  if (name === 'Conv2DBackpropInput') return of(first, second);
  if (name === 'Conv2DBackpropFilter') return of(second, out);
  return 0;
}

/** Of all convolutions of a forward pass, and of those that look at images. */
export async function forwardFlops(run: () => tf.TensorContainer): Promise<{ all: number; stem: number }> {
  const { kernels } = await tf.profile(() => {
    tf.tidy(() => void run());
    return tf.scalar(0);
  });
  const convolutions = (kernels as unknown as KernelInfo[]).map((info) => ({ info, flops: flopsOf(info) }));
  const sum = (list: typeof convolutions) => list.reduce((total, { flops }) => total + flops, 0);
  return { all: sum(convolutions), stem: sum(convolutions.filter(({ info }) => info.inputShapes[0]!.at(-1) === 3)) };
}

/** Runs and times every kernel, convolutions by their shapes, all others by their names. */
export async function profileKernels(run: () => void, runs: number): Promise<KernelTime[]> {
  run();
  const times = new Map<string, KernelTime & { all: number[] }>();
  for (let i = 0; i < runs; i++) {
    const { kernels } = await tf.profile(() => {
      run();
      return tf.scalar(0);
    });
    const sums = new Map<string, number>();
    for (const info of kernels as unknown as KernelInfo[]) {
      const { name, inputShapes, outputShapes } = info;
      const flops = flopsOf(info);
      // Null: an input that the call does without.
      const all = [...inputShapes, ...outputShapes].filter((shape) => shape !== null);
      const shapes = flops > 0 ? all.map((shape) => `[${shape.join()}]`).join(' ') : '';
      const key = `${name} ${shapes}`;
      if (!times.has(key)) times.set(key, { name, shapes, calls: 0, ms: 0, flops: 0, all: [] });
      sums.set(key, (sums.get(key) ?? 0) + info.kernelTimeMs);
      if (i > 0) continue;
      times.get(key)!.calls++;
      times.get(key)!.flops += flops;
    }
    for (const [key, sum] of sums) times.get(key)!.all.push(sum);
  }
  return [...times.values()]
    .map(({ all, ...rest }) => ({ ...rest, ms: all.toSorted((a, b) => a - b)[all.length >> 1]! }))
    .toSorted((a, b) => b.ms - a.ms);
}
