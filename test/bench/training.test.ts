// The benchmark of training steps, rehearsed at its smallest, and that its check can fail.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Torchvision } from '../../bench/peers/torchvision.js';
import { checkAgainst, type TrainingReport } from '../../bench/training/index.js';
import { flopsOf } from '../../bench/training/kernels.js';

/** Multiply-adds of one image of 64x64, layer by layer: cells, filter, channels in and out. */
const STEM = 16 * 16 * 16 * 3 * 32;
const MULTIPLY_ADDS =
  STEM +
  16 * 16 * (4 * 9 * 32 * 32) +
  8 * 8 * (9 * 32 * 64 + 3 * 9 * 64 * 64 + 4 * 32 * 64) +
  4 * 4 * (9 * 64 * 96 + 3 * 9 * 96 * 96 + 4 * 64 * 96) +
  2 * 2 * (9 * 96 * 128 + 9 * 128 * 128 + 4 * 96 * 128) +
  48 * (8 * 8 * 64 + 4 * 4 * 96 + 2 * 2 * 128) +
  (8 * 8 + 4 * 4 + 2 * 2) * 9 * 48 * (48 + 2 * 2 * 48 + 9 * 3 + 9 * 4);

test('a step and a detection are checked against PyTorch where it is, timed and counted', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
  try {
    const file = join(folder, 'results.json');
    const args = ['--quick', '--full', '--threads', '2', '--only', 'training', '--json', file];
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist-dev/bench/main.js', ...args], {
      encoding: 'utf8',
      timeout: 600_000,
    });
    t.is(status, 0, stderr);
    const { training, skipped } = JSON.parse(readFileSync(file, 'utf8')) as {
      training: TrainingReport;
      skipped: string[];
    };
    const name = 'training compact, 64x64, batch 2';
    t.deepEqual(
      training.rows.map((row) => [row.name, row.what, row.threads]),
      [
        [name, 'detection', 2],
        [name, 'step', 2],
      ],
    );
    const layouts = skipped.some((line) => line.includes('torchvision')) ? [] : ['NCHW', 'channels_last'];
    for (const { what, median, runs, peakMiB, gflops, peers } of training.rows) {
      t.true(median > 0 && runs >= 6 && peakMiB > 50, what);
      t.deepEqual(Object.keys(peers), layouts);
      for (const peer of Object.values(peers)) t.true(peer.median > 0 && peer.peakMiB > 100);
      const flops = 2 * 2 * (what === 'step' ? 3 * MULTIPLY_ADDS - STEM : MULTIPLY_ADDS);
      t.true(Math.abs(gflops * median * 1e6 - flops) < 1e-6 * flops, what);
    }
    const [{ kernels, threads }] = training.kernels as [TrainingReport['kernels'][0]];
    t.is(threads, 2);
    for (const kernel of ['Conv2DBackpropFilter', 'Conv2DBackpropInput', 'RetinanetOpsConvolution']) {
      t.true(
        kernels.some((each) => each.name === kernel && each.flops > 0 && each.ms > 0),
        kernel,
      );
      t.true(stdout.includes(kernel));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const network = {
  ...{ classLoss: 2, boxLoss: 0.5, losses: [2.5, 2] },
  ...{ levels: [3, 5], depth: 1, weights: [], values: new Float32Array(0), anchors: new Float32Array(0) },
  ...{ gradient: new Float32Array(0), flops: { step: 3, detection: 1 } },
};

const peerWith = (answers: Record<string, object>) =>
  ({
    ask: (operation: string) => Promise.resolve({ ...agreeing[operation], ...answers[operation] }),
  }) as unknown as Torchvision;
const agreeing: Record<string, object> = {
  gradient: { classLoss: 2, boxLoss: 0.5, errors: { stem: 1e-6 } },
  steps: { losses: [2.5, 2] },
};

test('another loss, gradient or curve than PyTorch has fails', async (t) => {
  const check = (answers: Record<string, object>) => checkAgainst(peerWith(answers), network, 'net', 1);
  await t.notThrowsAsync(check({}));
  await t.throwsAsync(check({ gradient: { boxLoss: 0.501 } }), { message: /^net: losses differ/ });
  await t.throwsAsync(check({ gradient: { classLoss: NaN } }), { message: /^net: losses differ/ });
  await t.throwsAsync(check({ gradient: { errors: { stem: 0.02 } } }), { message: /gradient of stem differs/ });
  await t.throwsAsync(check({ steps: { losses: [2.5, 2.1] } }), { message: /losses of the first steps/ });
});

test('a convolution has as many operations as its gradients', (t) => {
  // 8 images, 5x7 outputs of 11 channels, each of 3x2x4 products and as many sums.
  const [x, filter, y] = [
    [8, 9, 13, 4],
    [3, 2, 4, 11],
    [8, 5, 7, 11],
  ];
  const count = 2 * 8 * 5 * 7 * 11 * (3 * 2 * 4);
  const flops = (name: string, inputShapes: number[][], output: number[]) =>
    flopsOf({ name, inputShapes, outputShapes: [output], kernelTimeMs: 1 });
  t.is(flops('Conv2D', [x, filter], y), count);
  t.is(flops('FusedConv2D', [x, filter, [11]], y), count);
  t.is(flops('RetinanetOpsConvolutionRelu', [x, filter, [11]], y), count);
  t.is(flops('Conv2DBackpropInput', [y, filter], x), count);
  t.is(flops('Conv2DBackpropFilter', [x, y], filter), count);
  t.is(flops('Relu', [y], y), 0);
});
