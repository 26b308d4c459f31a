// Scenarios of where calls run: on which backend, and on which device.
import { deepStrictEqual, notDeepStrictEqual, rejects, strictEqual, throws } from 'node:assert';
import * as promises from 'retinanet-ops/promises';
import { backendInfo, boxIou, cuda, setBackend, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { runScenario } from './scenario.js';

const boxes = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3);
const want = Float32Array.of(1, 1 / 7, 1 / 7, 1);
/** The next launch on any device fails: a call that succeeds has made none. Each use counts anew. */
let uses = 0;
const spoilNextLaunch = (): void => void (process.env.RETINANET_OPS_EMULATOR_FAIL = `launch:${'0'.repeat(++uses)}1`);
const failsOnDevice = { code: 'ERR_BACKEND', message: /cudaErrorLaunchOutOfResources/ };

await runScenario({
  async auto() {
    const tensor = cuda.tensor(boxes);
    strictEqual(backendInfo().cuda.available, true);
    for (const backend of ['auto', 'cpu'] as const) {
      setBackend(backend);
      strictEqual(backendInfo().active, 'cpu');
      spoilNextLaunch();
      deepStrictEqual(boxIou(boxes, boxes), want);
      deepStrictEqual(boxIou(boxes, boxes, { backend: 'auto' }), want);
      deepStrictEqual(await promises.boxIou(boxes, boxes), want);
      // What was spoilt waits for the first call on a device: tensors, whatever setBackend says, and 'cuda' by option.
      throws(() => boxIou(tensor, tensor), failsOnDevice);
      spoilNextLaunch();
      throws(() => boxIou(boxes, boxes, { backend: 'cuda' }), failsOnDevice);
      deepStrictEqual(boxIou(boxes, boxes, { backend: 'cuda' }), want);
      deepStrictEqual(await boxIou(tensor, tensor).data(), want);
    }
    setBackend('cuda');
    strictEqual(backendInfo().active, 'cuda');
    spoilNextLaunch();
    deepStrictEqual(boxIou(boxes, boxes, { backend: 'cpu' }), want);
    // An option 'auto' is a choice of its own.
    deepStrictEqual(boxIou(boxes, boxes, { backend: 'auto' }), want);
    await rejects(promises.boxIou(boxes, boxes), failsOnDevice);
    deepStrictEqual(boxIou(boxes, boxes), want);
  },

  async second() {
    strictEqual(cuda.tensor(boxes).device, 1);
    strictEqual(cuda.memory().bytes, cuda.memory(1).bytes);
    await cuda.synchronize();
    deepStrictEqual(boxIou(boxes, boxes, { backend: 'cuda' }), want);
    const logits = cuda.tensor(boxes, { shape: [2, 4] });
    const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, cuda.tensor(Int32Array.of(1, -1)));
    strictEqual(grad.device, 1);
    notDeepStrictEqual(await loss.data(), Float64Array.of(0));
    for (const device of [0, 2]) {
      throws(() => cuda.tensor(boxes, { device }), { code: 'ERR_BACKEND', message: /cudaErrorNoKernelImageForDevice/ });
    }
    deepStrictEqual(await boxIou(cuda.tensor(boxes), cuda.tensor(boxes, { device: 1 })).data(), want);
  },
});
