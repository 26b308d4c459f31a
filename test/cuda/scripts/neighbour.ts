// Scenarios of how the package gets on with others in the process: contexts, waiting, graphs.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';
import * as promises from 'retinanet-ops/promises';
import { backendInfo, cuda, retinanetLoss, AnchorGrid } from 'retinanet-ops';
import { boxes, launch, MIB, overlaps, runScenario } from './scenario.js';
import { count, isTraced, trace } from './trace.js';

const { tensor } = cuda;

/** A promised call under way on a device, in the middle of its work. */
async function underWay(): Promise<Promise<unknown>> {
  const many = Float32Array.from({ length: 4 * 1500 }, (_, i) => (i % 4 < 2 ? 0 : 2));
  const launches = count('launch');
  const call = promises.boxIou(many, many, { backend: 'cuda' });
  while (count('launch') === launches) await delay(1);
  return call;
}

await runScenario({
  async contexts() {
    // Nothing is made for the asking, and work on one device makes a context on no other.
    ok(cuda.isAvailable());
    deepStrictEqual(trace(), []);
    const second = tensor(boxes, { device: 1 });
    deepStrictEqual(await launch(second).data(), overlaps);
    cuda.pinnedFloat32Array(10);
    if (isMainThread) {
      const worker = new Worker(fileURLToPath(import.meta.url), { argv: ['pins'] });
      strictEqual((await once(worker, 'exit'))[0], 0);
    }
    strictEqual(count('context 1'), 1);
    cuda.memory(1);
    await cuda.synchronize(1);
  },

  pins() {
    cuda.pinnedFloat32Array(1000);
  },

  async current() {
    // Whatever was current before a call is so after it, and none stays none.
    const before = process.env['RETINANET_OPS_EMULATOR_CURRENT'] ?? 'none';
    const kept = (what: string): void => {
      strictEqual(trace().findLast((line) => line.startsWith('current ')) ?? 'current none', `current ${before}`, what);
    };
    ok(backendInfo().cuda.available);
    kept('backendInfo');
    for (const device of [0, 1]) {
      const on = tensor(boxes, { device });
      kept('tensor');
      const result = launch(on);
      kept('a call');
      deepStrictEqual(await result.data(), overlaps);
      kept('data');
      await cuda.synchronize(device);
      kept('synchronize');
      on.copyFrom(boxes);
      kept('copyFrom');
      on.copyFrom(tensor(boxes, { device: 1 - device }));
      kept('copyFrom another device');
      cuda.memory({ device, trim: 0 });
      kept('memory');
      cuda.waitFor(cuda.record(device), 1 - device);
      kept('waitFor');
      cuda.waitFor({ stream: cuda.stream(device) }, 1 - device);
      kept('waitFor a stream');
      on.dispose();
      kept('dispose');
    }
    cuda.pinnedFloat32Array(10);
    kept('pinned');
    throws(() => tensor([2 ** 40]), { code: 'ERR_OUT_OF_MEMORY' });
    kept('a call that fails');
  },

  async 'reads-in-order'() {
    const t = tensor(boxes);
    await cuda.synchronize();
    const launches = isTraced ? count('launch') : 0;
    const [data, synchronized] = [t.data(), cuda.synchronize()];
    launch(t);
    t.copyFrom(new Float32Array(8));
    deepStrictEqual(await data, boxes);
    await synchronized;
    // What was queued later has not been waited for.
    if (isTraced) strictEqual(count('launch'), launches);
    deepStrictEqual(await t.data(), new Float32Array(8));
    if (isTraced) strictEqual(count('launch'), launches + 1);
    // The same from a device that has no room to put elements aside.
    process.env['RETINANET_OPS_EMULATOR_FAIL'] = 'malloc:1';
    const tight = t.copyFrom(boxes).data();
    process.env['RETINANET_OPS_EMULATOR_FAIL'] = '';
    deepStrictEqual(await tight, boxes);
    const long = tensor(Float32Array.from({ length: 3 * MIB }, (_, i) => i));
    const [all, half] = [long.data(), long.subarray(0, 1.5 * MIB).data()];
    long.copyFrom(new Float32Array(3 * MIB));
    deepStrictEqual([(await all)[3 * MIB - 1], (await half)[1.5 * MIB - 1]], [3 * MIB - 1, 1.5 * MIB - 1]);
    strictEqual((await long.data())[5], 0);
  },

  async 'dispose-beside-a-call'() {
    const t = tensor(boxes);
    const view = t.subarray(4);
    const call = await underWay();
    const releases = count('release');
    t.dispose();
    view.dispose();
    const { bytes, numTensors } = cuda.memory();
    deepStrictEqual([bytes, numTensors], [0, 0]);
    // The driver was not asked for anything, and the call is still under way: nobody has waited.
    ok(count('release') <= releases + 1);
    await call;
    cuda.memory();
    ok(count('release') > releases);
  },

  async 'collected-beside-a-call'() {
    (() => {
      for (let i = 0; i < 10; i++) tensor([1000]);
      for (let i = 0; i < 10; i++) cuda.pinnedFloat32Array(1000);
    })();
    const [releases, frees] = [count('release'), count('free')];
    for (let i = 0; i < 5; i++) {
      globalThis.gc?.();
      await delay(10);
    }
    // Finalizers have run and called nothing of CUDA's.
    deepStrictEqual([count('release'), count('free')], [releases, frees]);
    const { bytes, numTensors } = cuda.memory();
    deepStrictEqual([bytes, numTensors, count('release')], [0, 0, releases + 10]);
    while (cuda.memory().pinned > 0) await delay(1);
    strictEqual(count('free'), frees + 10);
  },

  async graphs() {
    const grid = new AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [8] });
    const groundTruth = {
      boxes: Float32Array.of(3, 4, 40, 44),
      labels: Int32Array.of(1),
      offsets: Int32Array.of(0, 1),
    };
    // Everything that is of one call is allocated anew and kept, so that no address comes again.
    const kept: unknown[] = [];
    const captures: number[] = [];
    for (let step = 0; step < 12; step++) {
      const classLogits = Float32Array.from({ length: 3 * grid.count }, (_, i) => ((i * 7 + step * 5) % 23) / 4 - 4);
      const boxDeltas = Float32Array.from({ length: 4 * grid.count }, (_, i) => ((i * 5 + step) % 17) / 16 - 0.5);
      const options = {
        anchors: grid,
        groundTruth,
        gamma: 1 + (step % 3),
        normalizer: step % 2 === 0 ? 'positives' : 3,
      } as const;
      const given = { classLogits: tensor(classLogits), boxDeltas: tensor(boxDeltas), ...options };
      const result = retinanetLoss(given);
      const want = retinanetLoss({ classLogits, boxDeltas, ...options, backend: 'cuda' });
      strictEqual((await result.loss.data())[0], want.loss);
      strictEqual((await result.numPositives.data())[0], want.numPositives);
      deepStrictEqual(await result.classGrad.data(), want.classGrad);
      deepStrictEqual(await result.boxGrad.data(), want.boxGrad);
      kept.push(given, result);
      if (isTraced) captures.push(count('capture'));
    }
    if (isTraced) {
      deepStrictEqual(captures, [0, ...Array.from({ length: 11 }, () => 1)]);
      strictEqual(count('replay'), 11);
    }
    const addresses = kept
      .flatMap((entry) => Object.values(entry as Record<string, unknown>))
      .filter((value) => value instanceof cuda.DeviceTensor);
    strictEqual(new Set(addresses.map((on) => on.pointer)).size, addresses.length);
  },
});
