// Scenarios of the memory of device tensors: counts, disposal, pinned memory of the host, threads and processes that end.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';
import { cuda } from 'retinanet-ops';
import { lastDevice, runScenario } from './scenario.js';

const { tensor } = cuda;

await runScenario({
  async memory() {
    const before = cuda.memory();
    deepStrictEqual([before.numTensors, before.bytes], [0, 0]);
    const a = tensor([100]);
    const b = tensor([100], { dtype: 'float16' });
    deepStrictEqual([cuda.memory().numTensors, cuda.memory().bytes], [2, 600]);
    // Another device counts its own.
    if (lastDevice() > 0) {
      const c = tensor([10], { device: 1, dtype: 'float64' });
      deepStrictEqual([cuda.memory().numTensors, cuda.memory().bytes], [2, 600]);
      deepStrictEqual([cuda.memory(1).numTensors, cuda.memory(1).bytes], [1, 80]);
      ok(b.pointer !== c.pointer);
      c.dispose();
      await cuda.synchronize(1);
      strictEqual(cuda.memory(1).bytes, 0);
    }
    a.dispose();
    a.dispose();
    a[Symbol.dispose]();
    ok(a.isDisposed && !b.isDisposed);
    const { numTensors, bytes, peak, reserved } = cuda.memory();
    deepStrictEqual([numTensors, bytes, peak], [1, 200, 600]);
    ok(reserved >= bytes);
    throws(() => a.pointer, { code: 'ERR_DTYPE', message: /disposed/ });
    throws(() => a.copyFrom(new Float32Array(100)), { code: 'ERR_DTYPE', message: /disposed/ });
    throws(() => b.copyFrom(a), { code: 'ERR_DTYPE', message: /disposed/ });
    await rejects(a.data(), { code: 'ERR_DTYPE', message: /disposed/ });
    strictEqual(typeof b.pointer, 'bigint');
    b.dispose();
    strictEqual(cuda.memory().bytes, 0);
  },

  async 'dispose-under-way'() {
    const values = Float32Array.from({ length: 100_000 }, (_, i) => i);
    const pending = Array.from({ length: 16 }, async () => {
      const t = tensor(values);
      const data = t.data();
      t.dispose();
      return data;
    });
    for (const data of await Promise.all(pending)) deepStrictEqual(data, values);
    strictEqual(cuda.memory().bytes, 0);
  },

  async collected() {
    (() => {
      for (let i = 0; i < 50; i++) tensor([1000]);
      tensor([10]).dispose();
      cuda.pinnedFloat32Array(1000);
    })();
    strictEqual(cuda.memory().numTensors, 50);
    for (let i = 0; i < 50 && cuda.memory().numTensors + cuda.memory().pinned > 0; i++) {
      globalThis.gc?.();
      await delay(10);
    }
    const { numTensors, bytes, pinned } = cuda.memory();
    deepStrictEqual([numTensors, bytes, pinned], [0, 0, 0]);
  },

  async pinned() {
    const array = cuda.pinnedFloat32Array(1000);
    ok(array instanceof Float32Array);
    deepStrictEqual(array, new Float32Array(1000));
    strictEqual(cuda.memory().pinned, 4000);
    array.set([1, 2, 3]);
    const t = tensor(array);
    array.fill(5); // an upload has taken pinned memory too when it returns
    deepStrictEqual((await t.data()).slice(0, 4), Float32Array.of(1, 2, 3, 0));
    strictEqual(cuda.pinnedFloat32Array(0).length, 0);
    throws(() => cuda.pinnedFloat32Array(-1), { code: 'ERR_RANGE' });
  },

  async plain() {
    const array = cuda.pinnedFloat32Array(1000);
    deepStrictEqual(array, new Float32Array(1000));
    for (let i = 0; i < 1000 && cuda.memory().pinned > 0; i++) await delay(1);
    strictEqual(cuda.memory().pinned, 0); // what was taken in vain has gone back
    array.set([1, 2, 3]);
    deepStrictEqual((await tensor(array).data()).slice(0, 4), Float32Array.of(1, 2, 3, 0));
  },

  async staging() {
    // What passes through pinned buffers is counted with them, whichever way it went.
    const values = Float32Array.from({ length: 3_000_000 }, (_, i) => i);
    const t = tensor(values);
    ok(cuda.memory().pinned > 0);
    deepStrictEqual(await t.data(), values);
  },

  async workers() {
    if (!isMainThread) {
      const t = tensor(Float32Array.of(1, 2, 3));
      deepStrictEqual(await t.data(), Float32Array.of(1, 2, 3));
      tensor([1000], { device: lastDevice() });
      void tensor([100_000]).data(); // still under way when the thread ends
      return;
    }
    for (let round = 0; round < 4; round++) {
      const workers = [0, 1, 2].map(() => new Worker(fileURLToPath(import.meta.url), { argv: ['workers'] }));
      const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0] as number));
      deepStrictEqual(codes, [0, 0, 0]);
    }
    await cuda.synchronize();
    // What a thread did not dispose of went with it.
    for (const { numTensors, bytes } of [cuda.memory(0), cuda.memory(lastDevice())])
      deepStrictEqual([numTensors, bytes], [0, 0]);
  },

  'exit-under-way'() {
    for (let i = 0; i < 20; i++) void tensor([100_000]).data();
    console.log('done');
    process.exit(0);
  },
});
