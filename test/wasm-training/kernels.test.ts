import test from 'ava';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
import {
  randomValues,
  relativeError,
  runKernel,
  runOn,
  tensor,
  tolerance,
  type Values,
  worstError,
} from './support.js';

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

const sides = (top: number, bottom: number, left: number, right: number): Pad => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

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

test.serial('sums over many pixels keep their digits', async (t) => {
  // Values around 1 add up, so that each float32 rounding is of the whole sum's size. The cpu backend sums in float64.
  const around1 = ({ shape, data }: Values): Values => ({ shape, data: data.map((v) => v + 1) });
  const x = around1(randomValues([8, 64, 80, 1], 1));
  const dy = around1(randomValues([8, 64, 80, 2], 2));
  for (const taps of [1, 3]) {
    const body = (): tf.Tensor[] => [
      runKernel(
        'Conv2DBackpropFilter',
        { x: tensor(x), dy: tensor(dy) },
        { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [taps, taps, 1, 2] },
      ),
    ];
    const error = await worstError(body);
    t.true(error <= 4e-6, `${taps}x${taps}: ${error}`);
  }
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
  const script = `import * as tfl from '@tensorflow/tfjs-layers';
import { enableWasmTraining } from 'retinanet-ops/tfjs';
    try { enableWasmTraining(); } catch (e) { console.log(e.code, e.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.regex(stdout, /^ERR_BACKEND .*@tensorflow\/tfjs-backend-wasm/, stderr);
});
