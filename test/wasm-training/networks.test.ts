import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
import { randomValues, relativeError, runOn, tensor, type Values } from './support.js';

// Serial: the tests choose tfjs's one global backend.
test.before(() => {
  enableWasmTraining();
});

/** A residual network with a feature pyramid, from the layers a detector is built of. */
function pyramid(): { x: Values; weights: Values[]; loss: (x: tf.Tensor, weights: tf.Tensor[]) => tf.Scalar } {
  const shapes = [[7, 7, 3, 8], [1, 1, 8, 16], [3, 3, 8, 16], [3, 3, 16, 16], [16], [16], [3, 3, 16, 24], [1, 1, 24, 16], [1, 1, 16, 16], [3, 3, 16, 16], [16], [3, 3, 16, 9]]; // prettier-ignore
  const weights = shapes.map((shape, i) => {
    const values = randomValues(shape, 10 + i);
    const scale = shape.length === 1 ? 1 : Math.sqrt(3 / shape.slice(0, 3).reduce((a, b) => a * b, 1));
    return { shape, data: values.data.map((v) => v * scale) };
  });
  const loss = (input: tf.Tensor, w: tf.Tensor[]): tf.Scalar => {
    const conv = (x: tf.Tensor, filter: tf.Tensor | undefined, stride = 1, bias?: tf.Tensor): tf.Tensor4D =>
      tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides: stride, pad: 'same', bias });
    const stem = tf.maxPool(tf.relu(conv(tf.pad(input, [[0, 0], [3, 3], [3, 3], [0, 0]]), w[0], 2)), 3, 2, 'same'); // prettier-ignore
    const inner = conv(tf.relu(conv(stem, w[2], 2)), w[3]);
    const { mean, variance } = tf.moments(inner, [0, 1, 2]);
    const normalised = tf.batchNorm(
      inner,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      w[4] as tf.Tensor1D,
      w[5] as tf.Tensor1D,
    );
    const c3 = tf.relu(tf.add(conv(stem, w[1], 2), normalised));
    const c4 = tf.relu(conv(c3, w[6], 2));
    const p4 = conv(c4, w[7]);
    const top = tf.image.resizeNearestNeighbor(p4, [p4.shape[1] * 2, p4.shape[2] * 2]);
    const p3 = tf.add(conv(c3, w[8]), tf.slice(top, [0, 0, 0, 0], c3.shape.map((s, i) => (i === 3 ? 16 : s)))); // prettier-ignore
    const heads = [p3, p4].map((p) => tf.reshape(conv(tf.relu(conv(p, w[9], 1, w[10])), w[11]), [1, -1, 9]));
    return tf.mean<tf.Scalar>(tf.square(tf.sigmoid(tf.concat(heads, 1))));
  };
  // One image, since the cpu backend's resize gradient reads the wrong one of several.
  return { x: randomValues([1, 44, 60, 3], 1), weights, loss };
}

test.serial('the gradient of a residual network with a feature pyramid equals the cpu backend', async (t) => {
  const { x, weights, loss } = pyramid();
  const body = (): tf.Tensor[] => {
    const { value, grads } = tf.valueAndGrads((...w: tf.Tensor[]) => loss(tensor(x), w))(weights.map(tensor));
    return [value, ...grads];
  };
  const expected = await runOn('cpu', body);
  const actual = await runOn('wasm', body);
  // Through many layers both backends' own rounding adds up.
  expected.forEach((e, i) => {
    const error = relativeError(actual[i] as Values, e);
    t.true(error <= 5e-5, `result ${i}: ${error}`);
  });
});

