// Runs a test on every backend: cpu, wasm, the package's own, and one that tfjs has never heard of.
import test, { type ExecutionContext } from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';
import { useNativeBackend } from 'retinanet-ops/tfjs';

/** Hands out copies and keeps copies, as a backend with memory of its own does. */
class CopyingBackend extends MathBackendCPU {
  override readSync(dataId: object): tf.BackendValues {
    return (super.readSync(dataId) as Float32Array).slice();
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return super.write((values as Float32Array | null)?.slice() ?? values, shape, dtype);
  }
}

tf.registerBackend('copying', () => new CopyingBackend());
tf.copyRegisteredKernels('cpu', 'copying');
await useNativeBackend();
// The engine then checks after every kernel that it left no data behind but its outputs.
tf.env().set('IS_TEST', true);

export const backends = ['cpu', 'wasm', 'native', 'copying'] as const;

/**
 * Serial, since tfjs has one current backend. No tensor may be left behind, but for gradients that are meant to fail: the engine
 * never frees what it saved for those.
 */
export function onEachBackend(
  title: string,
  body: (t: ExecutionContext) => void,
  { failingGradients = false } = {},
): void {
  for (const backend of backends) {
    test.serial(`${title} (${backend})`, async (t) => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        body(t);
      });
      if (!failingGradients) t.is(tf.memory().numTensors, before, 'tensors left behind');
    });
  }
}

/** Uniform in [low, high), the same in every run (mulberry32). */
export function random(length: number, seed: number, low = -1, high = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return low + (((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  });
}

/** Class labels below K, background and ignored among them. */
export function randomLabels(length: number, seed: number, numClasses: number): Int32Array {
  return Int32Array.from(random(length, seed, -2, numClasses), Math.floor);
}

/** Boxes [n, 4] with area inside an image. */
export function randomBoxes(count: number, seed: number, size: number): Float32Array {
  const numbers = random(4 * count, seed, 0, 1);
  return Float32Array.from({ length: 4 * count }, (_, i) => {
    const start = (numbers[4 * Math.floor(i / 4) + (i % 2)] as number) * size * 0.6;
    return i % 4 < 2 ? start : start + size * (0.05 + 0.3 * (numbers[i] as number));
  });
}

export function equalArrays(t: ExecutionContext, actual: tf.Tensor, shape: number[], values: ArrayLike<number>): void {
  t.deepEqual(actual.shape, shape);
  t.deepEqual(Array.from(actual.dataSync()), Array.from(values));
}

/** Largest difference at most `tolerance` times the largest magnitude, or times 1. */
export function close(t: ExecutionContext, actual: tf.Tensor, expected: tf.Tensor, tolerance: number): void {
  t.deepEqual(actual.shape, expected.shape);
  const a = actual.dataSync<'float32'>();
  const b = expected.dataSync<'float32'>();
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const worst = b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] as number))), 0);
  t.true(worst <= tolerance * scale, `differs by ${String(worst)} of ${String(scale)}`);
}

export interface MemoryCounts {
  tensors: number;
  buffers: number;
  bytes: number;
}

/** How the engine's and the backend's counts change over `body`. */
export function memoryChange(body: () => unknown): MemoryCounts & { dataIds: number } {
  const counts = (): [number, number, number, number] => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    return [numTensors, numDataBuffers, numBytes, tf.engine().backend.numDataIds()];
  };
  const before = counts();
  body();
  const [tensors, buffers, bytes, dataIds] = counts().map((count, i) => count - (before[i] as number)) as [
    number,
    number,
    number,
    number,
  ];
  return { tensors, buffers, bytes, dataIds };
}

/** The code of the error that `body` throws. */
export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}
