// Scenarios of losses on device tensors: their options, ground truth and logits of 16 bits.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { AnchorGrid, cuda, type DeviceTensor } from 'retinanet-ops';
import { focalLossReference } from '../../reference/focal-loss.js';
import { mismatch } from '../../support/compare.js';
import { integers, random, randomBoxes, uniform } from '../../support/random.js';
import { lastDevice, runScenario } from './scenario.js';
import { onDevice, onHost } from './transfer.js';

/**
 * What a gradient of box deltas may be off by: a target's logarithm by its last bit or two, which the loss divides by its beta, 1/9.
 */
const LAST_BITS = 9 * 2 ** -22;

/** A whole loss with objects in each of its two images. */
function lossArguments(seed: number): [sync.RetinanetLossOptions] {
  const next = random(seed);
  const anchors = new AnchorGrid({ imageHeight: 128, imageWidth: 160, strides: [8, 16, 32] });
  const groundTruth = {
    boxes: randomBoxes(next, 5, 100, 10, 60),
    labels: integers(next, 5, 0, 3),
    offsets: Int32Array.of(0, 2, 5),
  };
  const [classLogits, boxDeltas] = [
    uniform(next, 6 * anchors.count, -6, 2),
    uniform(next, 8 * anchors.count, -0.5, 0.5),
  ];
  return [{ classLogits, boxDeltas, anchors, groundTruth }];
}

// Typed arrays are sent to the same kernels: results are compared to the bit.
sync.setBackend('cuda');

