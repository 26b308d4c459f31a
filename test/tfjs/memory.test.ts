// Memory counts, disposal, backend switches and the growing heap of wasm: as for built-in operations.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import * as ops from 'retinanet-ops/tfjs';
import { bits } from '../support/compare.js';
import { backends, close, codeOf, memoryChange, onEachBackend, random, randomBoxes, randomLabels } from './support.js';

const grid = new ops.AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [16] });
const A = grid.count;
const groundTruth = { boxes: randomBoxes(3, 1, 64), labels: Int32Array.of(0, 1, 0), offsets: Int32Array.of(0, 3) };

onEachBackend('operations count as built-in ones do', (t) => {
  const x = tf.tensor2d(random(A * 2, 2), [A, 2]);
  const d = tf.tensor2d(random(A * 4, 3, -0.1, 0.1), [A, 4]);
  const labels = tf.tensor1d(randomLabels(A, 4, 2), 'int32');
  const boxes = tf.tensor2d(randomBoxes(A, 5, 64), [A, 4]);
  const scalar = memoryChange(() => tf.sum(x));
  const same = memoryChange(() => tf.relu(x));
  const fours = memoryChange(() => tf.relu(d));
  for (const [expected, body] of [
    [scalar, () => ops.sigmoidFocalLoss(x, labels)],
    // Arguments that are no tensors leave none behind.
    [scalar, () => ops.sigmoidFocalLoss(x, new Int32Array(A), { anchorWeights: new Float32Array(A) })],
    [same, () => ops.sigmoidFocalLoss(x, labels, { reduction: 'none' })],
    [same, () => ops.sigmoidFocalLossBackward(x, labels)],
    [scalar, () => ops.smoothL1Loss(d, boxes)],
    [fours, () => ops.smoothL1LossBackward(d, boxes, { gradOutput: tf.scalar(2).dataSync()[0] })],
    [fours, () => ops.encodeBoxes(grid, boxes)],
    [fours, () => ops.decodeBoxes(grid, d)],
    [fours, () => ops.clipBoxes(boxes, { height: 64, width: 64 })],
  ] as const) {
    t.deepEqual(
      memoryChange(() => tf.tidy(body)),
      expected,
      body.toString(),
    );
  }
  for (const [tensors, body] of [
    [2, () => ops.sigmoidFocalLossValueAndGrad(x, labels)],
    [2, () => ops.smoothL1LossValueAndGrad(d, boxes)],
    [1, () => ops.boxIou(boxes, boxes)],
    [1, () => ops.nms(boxes, new Float32Array(A))],
    [5, () => ops.assignAnchors(grid, groundTruth.boxes, groundTruth.labels)],
    [6, () => ops.assignAnchorsBatch(grid, groundTruth)],
    [4, () => ops.decodeDetections({ classLogits: x, boxDeltas: d, anchors: grid })],
    [3, () => ops.retinanetLoss({ classLogits: x, boxDeltas: d, anchors: grid, groundTruth })],
    [1, () => ops.selectHardNegatives(x, labels)],
    [1, () => ops.onlineHardExamples(new Float32Array(A), boxes, { count: 3 })],
  ] as const) {
    let made: object = {};
    const change = memoryChange(() => {
      made = body();
    });
    t.is(change.tensors, tensors, body.toString());
    t.is(change.buffers, tensors, body.toString());
    t.is(change.dataIds, tensors, body.toString());
    const freed = memoryChange(() => {
      tf.dispose(made as tf.TensorContainer);
    });
    t.is(freed.tensors, -tensors);
    t.is(freed.dataIds, -tensors);
    t.is(freed.bytes, -change.bytes);
    t.deepEqual(memoryChange(() => { tf.tidy(() => void body()); }), { tensors: 0, buffers: 0, bytes: 0, dataIds: 0 }); // prettier-ignore
  }
});

onEachBackend('gradients count as built-in ones do', (t) => {
  const x = tf.tensor2d(random(A * 2, 2), [A, 2]);
  const d = tf.tensor2d(random(A * 4, 3), [A, 4]);
  const labels = tf.tensor1d(randomLabels(A, 4, 2), 'int32');
  const builtIn = memoryChange(() => tf.valueAndGrad((y) => tf.sum(tf.square(y)))(x));
  for (const normalizer of [1, 'positives'] as const) {
    const ours = memoryChange(() => tf.valueAndGrad((y) => ops.sigmoidFocalLoss(y, labels, { normalizer }))(x));
    t.deepEqual(ours, builtIn);
  }
  t.deepEqual(
    memoryChange(() =>
      tf.valueAndGrads((c, b) => ops.retinanetLoss({ classLogits: c, boxDeltas: b, anchors: grid, groundTruth }).loss)([
        x,
        d,
      ]),
    ),
    memoryChange(() => tf.valueAndGrads((c, b) => tf.add(tf.sum(tf.square(c)), tf.sum(b)))([x, d])),
  );
});

