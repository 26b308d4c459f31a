// Scenarios of memory that others own.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { boxIou, cuda } from 'retinanet-ops';
import { boxes, lastDevice, runScenario, same } from './scenario.js';
import { count, isTraced } from './trace.js';

const { tensor, wrap } = cuda;

/** Waits until it is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await delay(1);
  ok(condition());
}

await runScenario({
  async wrap() {
    const device = lastDevice();
    const owner = tensor(boxes, { device });
    const { numTensors, bytes } = cuda.memory(device);
    const disposed: string[] = [];
    const ours = wrap({ pointer: owner.pointer, shape: [2, 4], onDispose: () => disposed.push('ours') });
    deepStrictEqual([ours.shape, ours.dtype, ours.device, ours.pointer], [[2, 4], 'float32', device, owner.pointer]);
    deepStrictEqual([cuda.memory(device).numTensors - numTensors, cuda.memory(device).bytes], [1, bytes]);
    same(await ours.data(), boxes);
    ours.copyFrom(boxes.map((x) => 2 * x));
    same(
      await owner.data(),
      boxes.map((x) => 2 * x),
    );
    const view = ours.subarray(4);
    const overlaps = boxIou(view, ours);
    const launches = isTraced ? count('launch') : 0;
    ours.dispose();
    ours.dispose();
    await cuda.synchronize(0);
    await delay(5);
    deepStrictEqual(disposed, []); // a view holds it
    if (isTraced) strictEqual(count('launch'), launches);
    view.dispose();
    deepStrictEqual(disposed, []);
    await until(() => disposed.length > 0);
    // By then what was queued on it has been done.
    if (isTraced) strictEqual(count('launch'), launches + 1);
    same(await overlaps.data(), [Math.fround(1 / 7), 1]);
    deepStrictEqual(disposed, ['ours']);
    // Other dtypes, one element, none; no callback; memory that is its owner's.
    const number = wrap({ pointer: owner.pointer + 8n, shape: [], dtype: 'float64', device });
    deepStrictEqual([number.length, number.bytes], [1, 8]);
    number.dispose();
    wrap({ pointer: owner.pointer, shape: [0, 4] }).dispose();
    wrap({ pointer: owner.pointer + 2n, shape: [15], dtype: 'float16' }).dispose();
    same(
      await owner.data(),
      boxes.map((x) => 2 * x),
    );
  },

  async 'wrap-in-a-worker'() {
    if (!isMainThread) {
      // Still held when the thread ends, where no callback can be called any more.
      const ours = wrap({ pointer: workerData as bigint, shape: [8], onDispose: () => process.exit(3) });
      same(await ours.subarray(4).data(), boxes.subarray(4));
      return;
    }
    const owner = tensor(boxes);
    const options = { argv: ['wrap-in-a-worker'], workerData: owner.pointer };
    const worker = new Worker(fileURLToPath(import.meta.url), options);
    strictEqual((await once(worker, 'exit'))[0], 0);
    deepStrictEqual([cuda.memory().numTensors, cuda.memory().bytes], [1, 32]);
    same(await owner.data(), boxes);
  },

  async 'wrap-collected'() {
    const owner = tensor(boxes);
    let disposed = 0;
    (() => {
      wrap({ pointer: owner.pointer, shape: [8], onDispose: () => disposed++ }).subarray(1);
    })();
    for (let i = 0; i < 100 && disposed === 0; i++) {
      globalThis.gc?.();
      await delay(5);
    }
    strictEqual(disposed, 1);
    // A promised call keeps the memory of what is disposed of under it.
    const ours = wrap({ pointer: owner.pointer, shape: [8], onDispose: () => disposed++ });
    const data = ours.data();
    ours.dispose();
    strictEqual(disposed, 1);
    same(await data, boxes);
    await until(() => disposed === 2);
  },
});