test.serial(
  'a residual pyramid of stock layers has all its gradients, batch normalisation training or frozen',
  async (t) => {
    const { layers } = tfl;
    for (const training of [true, false]) {
      await tf.setBackend('wasm');
      const input = tfl.input({ shape: [32, 48, 3] });
      let seed = 0;
      const conv = (x: tfl.SymbolicTensor, filters: number, kernelSize: number, strides = 1): tfl.SymbolicTensor => {
        const kernelInitializer = tfl.initializers.heNormal({ seed: ++seed });
        const config = { filters, kernelSize, strides, padding: 'same', kernelInitializer } as const;
        return layers.conv2d(config).apply(x) as tfl.SymbolicTensor;
      };
      const norm = (x: tfl.SymbolicTensor): tfl.SymbolicTensor =>
        layers.batchNormalization({ trainable: training }).apply(x) as tfl.SymbolicTensor;
      const relu = (x: tfl.SymbolicTensor): tfl.SymbolicTensor => layers.reLU().apply(x) as tfl.SymbolicTensor;
      const add = (...x: tfl.SymbolicTensor[]): tfl.SymbolicTensor => layers.add().apply(x) as tfl.SymbolicTensor;
      const padded = layers.zeroPadding2d({ padding: [3, 3] }).apply(input) as tfl.SymbolicTensor;
      const stem = layers
        .maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })
        .apply(
          relu(norm(layers.conv2d({ filters: 8, kernelSize: 7, strides: 2 }).apply(padded) as tfl.SymbolicTensor)),
        ) as tfl.SymbolicTensor;
      const c3 = relu(add(norm(conv(norm(conv(stem, 4, 1)), 16, 3)), conv(stem, 16, 1)));
      const c4 = relu(norm(conv(c3, 24, 3, 2)));
      const p4 = conv(c4, 8, 1);
      const p3 = add(conv(c3, 8, 1), layers.upSampling2d({ size: [2, 2] }).apply(p4) as tfl.SymbolicTensor);
      const heads = [p3, p4].map(
        (p) => layers.reshape({ targetShape: [-1, 3] }).apply(conv(p, 9, 3)) as tfl.SymbolicTensor,
      );
      const pooled = layers.averagePooling2d({ poolSize: 2 }).apply(c4) as tfl.SymbolicTensor;
      heads.push(layers.reshape({ targetShape: [-1, 3] }).apply(pooled) as tfl.SymbolicTensor);
      const output = layers.concatenate({ axis: 1 }).apply(heads) as tfl.SymbolicTensor;
      const model = tfl.model({ inputs: input, outputs: output });
      const image = randomValues([1, 32, 48, 3], 1);
      const body = (): tf.Tensor[] => {
        const { value, grads } = tf.variableGrads(() =>
          tf.mean(tf.square(tf.sigmoid(model.apply(tensor(image), { training }) as tf.Tensor))),
        );
        return [
          value,
          ...Object.keys(grads)
            .sort()
            .map((name) => grads[name] as tf.Tensor),
        ];
      };
      const expected = await runOn('cpu', body);
      const actual = await runOn('wasm', body);
      t.true(expected.length > 15);
      const largest = Math.max(...expected.slice(1).flatMap(({ data }) => Array.from(data, Math.abs)));
      expected.forEach((e, i) => {
        // Biases before a normalisation have no gradient but rounding, hence the common scale.
        const difference = Math.max(...e.data.map((v, j) => Math.abs(v - (actual[i]?.data[j] ?? NaN))));
        t.true(difference <= 2e-5 * largest, `training ${training}, result ${i}: ${difference} of ${largest}`);
      });
      model.dispose();
    }
  },
);

test.serial('two hundred training steps leak neither tensors nor memory of the wasm heap', async (t) => {
  await tf.setBackend('wasm');
  const { x, weights, loss } = pyramid();
  const variables = weights.map((w) => tf.variable(tensor(w)));
  const image = tensor(x);
  const optimizer = tf.train.adam(1e-3);
  const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array }; numDataIds(): number };
  const step = (): void => {
    optimizer.minimize(() => loss(image, variables), false, variables);
  };
  const currentLoss = (): number => tf.tidy(() => loss(image, variables).dataSync()[0] ?? NaN);
  const first = currentLoss();
  for (let i = 0; i < 10; i++) step();
  const tensors = tf.memory().numTensors;
  const ids = backend.numDataIds();
  const bytes = backend.wasm.HEAPU8.length;
  for (let i = 0; i < 200; i++) step();
  t.is(tf.memory().numTensors, tensors);
  t.is(backend.numDataIds(), ids);
  t.is(backend.wasm.HEAPU8.length, bytes);
  t.true(currentLoss() < first);
  optimizer.dispose();
  tf.dispose([...variables, image]);
});