onEachBackend('training steps leave nothing behind', (t) => {
  const w = tf.variable(tf.zeros([A, 2]));
  const d = tf.variable(tf.zeros([A, 4]));
  const optimizer = tf.train.sgd(0.1);
  const step = (): void => {
    optimizer.minimize(() => ops.retinanetLoss({ classLogits: w, boxDeltas: d, anchors: grid, groundTruth }).loss);
  };
  step();
  t.deepEqual(
    memoryChange(() => {
      for (let i = 0; i < 3; i++) step();
    }),
    { tensors: 0, buffers: 0, bytes: 0, dataIds: 0 },
  );
  w.dispose();
  d.dispose();
  optimizer.dispose();
});

onEachBackend('failing calls leave nothing behind', (t) => {
  const x = tf.tensor2d(random(A * 2, 2), [A, 2]);
  const labels = tf.fill([A], 7, 'int32');
  const change = memoryChange(() => {
    t.is(codeOf(() => ops.sigmoidFocalLoss(x, labels, { reduction: 'none' })), 'ERR_LABEL');
    t.is(codeOf(() => ops.sigmoidFocalLossValueAndGrad(x, labels)), 'ERR_LABEL');
    t.is(codeOf(() => ops.sigmoidFocalLoss(x, new Float32Array(3))), 'ERR_SHAPE');
    t.is(codeOf(() => ops.assignAnchors(grid, [[5, 5, 1, 1]], [0])), 'ERR_BOX');
  }); // prettier-ignore
  t.deepEqual(change, { tensors: 0, buffers: 0, bytes: 0, dataIds: 0 });
});

test.serial('real kernels, one native pass a training step', async (t) => {
  await tf.setBackend('cpu');
  const x = tf.zeros([A, 2]);
  const labels = tf.zeros([A], 'int32');
  const { kernels } = await tf.profile(() => tf.valueAndGrad((y) => ops.sigmoidFocalLoss(y, labels))(x));
  t.deepEqual(
    kernels.map(({ name }) => name).filter((name) => name.startsWith('Retinanet')),
    ['RetinanetOpsSigmoidFocalLoss'],
  );
  t.truthy(tf.getGradient('RetinanetOpsSigmoidFocalLoss'));
  t.truthy(tf.getKernel('RetinanetOpsSigmoidFocalLoss', 'cpu'));
});

test.serial('tensors follow when the backend changes', async (t) => {
  const values = random(A * 2, 6);
  const labelValues = randomLabels(A, 7, 2);
  const { loss, grad } = base.sigmoidFocalLossValueAndGrad(values, labelValues);
  await tf.setBackend('cpu');
  const x = tf.tensor2d(values, [A, 2]);
  const labels = tf.tensor1d(labelValues, 'int32');
  for (const backend of [...backends, ...backends]) {
    await tf.setBackend(backend);
    const result = tf.valueAndGrad((y) => ops.sigmoidFocalLoss(y, labels))(x);
    // Read, and disposed of, while another backend is current.
    await tf.setBackend(backend === 'cpu' ? 'wasm' : 'cpu');
    t.deepEqual(await result.value.data(), Float32Array.of(loss));
    t.deepEqual(await result.grad.data(), grad);
    tf.dispose([result.value, result.grad]);
  }
  t.is(
    memoryChange(() => {
      tf.dispose([x, labels]);
    }).tensors,
    -2,
  );
});

test.serial('the wasm heap may grow during a call', async (t) => {
  await tf.setBackend('wasm');
  const heap = (): number => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
  const rows = 1 << 20;
  const values = random(rows * 4, 8, -4, 4);
  const labelValues = randomLabels(rows, 9, 4);
  const expected = base.sigmoidFocalLossValueAndGrad(values, labelValues, { reduction: 'none' });
  // On the cpu backend first: the call itself then moves the inputs into the heap and allocates its outputs there.
  await tf.setBackend('cpu');
  const x = tf.tensor2d(values, [rows, 4]);
  const labels = tf.tensor1d(labelValues, 'int32');
  await tf.setBackend('wasm');
  const before = heap();
  const { loss, grad } = ops.sigmoidFocalLossValueAndGrad(x, labels, { reduction: 'none' });
  t.true(heap() > before);
  t.is(bits(loss.dataSync()), bits(expected.loss));
  t.is(bits(grad.dataSync()), bits(expected.grad));
  tf.dispose([x, labels, loss, grad]);
});

test.serial('outputs are written whole, whatever the memory held', async (t) => {
  await tf.setBackend('wasm');
  const ignored = tf.fill([1000], -2, 'int32');
  const garbage = Array.from({ length: 8 }, () => tf.fill([1000, 2], NaN));
  const x = tf.zeros([1000, 2]);
  tf.dispose(garbage);
  const { loss, grad } = ops.sigmoidFocalLossValueAndGrad(x, ignored, { reduction: 'none' });
  close(t, loss, tf.zeros([1000, 2]), 0);
  close(t, grad, tf.zeros([1000, 2]), 0);
  tf.disposeVariables();
});
