// Forward convolutions of the wasm backend, which stock TensorFlow.js pads wrongly in places.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
import { randomValues, relativeError, runKernel, runOn, tensor, tolerance } from './support.js';

// Serial: the tests choose tfjs's one global backend.
test.before(() => {
  enableWasmTraining();
});

test.serial('a stride that leaves pixels unread sees the others', async (t) => {
  const results = await runOn('wasm', () => {
    const ones = tf.ones<tf.Rank.R4>([1, 8, 8, 1]);
    const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
    return [
      tf.conv2d(ones, filter, 4, 'same'),
      tf.fused.conv2d({ x: ones, filter, strides: 4, pad: 'same', bias: tf.tensor1d([-10]), activation: 'relu' }),
      tf.depthwiseConv2d(ones, filter, 4, 'same'),
      tf.fused.depthwiseConv2d({ x: ones, filter, strides: 4, pad: 'same', bias: tf.tensor1d([1]) }),
      tf.conv2d(ones, tf.ones([1, 5, 1, 1]), 2, 'same'),
    ];
  });
  t.deepEqual(
    results.map(({ data }) => Array.from(data)),
    [[9, 9, 9, 9], [0, 0, 0, 0], [9, 9, 9, 9], [10, 10, 10, 10], Array.from({ length: 4 }, () => [4, 5, 5, 3]).flat()],
  );
});

type Sizes = [number, number];
const kernels: Sizes[] = [[1, 1], [2, 2], [3, 3], [4, 4], [1, 3], [3, 1], [2, 5], [5, 2]]; // prettier-ignore
const strides: Sizes[] = [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [1, 2], [3, 1], [4, 2], [2, 5]]; // prettier-ignore
const images: Sizes[] = [[8, 8], [9, 7], [5, 12], [1, 6]]; // prettier-ignore
type Pad = 'same' | number;

/** Every convolution of a geometry, or undefined where it has no result. */
function convolutions([height, width]: Sizes, [kh, kw]: Sizes, stride: Sizes, pad: Pad, dilations: Sizes) {
  const x: [number, number, number, number] = [2, height, width, 3];
  const info = tf.backend_util.computeConv2DInfo(x, [kh, kw, 3, 4], stride, dilations, pad);
  if (info.outHeight < 1 || info.outWidth < 1) return undefined;
  const [values, full, single] = [randomValues(x, 1), randomValues([kh, kw, 3, 4], 2), randomValues([kh, kw, 3, 2], 3)];
  const [bias4, bias6] = [randomValues([4], 4), randomValues([6], 5)];
  const attrs = { strides: stride, pad, dilations, dataFormat: 'NHWC' };
  const fused = { ...attrs, activation: 'relu' };
  return () => [
    runKernel('Conv2D', { x: tensor(values), filter: tensor(full) }, attrs),
    runKernel('FusedConv2D', { x: tensor(values), filter: tensor(full), bias: tensor(bias4) }, fused),
    runKernel('DepthwiseConv2dNative', { x: tensor(values), filter: tensor(single) }, attrs),
    runKernel('FusedDepthwiseConv2D', { x: tensor(values), filter: tensor(single), bias: tensor(bias6) }, fused),
  ];
}

for (const pad of ['same', 0, 1, 2] as Pad[]) {
  test.serial(`every kernel size and stride equals the cpu backend, padding ${pad}`, async (t) => {
    let cases = 0;
    for (const image of images) {
      for (const kernel of kernels) {
        for (const stride of [...strides, undefined]) {
          const dilations: Sizes = stride ? [1, 1] : [2, 3];
          const body = convolutions(image, kernel, stride ?? [1, 1], pad, dilations);
          if (body === undefined) continue;
          const expected = await runOn('cpu', body);
          const actual = await runOn('wasm', body);
          const error = Math.max(...expected.map((values, i) => relativeError(actual[i]!, values)));
          t.true(error <= tolerance, `${[image, kernel, stride].join(' / ')}: ${error}`);
          cases++;
        }
      }
    }
    t.true(cases > 100, String(cases));
  });
}

test.serial('what is cut off leaves nothing in the heap', async (t) => {
  await tf.setBackend('wasm');
  const backend = tf.backend() as unknown as { numDataIds(): number };
  // A kernel of one column with a padding of 2 for both sides: tfjs leaves out columns that there are.
  const body = convolutions([8, 8], [5, 2], [1, 1], 2, [1, 1])!;
  tf.tidy(() => void body());
  const [tensors, ids] = [tf.memory().numTensors, backend.numDataIds()];
  for (let i = 0; i < 20; i++) tf.tidy(() => void body());
  t.is(tf.memory().numTensors, tensors);
  t.is(backend.numDataIds(), ids);
});
