import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
import { energy, randomValues, relativeError, runOn, tensor, tolerance, type Values, worstError } from './support.js';

// Serial: the tests choose tfjs's one global backend.
test.before(() => {
  enableWasmTraining();
});

test.serial('fused and transposed convolutions have their gradients', async (t) => {
  const x = randomValues([2, 7, 8, 3], 1);
  const w = randomValues([3, 3, 3, 5], 2);
  const b = randomValues([5], 3);
  for (const activation of ['linear', 'relu'] as const) {
    const body = (): tf.Tensor[] =>
      tf.grads((...[x, filter, bias]: tf.Tensor[]) =>
        energy(
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias,
            strides: 2,
            pad: 'same',
            activation,
          }),
        ),
      )([tensor(x), tensor(w), tensor(b)]);
    t.true((await worstError(body)) <= tolerance, activation);
  }
  const up = randomValues([3, 3, 4, 3], 4);
  const transposed = (): tf.Tensor[] =>
    tf.grads((...[x, filter]: tf.Tensor[]) =>
      energy(tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [2, 14, 16, 4], 2, 'same')),
    )([tensor(x), tensor(up)]);
  t.true((await worstError(transposed)) <= tolerance);
});

test.serial('pooling, resizing, depthwise and gather gradients equal the cpu backend', async (t) => {
  const x = randomValues([2, 9, 11, 6], 1);
  const depthwise = randomValues([3, 3, 6, 2], 2);
  const bodies: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
    maxPool: (x) => tf.maxPool(x, 3, 2, 'same'),
    maxPool2: (x) => tf.maxPool(x, 2, 2, 'valid'),
    avgPool: (x) => tf.avgPool(x, 3, 2, 'same'),
    // A square, since the cpu backend's gradient swaps height and width.
    bilinear: (x) => tf.image.resizeBilinear(tf.slice(x, [0, 0, 0, 0], [2, 9, 9, 6]), [18, 22]),
    mirrorPad: (x) => tf.mirrorPad(x, [[0, 0], [1, 2], [2, 1], [0, 0]], 'reflect'), // prettier-ignore
    depthwise: (x) => tf.depthwiseConv2d(x, tensor(depthwise) as tf.Tensor4D, 2, 'same'),
    gather: (x) => tf.gather(tf.reshape(x, [-1, 6]), tf.tensor1d([3, 0, 3, 90], 'int32')),
    softmax: (x) => tf.softmax(x),
    sigmoid: (x) => tf.sigmoid(x),
    leakyRelu: (x) => tf.leakyRelu(x),
    elu: (x) => tf.elu(x),
    relu6: (x) => tf.relu6(tf.mul(x, 8)),
    pad: (x) => tf.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]]), // prettier-ignore
    concat: (x) => tf.concat([x, tf.square(x)], 3),
    slice: (x) => tf.slice(x, [0, 1, 2, 1], [2, 5, 6, 3]),
    batchNorm: (x) => tf.batchNorm(x, tf.ones([6]), tf.fill([6], 2), tf.zeros([6]), tf.fill([6], 3)),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const gradient = (): tf.Tensor[] => [tf.grad((x: tf.Tensor) => energy(body(x as tf.Tensor4D)))(tensor(x))];
    const error = await worstError(gradient);
    t.true(error <= tolerance, `${name}: ${error}`);
  }
  const filter = (): tf.Tensor[] => [
    tf.grad((w: tf.Tensor) => energy(tf.depthwiseConv2d(tensor(x) as tf.Tensor4D, w as tf.Tensor4D, [1, 1], 'same')))(
      tensor(depthwise),
    ),
  ];
  t.true((await worstError(filter)) <= tolerance);
});

test.serial('the nearest-neighbour resize gradient adds every output to its source', async (t) => {
  const x = randomValues([3, 4, 5, 2], 1);
  for (const [size, alignCorners, halfPixel] of [
    [[8, 10], false, false],
    [[8, 10], true, false],
    [[9, 7], false, true],
    [[3, 17], false, false],
    [[1, 1], true, false],
  ] as [[number, number], boolean, boolean][]) {
    const resize = (x: tf.Tensor): tf.Tensor =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, alignCorners, halfPixel);
    const dy = randomValues([3, ...size, 2], 2);
    const actual = await runOn('wasm', () => [tf.grad(resize)(tensor(x), tensor(dy))]);
    // Resizing the numbers of the input tells where each output came from. (The cpu backend's gradient would not do: it
    // reads the wrong image of a batch.)
    const numbers = { shape: x.shape, data: x.data.map((_, i) => i) };
    const [from] = await runOn('wasm', () => [resize(tensor(numbers))]);
    const expected = { shape: x.shape, data: new Float32Array(x.data.length) };
    from?.data.forEach((source, i) => {
      expected.data[source] = (expected.data[source] ?? NaN) + (dy.data[i] ?? NaN);
    });
    t.true(relativeError(actual[0] as Values, expected) <= 1e-6, `${size.join()} ${alignCorners} ${halfPixel}`);
  }
});
