// Speed of the three convolutions of a training step on the wasm backend, layer by layer, and of a whole step against the
// plain cpu backend. One thread. Nothing is timed that has not been checked first.
// Usage: node dist-dev/bench/wasm-training.js
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';
import { enableWasmTraining } from 'retinanet-ops/tfjs';

type Shape4 = [number, number, number, number];
interface Layer {
  name: string;
  x: Shape4;
  filter: Shape4;
  stride: number;
}

// Layers of a compact detector on images of 256 x 192, batch 8, and two of ResNet-50 on 400 x 400, batch 1.
const layers: Layer[] = [
  { name: 'stage 1, 3x3 stride 2', x: [8, 48, 64, 32], filter: [3, 3, 32, 64], stride: 2 },
  { name: 'stage 1, 3x3', x: [8, 24, 32, 64], filter: [3, 3, 64, 64], stride: 1 },
  { name: 'stage 2, 3x3', x: [8, 12, 16, 96], filter: [3, 3, 96, 96], stride: 1 },
  { name: 'stage 3, 3x3', x: [8, 6, 8, 128], filter: [3, 3, 128, 128], stride: 1 },
  { name: 'lateral, 1x1', x: [8, 24, 32, 64], filter: [1, 1, 64, 48], stride: 1 },
  { name: 'head on P3, 3x3', x: [8, 24, 32, 48], filter: [3, 3, 48, 48], stride: 1 },
  { name: 'class logits on P3, 3x3', x: [8, 24, 32, 48], filter: [3, 3, 48, 90], stride: 1 },
  { name: 'ResNet-50 conv3, 3x3', x: [1, 50, 50, 128], filter: [3, 3, 128, 128], stride: 1 },
  { name: 'ResNet-50 conv3, 1x1', x: [1, 50, 50, 512], filter: [1, 1, 512, 128], stride: 1 },
];

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** The three convolutions of a layer, on whichever backend is chosen. */
function convolutions({ filter, stride }: Layer, x: tf.Tensor4D, w: tf.Tensor4D, dy: tf.Tensor4D): (() => tf.Tensor)[] {
  const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC' };
  return [
    () => tf.conv2d(x, w, stride, 'same'),
    () => tf.engine().runKernel('Conv2DBackpropInput', { dy, filter: w }, { ...attrs, inputShape: x.shape }),
    () => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: filter }),
  ];
}

/**
 * By linearity: <conv(x, w), dy> = <x, dx> = <w, dw>. It checks both gradients at full size in no time, where the cpu
 * backend would take minutes; equality with it is what the tests show.
 */
function check(
  name: string,
  [forward, input, filter]: (() => tf.Tensor)[],
  x: tf.Tensor,
  w: tf.Tensor,
  dy: tf.Tensor,
): void {
  tf.tidy(() => {
    if (!forward || !input || !filter) return;
    const dot = (a: tf.Tensor, b: tf.Tensor): number => tf.sum(tf.mul(a, b)).dataSync()[0] ?? NaN;
    const y = forward();
    const expected = dot(y, dy);
    const scale = Math.sqrt(dot(y, y) * dot(dy, dy));
    for (const actual of [dot(x, input()), dot(w, filter())]) {
      if (!(Math.abs(actual - expected) <= 1e-5 * scale)) throw new Error(`${name}: ${actual}, expected ${expected}`);
    }
  });
}

function timeLayer(layer: Layer): void {
  const x = tf.randomNormal<tf.Rank.R4>(layer.x, 0, 1, 'float32', 1);
  const w = tf.randomNormal<tf.Rank.R4>(layer.filter, 0, 1, 'float32', 2);
  const y = tf.conv2d(x, w, layer.stride, 'same');
  const dy = tf.randomNormal<tf.Rank.R4>(y.shape, 0, 1, 'float32', 3);
  const operations = 2 * y.size * layer.filter[0] * layer.filter[1] * layer.filter[2];
  const runs = convolutions(layer, x, w, dy);
  check(layer.name, runs, x, w, dy);
  // Interleaved, so that a busy moment of the machine hits all three.
  const times = runs.map((): number[] => []);
  for (let round = 0; round < 11; round++) {
    runs.forEach((run, i) => {
      const start = performance.now();
      run().dispose();
      times[i]?.push(performance.now() - start);
    });
  }
  const rates = times.map((t) => (operations / median(t) / 1e6).toFixed(1).padStart(12));
  console.log(layer.name.padEnd(28) + layer.x.join(' ').padEnd(16) + rates.join(''));
  tf.dispose([x, w, y, dy]);
}

