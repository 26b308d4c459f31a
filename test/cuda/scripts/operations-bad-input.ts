// Scenarios of operations on device tensors that do not fit together, and on values that are no numbers or no boxes.
import { deepStrictEqual, ok, throws } from 'node:assert';
import * as sync from 'retinanet-ops';
import { AnchorGrid, cuda } from 'retinanet-ops';
import { operation } from '../../operations/driver/calls.js';
import { integers, random, uniform } from '../../support/random.js';
import { lastDevice, runScenario } from './scenario.js';
import { onHost } from './transfer.js';

// Typed arrays are sent to the same kernels: results are compared to the bit.
sync.setBackend('cuda');

await runScenario({
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
