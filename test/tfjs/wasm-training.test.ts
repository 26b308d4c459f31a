import test from 'ava';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
import { randomValues, relativeError, runOn, tensor, type Values } from './wasm-training-support.js';

type Pad = 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];
interface ConvCase {
  /** NHWC, or NCHW with that dataFormat. */
  x: [number, number, number, number];
  filter: [number, number, number, number];
  strides?: [number, number];
  pad?: Pad;
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

const tolerance = 1e-5;
const sides = (top: number, bottom: number, left: number, right: number): Pad => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

const runKernel = (name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
/** A scalar whose gradient depends on the result itself. */
const energy = (y: tf.Tensor): tf.Scalar => tf.sum(tf.square(y));

// Serial: the tests choose tfjs's one global backend.
test.before(() => {
  enableWasmTraining();
  enableWasmTraining();
});

/** Both gradients of one convolution, from the kernels themselves. */
function gradients(c: ConvCase): (() => tf.Tensor[]) | undefined {
  const { strides = [1, 1], pad = 'same', dataFormat = 'NHWC', dimRoundingMode } = c;
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat);
  const info = tf.backend_util.computeConv2DInfo(c.x, c.filter, strides, 1, pad, dimRoundingMode, false, format);
  if (info.outHeight < 1 || info.outWidth < 1) return undefined;
  const x = randomValues(c.x, 1);
  const filter = randomValues(c.filter, 2);
  const dy = randomValues(info.outShape, 3);
  const attrs = { strides, pad, dataFormat, dimRoundingMode };
  return () => [
    runKernel('Conv2DBackpropInput', { dy: tensor(dy), filter: tensor(filter) }, { ...attrs, inputShape: c.x }),
    runKernel('Conv2DBackpropFilter', { x: tensor(x), dy: tensor(dy) }, { ...attrs, filterShape: c.filter }),
  ];
}

async function worstError(body: () => tf.Tensor[]): Promise<number> {
  const expected = await runOn('cpu', body);
  const actual = await runOn('wasm', body);
  return Math.max(...expected.map((e, i) => relativeError(actual[i] as Values, e)));
}

const kernelSizes: [number, number][] = [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [7, 7], [1, 3], [3, 1], [2, 5], [7, 2]]; // prettier-ignore
const strideTable: [number, number][] = [[1, 1], [2, 2], [3, 3], [1, 2], [3, 1], [4, 5]]; // prettier-ignore
const pads: Pad[] = ['same', 'valid', 0, 1, 3, sides(0, 1, 0, 1), sides(2, 0, 1, 3), sides(4, 5, 0, 6)];

test.serial('both gradients equal the cpu backend for every kernel size, stride and padding', async (t) => {
  let cases = 0;
  for (const [kh, kw] of kernelSizes) {
    for (const strides of strideTable) {
      for (const pad of pads) {
        const body = gradients({
          x: [2, 9, 8, 3],
          filter: [kh, kw, 3, 4],
          strides,
          pad,
          dimRoundingMode: typeof pad === 'string' ? undefined : 'floor',
        });
        if (!body) continue;
        cases++;
        const error = await worstError(body);
        t.true(
          error <= tolerance,
          `${[kh, kw].join('x')} stride ${strides.join()} pad ${JSON.stringify(pad)}: ${error}`,
        );
      }
    }
  }
  t.true(cases > 400, `${cases} cases`);
});

const shapes: ConvCase[] = [
  { x: [2, 12, 16, 32], filter: [3, 3, 32, 48] },
  { x: [2, 12, 16, 32], filter: [3, 3, 32, 48], strides: [2, 2] },
  { x: [2, 13, 17, 32], filter: [3, 3, 32, 48], strides: [2, 2] },
  { x: [1, 20, 20, 3], filter: [7, 7, 3, 16], strides: [2, 2], pad: sides(3, 3, 3, 3) },
  { x: [4, 12, 16, 64], filter: [1, 1, 64, 16] },
  { x: [4, 12, 16, 16], filter: [1, 1, 16, 64] },
  { x: [3, 12, 15, 24], filter: [1, 1, 24, 24], strides: [2, 2] },
  { x: [3, 11, 15, 8], filter: [1, 1, 8, 24], strides: [2, 3], pad: 'valid' },
  { x: [2, 5, 6, 4], filter: [1, 1, 4, 5], pad: 2 },
  { x: [1, 1, 1, 1], filter: [1, 1, 1, 1] },
  { x: [1, 1, 1, 5], filter: [3, 3, 5, 2] },
  { x: [5, 1, 9, 7], filter: [1, 5, 7, 3] },
  { x: [2, 3, 4, 6], filter: [3, 4, 6, 5], pad: 'valid' },
  { x: [16, 6, 8, 10], filter: [3, 3, 10, 9] },
  { x: [2, 9, 9, 5], filter: [2, 2, 5, 6], strides: [2, 2], pad: 'valid' },
  { x: [2, 10, 10, 5], filter: [3, 3, 5, 6], strides: [2, 2], pad: 1, dimRoundingMode: 'ceil' },
  { x: [0, 4, 4, 2], filter: [3, 3, 2, 3] },
  { x: [2, 3, 9, 8], filter: [3, 3, 3, 4], dataFormat: 'NCHW' },
  { x: [2, 3, 9, 8], filter: [3, 3, 3, 4], strides: [2, 2], dataFormat: 'NCHW' },
  { x: [2, 3, 9, 8], filter: [1, 1, 3, 4], dataFormat: 'NCHW' },
];

test.serial('both gradients equal the cpu backend for layers of many shapes', async (t) => {
  for (const c of shapes) {
    const body = gradients(c);
    if (!body) throw new Error(`the case ${JSON.stringify(c)} has no output`);
    const error = await worstError(body);
    t.true(error <= tolerance, `${JSON.stringify(c)}: ${error}`);
  }
});

test.serial('both gradients equal the cpu backend for random shapes', async (t) => {
  const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
  const pad: fc.Arbitrary<Pad> = fc.oneof(
    fc.constantFrom<Pad>('same', 'valid'),
    fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)).map((p) => sides(...p)),
  );
  const cases = fc.record({
    x: fc.tuple(size(4), size(12), size(12), size(9)),
    taps: fc.tuple(size(7), size(7)),
    outChannels: size(9),
    strides: fc.tuple(size(4), size(4)),
    pad,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ x, taps, outChannels, strides, pad }) => {
      const body = gradients({
        x,
        filter: [...taps, x[3], outChannels],
        strides,
        pad,
        dimRoundingMode: typeof pad === 'string' ? undefined : 'floor',
      });
      fc.pre(body !== undefined);
      return (await worstError(body)) <= tolerance;
    }),
    { numRuns: 200, seed: 1 },
  );
  t.pass();
});