/** A small residual detector on 64 x 48 images, trained with Adam on a squared error. */
function network(): { step: () => number; weights: tf.Variable[]; dispose: () => void } {
  const shapes: number[][] = [[3, 3, 3, 16], [3, 3, 16, 32], [3, 3, 32, 32], [3, 3, 32, 48], [1, 1, 32, 32], [1, 1, 48, 32], [3, 3, 32, 36]]; // prettier-ignore
  const weights = shapes.map((shape, i) =>
    tf.variable(
      tf.randomNormal(shape, 0, 1 / Math.sqrt((shape[0] ?? 1) * (shape[1] ?? 1) * (shape[2] ?? 1)), 'float32', i + 1),
    ),
  );
  const images = tf.randomUniform<tf.Rank.R4>([2, 48, 64, 3], 0, 1, 'float32', 99);
  const conv = (x: tf.Tensor, i: number, stride = 1): tf.Tensor4D =>
    tf.conv2d(x as tf.Tensor4D, weights[i] as tf.Tensor as tf.Tensor4D, stride, 'same');
  const optimizer = tf.train.adam(1e-3);
  const loss = (): tf.Scalar => {
    const c2 = tf.relu(conv(tf.relu(conv(images, 0, 2)), 1, 2));
    const c3 = tf.relu(tf.add(c2, conv(c2, 2)));
    const c4 = tf.relu(conv(c3, 3, 2));
    const p3 = conv(c3, 4);
    const p4 = conv(c4, 5);
    return tf.mean(
      tf.square(
        tf.concat(
          [p3, p4].map((p) => tf.reshape(conv(p, 6), [2, -1, 36])),
          1,
        ),
      ),
    );
  };
  return {
    weights,
    step: () => {
      const value = optimizer.minimize(loss, true, weights) as tf.Scalar;
      const [number] = value.dataSync();
      value.dispose();
      return number ?? NaN;
    },
    dispose: () => {
      optimizer.dispose();
      tf.dispose([...weights, images]);
    },
  };
}

async function timeSteps(backend: string, steps: number): Promise<{ ms: number; losses: number[] }> {
  await tf.setBackend(backend);
  const net = network();
  const times: number[] = [];
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    losses.push(net.step());
    times.push(performance.now() - start);
  }
  net.dispose();
  return { ms: median(times.slice(steps > 3 ? 2 : 0)), losses };
}

// The stock input gradient, before it is replaced.
await tf.setBackend('wasm');
const stock = layers[1] as Layer;
const stockRate = tf.tidy(() => {
  const [x, w, dy] = [stock.x, stock.filter, stock.x].map((shape) => tf.randomNormal<tf.Rank.R4>(shape)) as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const run = convolutions(stock, x, w, dy)[1];
  const start = performance.now();
  run?.();
  return (2 * dy.size * 9 * stock.filter[2]) / (performance.now() - start) / 1e6;
});

enableWasmTraining();
console.log(
  'GFLOP/s, one thread'.padEnd(44) + ['forward', 'input gr.', 'filter gr.'].map((s) => s.padStart(12)).join(''),
);
for (const layer of layers) timeLayer(layer);
console.log(`${'stock kernel, stage 1, 3x3'.padEnd(44)}${''.padStart(12)}${stockRate.toFixed(1).padStart(12)}`);

const wasm = await timeSteps('wasm', 22);
const cpu = await timeSteps('cpu', 2);
cpu.losses.forEach((expected, i) => {
  const actual = wasm.losses[i] ?? NaN;
  if (!(Math.abs(actual - expected) <= 1e-3 * expected))
    throw new Error(`step ${i}: loss ${actual}, on cpu ${expected}`);
});
console.log(
  `\ntraining step, batch 2, 64x48, Adam: wasm ${wasm.ms.toFixed(1)} ms, cpu ${cpu.ms.toFixed(0)} ms, ratio ${(cpu.ms / wasm.ms).toFixed(0)}`,
);
