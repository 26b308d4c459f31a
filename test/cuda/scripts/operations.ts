// Scenarios of operations on device tensors.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { AnchorGrid, cuda, type DeviceTensor } from 'retinanet-ops';
import * as driver from '../../operations/driver/calls.js';
import { caseOf, everywhere } from '../../operations/driver/cases.js';
import { replaced, replacedArrays } from '../../operations/driver/trees.js';
import { focalLossReference } from '../../reference/focal-loss.js';
import { mismatch } from '../../support/compare.js';
import { integers, random, randomBoxes, uniform } from '../../support/random.js';
import { lastDevice, runScenario } from './scenario.js';

/** What stays on the host in calls on tensors. */
const HOST = ['offsets', 'ignoreOffsets', 'alpha', 'gamma', 'levelCounts', 'positiveOffsets', 'unmatchedGt'];

/** The same arguments with tensors for typed arrays. */
const onDevice = (args: unknown, device = 0): unknown =>
  replacedArrays(args, (array, path) =>
    HOST.some((name) => path.endsWith(`.${name}`)) ? array : cuda.tensor(array, { device }),
  );

/** A tensor that begins at the third element of another's memory: aligned for its elements, and for no more. */
function shifted(tensor: DeviceTensor): DeviceTensor {
  const { dtype, device, length, shape } = tensor;
  const view = cuda.tensor([length + 5], { dtype, device }).subarray(3, length + 3);
  return view.copyFrom(tensor.reshape([length])).reshape(shape);
}

/** The same arguments with such tensors. */
const onShifted = (args: unknown): unknown =>
  replaced(args, (leaf) => (leaf instanceof cuda.DeviceTensor ? shifted(leaf) : leaf));

/**
 * Equal but for the last bits of numbers: where blocks begin, and so the order of a sum, goes by alignment; logarithms go by the
 * device.
 */
function alike(got: unknown, want: unknown, name: string): void {
  if (typeof want === 'number' || want instanceof Float32Array) {
    const [a, b] = typeof want === 'number' ? [[got as number], [want]] : [got as Float32Array, want];
    strictEqual(mismatch(a, b, { relative: 1e-6 }), null, name);
  } else if (typeof want === 'object' && want !== null && !ArrayBuffer.isView(want)) {
    for (const [key, entry] of Object.entries(want))
      alike((got as Record<string, unknown>)[key], entry, `${name}.${key}`);
  } else {
    deepStrictEqual(got, want, name);
  }
}