/** `x[b, oh * s + kh * d - p, ...] * w[kh, kw, ...]` summed by definition; tfjs itself refuses gradients with dilations. */
function dilatedReference(x: Values, w: Values, dy: Values, s: number[], d: number[], p: number[]): [Values, Values] {
  const [, H = 0, W = 0, Ci = 0] = x.shape;
  const [KH = 0, KW = 0, , Co = 0] = w.shape;
  const [B = 0, Ho = 0, Wo = 0] = dy.shape;
  const dx = { shape: x.shape, data: new Float32Array(x.data.length) };
  const dw = { shape: w.shape, data: new Float32Array(w.data.length) };
  for (let b = 0; b < B; b++) for (let oh = 0; oh < Ho; oh++) for (let ow = 0; ow < Wo; ow++)
    for (let kh = 0; kh < KH; kh++) for (let kw = 0; kw < KW; kw++) {
      const h = oh * (s[0] ?? 1) + kh * (d[0] ?? 1) - (p[0] ?? 0);
      const v = ow * (s[1] ?? 1) + kw * (d[1] ?? 1) - (p[1] ?? 0);
      if (h < 0 || h >= H || v < 0 || v >= W) continue;
      for (let ci = 0; ci < Ci; ci++) for (let co = 0; co < Co; co++) {
        const xi = ((b * H + h) * W + v) * Ci + ci;
        const wi = ((kh * KW + kw) * Ci + ci) * Co + co;
        const y = dy.data[((b * Ho + oh) * Wo + ow) * Co + co] ?? NaN;
        dx.data[xi] = (dx.data[xi] ?? NaN) + y * (w.data[wi] ?? NaN);
        dw.data[wi] = (dw.data[wi] ?? NaN) + y * (x.data[xi] ?? NaN);
      }
    } // prettier-ignore
  return [dx, dw];
}