await runScenario({
  async divisor() {
    const [host] = lossArguments(5);
    const [given] = onDevice([host]) as [sync.RetinanetLossOptions<DeviceTensor>];
    const number = (value: number, dtype: 'float32' | 'float64', shape: number[] = []): DeviceTensor =>
      cuda.tensor(dtype === 'float32' ? Float32Array.of(value) : Float64Array.of(value), { dtype, shape });
    for (const value of [1, 37, 0.3, 1e-3, 12345.678, 0]) {
      for (const dtype of ['float32', 'float64'] as const) {
        const rounded = dtype === 'float32' ? Math.fround(value) : value;
        const want = sync.retinanetLoss({ ...host, normalizer: rounded === 0 ? 1 : rounded });
        const got = await onHost(sync.retinanetLoss({ ...given, normalizer: number(value, dtype) }));
        deepStrictEqual(got, want, `${value} ${dtype}`);
        const onCpu = sync.retinanetLoss({ ...host, normalizer: rounded === 0 ? 1 : rounded, backend: 'cpu' });
        const { loss, classGrad, boxGrad } = got;
        strictEqual(mismatch([loss], [onCpu.loss], { relative: 1e-6 }), null);
        strictEqual(mismatch(classGrad, onCpu.classGrad, { relative: 2e-6 }), null);
        const absolute = LAST_BITS / (rounded || 1);
        strictEqual(mismatch(boxGrad, onCpu.boxGrad, { relative: 2e-6, absolute }), null);
      }
    }
    // It is read when the call's turn comes on the device, and promised calls take it as well; the number of positives stays.
    const divisor = number(4, 'float32', [1]);
    const twice = sync.retinanetLoss({ ...given, normalizer: divisor.copyFrom(Float32Array.of(8)) });
    divisor.copyFrom(Float32Array.of(99));
    deepStrictEqual(await onHost(twice), sync.retinanetLoss({ ...host, normalizer: 8 }));
    const promised = await promises.retinanetLoss({ ...given, normalizer: number(5, 'float64') });
    deepStrictEqual(await onHost(promised), sync.retinanetLoss({ ...host, normalizer: 5 }));
    const spoilt = sync.retinanetLoss({ ...given, normalizer: number(NaN, 'float32') });
    ok(Number.isNaN(await onHost(spoilt.loss)));
    const whole = sync.retinanetLoss(host).classGrad;
    const grad = await spoilt.classGrad.data();
    ok(whole.every((v, i) => v === 0 || Number.isNaN(grad[i])));
    const refused = (normalizer: unknown, code: string, message: RegExp, from: object = given): void => {
      throws(() => sync.retinanetLoss({ ...from, normalizer } as never), { name: 'RetinanetOpsError', code, message });
    };
    refused(cuda.tensor([2]), 'ERR_SHAPE', /1 elements.* for normalizer, received 2/);
    refused(cuda.tensor([0]), 'ERR_SHAPE', /for normalizer, received 0/);
    refused(
      cuda.tensor([], { dtype: 'int32' }),
      'ERR_DTYPE',
      /float32 or float64 for normalizer, received one of dtype int32/,
    );
    refused(cuda.tensor([], { dtype: 'float16' }), 'ERR_DTYPE', /received one of dtype float16/);
    if (lastDevice() > 0)
      refused(cuda.tensor([], { device: 1 }), 'ERR_DEVICE', /a tensor on device 0, as classLogits is, for normalizer/);
    refused(number(1, 'float32'), 'ERR_DEVICE', /a typed array, as classLogits is, for normalizer/, host);
    refused(Float32Array.of(1), 'ERR_DTYPE', /for normalizer, received a Float32Array/);
    divisor.dispose();
    refused(divisor, 'ERR_DTYPE', /normalizer, received one that has been disposed of/);
    const out = { classGrad: given.classLogits };
    const inside = given.classLogits.subarray(0, 1);
    throws(() => sync.retinanetLoss({ ...given, normalizer: inside, out }), {
      code: 'ERR_OPTION',
      message: /normalizer/,
    });
  },

  async 'loss-scale'() {
    const [host] = lossArguments(5);
    const [given] = onDevice([host]) as [sync.RetinanetLossOptions<DeviceTensor>];
    const got = await onHost(sync.retinanetLoss({ ...given, lossScale: 2048 }));
    deepStrictEqual(got, sync.retinanetLoss({ ...host, lossScale: 2048 }));
    const plain = sync.retinanetLoss({ ...host, backend: 'cpu' });
    const scaled = got;
    strictEqual(mismatch([scaled.loss, scaled.boxLoss], [plain.loss, plain.boxLoss], { relative: 1e-6 }), null);
    strictEqual(
      mismatch(
        scaled.classGrad,
        plain.classGrad.map((v) => 2048 * v),
        { relative: 2e-6 },
      ),
      null,
    );
    strictEqual(
      mismatch(
        scaled.boxGrad,
        plain.boxGrad.map((v) => 2048 * v),
        { relative: 2e-6, absolute: (2048 * LAST_BITS) / plain.numPositives },
      ),
      null,
    );
    // Gradients that float16 cannot tell from 0 are there with it.
    const halves = (lossScale: number) => {
      const [classLogits, boxDeltas] = [host.classLogits, host.boxDeltas].map((x) =>
        cuda.tensor(x, { dtype: 'float16' }),
      );
      return sync.retinanetLoss({
        ...given,
        classLogits: classLogits!,
        boxDeltas: boxDeltas!,
        normalizer: 1e6,
        lossScale,
      });
    };
    const zeros = (values: ArrayLike<number>): number => Array.from(values).filter((v) => v === 0).length;
    const [without, with24] = [await halves(1).classGrad.data(), await halves(2 ** 24).classGrad.data()];
    ok(zeros(without) > without.length / 2, `${zeros(without)} of ${without.length}`);
    ok(zeros(with24) < with24.length / 20, `${zeros(with24)} of ${with24.length}`);
    const right = sync.retinanetLoss({ ...host, normalizer: 1e6, backend: 'cpu' }).classGrad;
    const near = mismatch(
      with24,
      right.map((v) => v * 2 ** 24),
      { relative: 0.02, absolute: 2 ** -14 },
    );
    strictEqual(near, null);
  },

  async 'ground-truth'() {
    // Ground truth from the host, everything else on the device.
    const next = random(4);
    const grid = new AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [8] });
    const groundTruth = {
      boxes: randomBoxes(next, 3, 40, 8, 30),
      labels: integers(next, 3, 0, 2),
      offsets: Int32Array.of(0, 3),
    };
    const classLogits = uniform(next, 2 * grid.count, -4, 4);
    const boxDeltas = uniform(next, 4 * grid.count, -1, 1);
    const want = sync.retinanetLoss({ classLogits, boxDeltas, anchors: grid, groundTruth });
    const tensors = { classLogits: cuda.tensor(classLogits), boxDeltas: cuda.tensor(boxDeltas) };
    const got = sync.retinanetLoss({ ...tensors, anchors: grid, groundTruth });
    deepStrictEqual(await onHost(got), want);
    const out = {
      labels: cuda.tensor([grid.count], { dtype: 'int32' }),
      matches: cuda.tensor([grid.count], { dtype: 'int32' }),
    };
    const assigned = sync.assignAnchorsBatch(grid, groundTruth, { out });
    strictEqual(assigned.labels, out.labels);
    deepStrictEqual(await onHost(assigned), sync.assignAnchorsBatch(grid, groundTruth));
  },

  async halves() {
    const next = random(6);
    const logits = uniform(next, 300, -6, 6);
    const labels = integers(next, 100, -2, 3);
    for (const [dtype, relative] of [
      ['float16', 2 ** -11],
      ['bfloat16', 2 ** -8],
    ] as const) {
      const tensor = cuda.tensor(logits, { dtype });
      const rounded = (await tensor.data()) as Float32Array;
      const want = sync.sigmoidFocalLossValueAndGrad(rounded, labels, { backend: 'cpu' });
      const got = sync.sigmoidFocalLossValueAndGrad(tensor, cuda.tensor(labels));
      strictEqual(got.grad.dtype, dtype);
      strictEqual(mismatch(await got.grad.data(), want.grad, { relative, absolute: 2 ** -25 }), null);
      strictEqual(mismatch(await got.loss.data(), [want.loss], { relative: 1e-6 }), null);
      // Powers that underflow, in every way to say so.
      const soft = uniform(next, 300, 0, 1).map((t) => t ** 20);
      for (const gamma of [43, 1e4]) {
        for (const [targets, labelSmoothing] of [
          [soft, 0],
          [labels, 0.1],
          [labels, 0],
        ] as const) {
          const options = { numClasses: 3, gamma, labelSmoothing };
          const right = focalLossReference(rounded, targets, options).grad;
          const grad = sync.sigmoidFocalLossBackward(tensor, cuda.tensor(targets), options);
          strictEqual(mismatch(await grad.data(), right, { relative, absolute: 2 ** -25 }), null);
        }
      }
      throws(() => sync.sigmoidFocalLossBackward(tensor, cuda.tensor(labels), { out: cuda.tensor([300]) }), {
        code: 'ERR_DTYPE',
        message: new RegExp(`dtype ${dtype} for out`),
      });
    }
  },
});