/** A result with typed arrays for tensors, and numbers for tensors of one. */
async function onHost(value: unknown): Promise<unknown> {
  if (value instanceof cuda.DeviceTensor) {
    const data = await value.data();
    return value.shape.length === 0 ? data[0] : data;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).map(async ([name, entry]) => [name, await onHost(entry)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Every case of every operation, and arguments that several blocks share. */
const calls = () =>
  everywhere.flatMap((c) =>
    [...driver.calls(c, c.rows.edges.length), driver.largeCall(c)].map(({ title, args }) => ({
      name: c.name,
      title,
      args,
    })),
  );

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

const { operation } = driver;

// Typed arrays are sent to the same kernels: results are compared to the bit.
sync.setBackend('cuda');

await runScenario({
  async same() {
    for (const { name, args, title } of calls()) {
      const want = operation(sync, name)(...args);
      for (const device of new Set([0, lastDevice()])) {
        const given = onDevice(args, device) as unknown[];
        const got = operation(sync, name)(...given);
        ok(!ArrayBuffer.isView(got), name);
        deepStrictEqual(await onHost(got), want, title);
        const promised = await (operation(promises, name)(...given) as Promise<unknown>);
        deepStrictEqual(await onHost(promised), want, `${title}, promised`);
      }
    }
  },

  async shifted() {
    for (const { name, args, title } of calls()) {
      const want = operation(sync, name)(...args);
      const given = onShifted(onDevice(args)) as unknown[];
      alike(await onHost(operation(sync, name)(...given)), want, title);
    }
  },

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

  async cpu() {
    // The backend of typed arrays and that of tensors may differ.
    sync.setBackend('cpu');
    const { args } = driver.largeCall(caseOf('assignAnchorsBatch'));
    const want = operation(sync, 'assignAnchorsBatch')(...args);
    alike(await onHost(operation(sync, 'assignAnchorsBatch')(...(onDevice(args) as unknown[]))), want, 'cpu');
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

  async outputs() {
    const a = cuda.tensor(Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3), { shape: [2, 4] });
    const out = cuda.tensor([4]);
    strictEqual(sync.boxIou(a, a, { out }), out);
    deepStrictEqual(sync.boxIou(a, a).shape, [2, 2]);
    deepStrictEqual(sync.clipBoxes(a, { height: 2, width: 2 }).shape, [2, 4]);
    const keep = sync.nms(a, cuda.tensor(Float32Array.of(1, 2)), { iouThreshold: 0 });
    deepStrictEqual([keep.shape, keep.dtype, await keep.data()], [[1], 'int32', Int32Array.of(1)]);
    const logits = cuda.tensor([2, 3, 5]);
    const labels = cuda.tensor([6], { dtype: 'int32' });
    const { loss, grad, numPositives } = sync.sigmoidFocalLossValueAndGrad(logits, labels);
    deepStrictEqual([loss.shape, loss.dtype, grad.shape, numPositives.dtype], [[], 'float64', [2, 3, 5], 'float64']);
    deepStrictEqual(await numPositives.data(), Float64Array.of(6));
    deepStrictEqual(sync.sigmoidFocalLoss(logits, labels, { reduction: 'none' }).shape, [2, 3, 5]);
  },

  async memory() {
    const logits = cuda.tensor([100, 3]);
    const labels = cuda.tensor([100], { dtype: 'int32' });
    const before = cuda.memory();
    // Only what the caller gets stays: 8 bytes a number, 1200 a gradient.
    const results: [DeviceTensor[], number][] = [
      [[sync.sigmoidFocalLoss(logits, labels)], 8],
      [[sync.sigmoidFocalLoss(logits, labels, { reduction: 'none' })], 1200],
      [[sync.sigmoidFocalLossBackward(logits, labels, { gradOutput: 2 })], 1200],
      [Object.values(sync.sigmoidFocalLossValueAndGrad(logits, labels)) as DeviceTensor[], 1216],
      [[sync.boxIou(cuda.tensor([1, 4]), cuda.tensor([1, 4]))], 4 + 32],
    ];
    strictEqual(
      cuda.memory().bytes - before.bytes,
      results.reduce((sum, [, bytes]) => sum + bytes, 0),
    );
    for (const [tensors] of results) for (const tensor of tensors) tensor.dispose();
    strictEqual(cuda.memory().bytes - before.bytes, 32);
    await cuda.synchronize();
  },

  mixing() {
    const boxes = cuda.tensor([2, 4]);
    const refuses = (call: () => unknown, code: string, message: RegExp): void => {
      throws(call, { code, message });
    };
    const nms = operation(sync, 'nms');
    refuses(
      () => nms(boxes, new Float32Array(2)),
      'ERR_DEVICE',
      /a tensor on device 0, as boxes is, for scores, received a typed array/,
    );
    refuses(
      () => nms(new Float32Array(8), cuda.tensor([2])),
      'ERR_DEVICE',
      /a typed array, as boxes is, for scores, received a tensor on device 0/,
    );
    if (lastDevice() > 0)
      refuses(() => nms(boxes, cuda.tensor([2], { device: 1 })), 'ERR_DEVICE', /scores, received a tensor on device 1/);
    refuses(
      () => nms(boxes, cuda.tensor([2], { dtype: 'float16' })),
      'ERR_DTYPE',
      /dtype float32 for scores, received one of dtype float16/,
    );
    refuses(() => nms(boxes, cuda.tensor([3])), 'ERR_SHAPE', /scores, received 3/);
    refuses(() => nms(cuda.tensor([2, 3]), cuda.tensor([2])), 'ERR_SHAPE', /four values per box/);
    refuses(() => nms(boxes, cuda.tensor([2]), { backend: 'cpu' }), 'ERR_BACKEND', /tensors on a device/);
    refuses(() => nms(new Proxy(boxes, {}), cuda.tensor([2])), 'ERR_DTYPE', /a Float32Array for boxes/);
    const gone = cuda.tensor([2]);
    gone.dispose();
    refuses(() => nms(boxes, gone), 'ERR_DTYPE', /scores, received one that has been disposed of/);
    const focal = operation(sync, 'sigmoidFocalLossValueAndGrad');
    const [logits, labels] = [cuda.tensor([3, 2]), cuda.tensor([3], { dtype: 'int32' })];
    refuses(() => focal(logits, new Int32Array(3)), 'ERR_DEVICE', /targets/);
    refuses(() => focal(logits, labels, { anchorWeights: new Float32Array(3) }), 'ERR_DEVICE', /anchorWeights/);
    refuses(() => focal(logits, labels, { alpha: cuda.tensor([2]) }), 'ERR_DTYPE', /alpha/);
    refuses(() => focal(logits, labels, { out: new Float32Array(6) }), 'ERR_DEVICE', /out/);
    const out = cuda.tensor([6]);
    refuses(
      () => focal(logits, labels, { reduction: 'none', out: { losses: out, grad: out } }),
      'ERR_OPTION',
      /out\.grad/,
    );
    const assign = operation(sync, 'assignAnchors');
    refuses(() => assign(new Float32Array(8), boxes, cuda.tensor([2], { dtype: 'int32' })), 'ERR_DEVICE', /anchors/);
    refuses(() => assign(boxes, boxes, new Int32Array(2)), 'ERR_DEVICE', /gtLabels/);
  },

  async 'not-finite'() {
    const boxes = Float32Array.of(0, 0, 10, 10, NaN, 1, 9, 9, 1, 1, Infinity, 9, 1, 1, 10, 10, 50, 50, 60, 60);
    const given = cuda.tensor(boxes, { shape: [5, 4] });
    // Rows 1 and 2 are no boxes, and row 0 has no score: else it would suppress row 3.
    for (const nan of [NaN, -NaN]) {
      const scores = cuda.tensor(Float32Array.of(nan, 9, 8, 1, 2));
      deepStrictEqual(await sync.nms(given, scores).data(), Int32Array.of(4, 3));
      deepStrictEqual(await sync.nms(given, scores, { maxOutput: 1 }).data(), Int32Array.of(4));
      deepStrictEqual(await sync.onlineHardExamples(scores, given, { count: 5 }).data(), Int32Array.of(4, 3));
      const labels = cuda.tensor(Int32Array.of(-1, -1, 3, -1, -1));
      const kept = sync.selectHardNegatives(scores, labels, { minNegatives: 5 });
      deepStrictEqual(await kept.data(), Int32Array.of(1, 4, 3));
    }
    deepStrictEqual(
      await sync.clipBoxes(given, { height: 20, width: 5 }).data(),
      Float32Array.of(0, 0, 5, 10, NaN, 1, 5, 9, 1, 1, 5, 9, 1, 1, 5, 10, 5, 20, 5, 20),
    );
    const anchors = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 10);
    const nans = (values: ArrayLike<number>) => Array.from(values, Number.isNaN);
    const coded = await sync.encodeBoxes(cuda.tensor(anchors, { shape: [5, 4] }), given).data();
    deepStrictEqual(nans(coded.subarray(4, 8)), [true, false, true, false]);
    const overlaps = await sync.boxIou(given, given).data();
    for (let i = 0; i < 5; i++) ok(Number.isNaN(overlaps[5 + i]) && Number.isNaN(overlaps[5 * i + 1]));
    const deltas = Float32Array.of(NaN, 0, 0, 0, 0, 0, NaN, 0, 0, NaN, 0, NaN, 0, 0, Infinity, 0, 0, 0, 0, -Infinity);
    const decoded = await sync.decodeBoxes(cuda.tensor(anchors), cuda.tensor(deltas)).data();
    // Of any of the numbers that are NaN.
    deepStrictEqual(Array.from(decoded), Array.from(sync.decodeBoxes(anchors, deltas, { backend: 'cpu' })));
    const [x, y] = [
      [true, false, true, false],
      [false, true, false, true],
    ];
    deepStrictEqual(nans(decoded), [...x, ...x, ...y, ...new Array<boolean>(8).fill(false)]);
    // None of these rows is a detection, though some are where they are clipped; nor do they take the place of one that is.
    const size = { imageHeight: 40, imageWidth: 40, topK: 1 };
    for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
      const outputs = (logits: number[], ofBoxes: Float32Array) => ({
        classLogits: cuda.tensor(Float32Array.from(logits), { dtype }),
        boxDeltas: cuda.tensor(ofBoxes, { dtype }),
        anchors: cuda.tensor(anchors),
      });
      const none = sync.decodeDetections({ ...outputs([3, 3, 3, 3, 3], deltas), ...size });
      deepStrictEqual(none.offsets, Int32Array.of(0, 0));
      const mended = deltas.slice().fill(0, 8, 12);
      const one = sync.decodeDetections({ ...outputs([3, 3, 0, 3, 3], mended), ...size });
      deepStrictEqual(await onHost(one), {
        boxes: Float32Array.of(0, 0, 10, 10),
        scores: Float32Array.of(0.5),
        labels: Int32Array.of(0),
        offsets: Int32Array.of(0, 1),
      });
      const spoiltAnchors = {
        ...outputs([3, 3, 0, 3, 3], mended),
        anchors: cuda.tensor(anchors.slice().fill(NaN, 8, 9)),
      };
      deepStrictEqual(sync.decodeDetections({ ...spoiltAnchors, ...size }).offsets, Int32Array.of(0, 0));
    }
    const smooth = sync.smoothL1LossValueAndGrad(cuda.tensor(deltas), cuda.tensor(new Float32Array(20)));
    ok(Number.isNaN((await smooth.loss.data())[0]));
    deepStrictEqual(nans(await smooth.grad.data()), nans(deltas));
  },

  async garbage() {
    // Values in device memory are unchecked: any labels and boxes, no crash.
    const next = random(11);
    const ints = integers(next, 40, -(2 ** 31), 2 ** 31 - 1);
    const floats = uniform(next, 160, -1, 1).map((x, i) => [x * 3e38, NaN, Infinity, -Infinity, x][i % 5] as number);
    const [labels, boxes] = [cuda.tensor(ints), cuda.tensor(floats, { shape: [40, 4] })];
    const grid = new AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [16] });
    const logits = cuda.tensor(uniform(next, 40, -5, 5));
    const groundTruth = { boxes, labels, offsets: Int32Array.of(0, 40) };
    sync.sigmoidFocalLossValueAndGrad(logits, labels);
    sync.assignAnchors(grid, boxes, labels);
    sync.assignAnchors(boxes, boxes, labels);
    sync.nms(boxes, logits, { classes: labels });
    sync.selectHardNegatives(logits, labels);
    sync.retinanetLoss({
      classLogits: cuda.tensor([grid.count, 2]),
      boxDeltas: cuda.tensor([grid.count, 4]),
      anchors: grid,
      groundTruth,
      numClasses: 2,
    });
    await cuda.synchronize();
  },
});