test.serial('the kernels take dilations, with strides too', async (t) => {
  for (const dilations of [
    [2, 2],
    [1, 3],
    [4, 2],
  ] as [number, number][]) {
    // prettier-ignore
    for (const strides of [[1, 1], [2, 2], [3, 2], [4, 6]] as [number, number][]) { // prettier-ignore
      const x = randomValues([2, 15, 14, 3], 1);
      const w = randomValues([3, 2, 3, 4], 2);
      const info = tf.backend_util.computeConv2DInfo([2, 15, 14, 3], [3, 2, 3, 4], strides, dilations, 'same');
      const dy = randomValues(info.outShape, 3);
      const attrs = { strides, dilations, pad: 'same' };
      const actual = await runOn('wasm', () => [
        runKernel('Conv2DBackpropInput', { dy: tensor(dy), filter: tensor(w) }, { ...attrs, inputShape: x.shape }),
        runKernel('Conv2DBackpropFilter', { x: tensor(x), dy: tensor(dy) }, { ...attrs, filterShape: w.shape }),
      ]);
      const expected = dilatedReference(x, w, dy, strides, dilations, [info.padInfo.top, info.padInfo.left]);
      expected.forEach((e, i) => {
        const error = relativeError(actual[i] as Values, e);
        t.true(error <= tolerance, `dilations ${dilations.join()} strides ${strides.join()}: ${error}`);
      });
    }
  }
});

test.serial('fused convolutions, transposed convolutions and second derivatives have their gradients', async (t) => {
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
            bias: bias as tf.Tensor,
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
    return tf.mean(tf.square(tf.sigmoid(tf.concat(heads, 1)))) as tf.Scalar;
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
  const before = { first: 0, last: 0 };
  before.first = tf.tidy(() => loss(image, variables).dataSync()[0] ?? NaN);
  for (let i = 0; i < 10; i++) step();
  const tensors = tf.memory().numTensors;
  const ids = backend.numDataIds();
  const bytes = backend.wasm.HEAPU8.length;
  for (let i = 0; i < 200; i++) step();
  t.is(tf.memory().numTensors, tensors);
  t.is(backend.numDataIds(), ids);
  t.is(backend.wasm.HEAPU8.length, bytes);
  before.last = tf.tidy(() => loss(image, variables).dataSync()[0] ?? NaN);
  t.true(before.last < before.first);
  optimizer.dispose();
  tf.dispose([...variables, image]);
});

test.serial('a wrong dy is refused, and frees what was made', async (t) => {
  await tf.setBackend('wasm');
  const before = tf.memory().numTensors;
  const error = t.throws(() =>
    tf.tidy(() =>
      runKernel(
        'Conv2DBackpropFilter',
        { x: tf.ones([1, 8, 8, 2]), dy: tf.ones([1, 3, 8, 2]) },
        { strides: [1, 1], pad: 'same', filterShape: [3, 3, 2, 2] },
      ),
    ),
  );
  t.is((error as { code?: string }).code, 'ERR_SHAPE');
  t.is(tf.memory().numTensors, before);
});

test.serial('only the wasm backend is changed', (t) => {
  const cpu = tf.getKernel('Conv2DBackpropInput', 'cpu').kernelFunc;
  const wasm = tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc;
  enableWasmTraining();
  t.is(tf.getKernel('Conv2DBackpropInput', 'cpu').kernelFunc, cpu);
  t.is(tf.getKernel('Conv2DBackpropInput', 'wasm').kernelFunc, wasm);
  t.not(wasm, cpu);
});

test.serial('without the wasm package there is a clear error', (t) => {
  const script = `import { enableWasmTraining } from 'retinanet-ops/tfjs';
    try { enableWasmTraining(); } catch (e) { console.log(e.code, e.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.regex(stdout, /^ERR_BACKEND .*@tensorflow\/tfjs-backend-wasm/, stderr);
});
