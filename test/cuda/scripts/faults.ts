// Allocations fail, launches fail, the device is lost (test/emulator says how): errors with a code, and a process that goes on.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert';
import * as promises from 'retinanet-ops/promises';
import { boxIou, cuda, setBackend, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { runScenario } from './scenario.js';

let turn = 0;
/** From now on the n-th allocation or launch fails. The emulator starts to count when the text changes. */
function fail(kind: 'malloc' | 'launch' | 'lost', n: number): void {
  turn = (turn + 1) % 9;
  process.env['RETINANET_OPS_EMULATOR_FAIL'] = `${kind}:${'0'.repeat(turn)}${n}`;
}
function failNoMore(): void {
  process.env['RETINANET_OPS_EMULATOR_FAIL'] = '';
}

const boxes = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3);
const expected = boxIou(boxes, boxes, { backend: 'cpu' });

/** The CPU computes as before. */
function cpuWorks(): void {
  setBackend('cpu');
  deepStrictEqual(boxIou(boxes, boxes), expected);
  setBackend('auto');
}

await runScenario({
  async malloc() {
    const logits = cuda.tensor([10, 3]);
    const labels = cuda.tensor([10], { dtype: 'int32' });
    const { numTensors, bytes } = cuda.memory();
    let failures = 0;
    // Whichever allocation fails, everything allocated before is given back.
    for (let n = 1; n <= 12; n++) {
      fail('malloc', n);
      try {
        const { loss, grad, numPositives } = sigmoidFocalLossValueAndGrad(logits, labels);
        for (const tensor of [loss, grad, numPositives]) tensor.dispose();
      } catch (error) {
        strictEqual((error as { code?: string }).code, 'ERR_OUT_OF_MEMORY');
        failures++;
      }
      failNoMore();
      deepStrictEqual([cuda.memory().numTensors, cuda.memory().bytes], [numTensors, bytes], `allocation ${n}`);
    }
    ok(failures >= 3); // the gradient and two numbers at least
    fail('malloc', 1);
    throws(() => cuda.tensor([4]), { name: 'RetinanetOpsError', code: 'ERR_OUT_OF_MEMORY', message: /memory/ });
    fail('malloc', 1);
    throws(() => boxIou(boxes, boxes, { backend: 'cuda' }), { code: 'ERR_OUT_OF_MEMORY' });
    fail('malloc', 1);
    await rejects(promises.boxIou(boxes, boxes, { backend: 'cuda' }), { code: 'ERR_OUT_OF_MEMORY' });
    failNoMore();
    deepStrictEqual(boxIou(boxes, boxes, { backend: 'cuda' }), expected);
    cpuWorks();
  },

  async launch() {
    const tensor = cuda.tensor(boxes);
    fail('launch', 1);
    throws(() => boxIou(tensor, tensor), {
      name: 'RetinanetOpsError',
      code: 'ERR_BACKEND',
      message: /LaunchOutOfResources/,
    });
    fail('launch', 1);
    throws(() => boxIou(boxes, boxes, { backend: 'cuda' }), { code: 'ERR_BACKEND' });
    failNoMore();
    cpuWorks();
    // It was one launch, not the device.
    deepStrictEqual(await boxIou(tensor, tensor).data(), expected);
  },

  async lost() {
    const tensor = cuda.tensor(boxes);
    fail('lost', 1);
    const overlaps = boxIou(tensor, tensor); // queued; the loss shows to whoever waits
    await rejects(overlaps.data(), { name: 'RetinanetOpsError', code: 'ERR_BACKEND', message: /LaunchFailure/ });
    failNoMore();
    await rejects(cuda.synchronize(), { code: 'ERR_BACKEND' });
    throws(() => cuda.tensor([4]), { code: 'ERR_BACKEND' });
    throws(() => boxIou(boxes, boxes, { backend: 'cuda' }), { code: 'ERR_BACKEND' });
    cpuWorks();
    tensor.dispose();
    overlaps.dispose();
    cpuWorks();
  },
});
