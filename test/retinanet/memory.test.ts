// What nets leave in a tfjs backend's memory: nothing, once they are disposed of, and nothing where making one fails.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import test, { type ExecutionContext } from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  createRetinaNet,
  detect,
  loadRetinaNet,
  type RetinaNetConfig,
  saveRetinaNet,
  trainRetinaNet,
  useNativeBackend,
  useWasmBackend,
} from 'retinanet-ops/retinanet';
import { squares } from './scenes.js';

/** A backend whose memory is full after so many tensors. */
class SmallBackend extends MathBackendCPU {
  room = Infinity;

  override write(...args: Parameters<MathBackendCPU['write']>): object {
    if (this.room-- <= 0) throw new Error('no room');
    return super.write(...args);
  }
}

const small = new SmallBackend();
tf.registerBackend('small', () => small);

const size = { numClasses: 3, imageHeight: 64, imageWidth: 64, pyramidChannels: 8, subnetDepth: 1 };
const presets: RetinaNetConfig[] = [
  size,
  { ...size, preset: 'resnet50-fpn', batchNorm: 'trainable' },
  { ...size, pyramidLevels: [3, 4] },
];
const data = squares(2, 64, 64);

let directory = '';

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
  await useWasmBackend();
  await useNativeBackend();
  tf.copyRegisteredKernels('cpu', 'small');
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

function held(): Record<string, number> {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  // Of all backends: weights move to the one that computes.
  const { registry } = tf.engine() as unknown as {
    registry: Record<string, tf.KernelBackend & { numDataIds(): number }>;
  };
  const dataIds = Object.values(registry).reduce((sum, backend) => sum + backend.numDataIds(), 0);
  return {
    numTensors,
    numDataBuffers,
    numBytes,
    dataIds,
    variables: Object.keys(tf.engine().registeredVariables).length,
  };
}

async function leavesNothing(t: ExecutionContext, what: string, body: () => unknown): Promise<void> {
  const before = held();
  await body();
  t.deepEqual(held(), before, what);
}

for (const backend of ['native', 'cpu', 'wasm']) {
  test.serial(`nets that are made, saved and loaded in a loop hold memory constant (${backend})`, async (t) => {
    await tf.setBackend(backend);
    for (const [i, config] of presets.entries()) {
      const path = join(directory, String(i));
      for (let round = 0; round < 2; round++) {
        await leavesNothing(t, 'made and saved', async () => {
          const net = createRetinaNet(config);
          t.true(held()['numBytes']! >= 4 * net.model.countParams());
          if (round === 0) await saveRetinaNet(net, path);
          net.dispose();
        });
        await leavesNothing(t, 'loaded', async () => {
          (await loadRetinaNet(path)).dispose();
        });
      }
      await leavesNothing(t, 'two loaded at once', async () => {
        for (const net of await Promise.all([loadRetinaNet(path), loadRetinaNet(path)])) net[Symbol.dispose]();
      });
    }
  });

  test.serial(`detection and training leave nothing but the net (${backend})`, async (t) => {
    await tf.setBackend(backend);
    for (const config of presets) {
      await leavesNothing(t, 'all of it', async () => {
        const net = createRetinaNet(config);
        await leavesNothing(t, 'detection', () => detect(net, data.images, { batchSize: 1 }));
        // The large one on the main thread's backend only as far as weights go in and out: its steps take long.
        const steps = config.preset === undefined ? 2 : 1;
        await leavesNothing(t, 'training', () => trainRetinaNet(net, data, { steps, batchSize: 1 }));
        net.dispose();
      });
    }
  });
}

test.serial('a net whose making fails half way leaves nothing', async (t) => {
  await tf.setBackend('small');
  const path = join(directory, 'small');
  const whole = createRetinaNet(size);
  const variables = whole.model.weights.length;
  await saveRetinaNet(whole, path);
  whole.dispose();
  t.teardown(() => (small.room = Infinity));
  for (let room = 0; room < variables; room += 9) {
    await leavesNothing(t, 'made', () => {
      small.room = room;
      t.throws(() => createRetinaNet(size), { instanceOf: RetinanetOpsError, code: 'ERR_BACKEND', message: /no room/ });
    });
  }
  // Loading makes every variable twice: with nothing in it, and from the file.
  for (let room = 0; room < 2 * variables; room += 9) {
    await leavesNothing(t, 'loaded', async () => {
      small.room = room;
      await t.throwsAsync(loadRetinaNet(path), { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message: /no room/ });
    });
  }
  small.room = Infinity;
  await leavesNothing(t, 'impossible anchors', () => {
    t.throws(() => createRetinaNet({ ...size, anchorScales: [1e-30] }), { code: 'ERR_RANGE' });
  });
});

test.serial('a net that has been disposed of says so, and may be disposed of again', async (t) => {
  await tf.setBackend('cpu');
  const disposals = [
    (net: ReturnType<typeof createRetinaNet>) => { net.dispose(); },
    (net: ReturnType<typeof createRetinaNet>) => { net.model.dispose(); }, // frees a part
  ]; // prettier-ignore
  for (const dispose of disposals) {
    await leavesNothing(t, 'disposed', async () => {
      const net = createRetinaNet(size);
      dispose(net);
      for (const use of [
        () => detect(net, data.images),
        () => trainRetinaNet(net, data, { steps: 1 }),
        () => saveRetinaNet(net, join(directory, 'disposed')),
      ]) {
        const message = /^\w+: expected a net that holds its weights for net, received one that has been disposed of$/;
        await t.throwsAsync(use, { instanceOf: RetinanetOpsError, code: 'ERR_DTYPE', message });
      }
      net.dispose();
      net.dispose();
    });
  }
  t.throws(() => { const net = createRetinaNet(size); net.dispose(); net.model.predict(tf.zeros([1, 64, 64, 3])); }, { message: /disposed/ }); // prettier-ignore
});

test.serial('a net that is disposed of while it works ends the work with that cause', async (t) => {
  await tf.setBackend('cpu');
  const error = { instanceOf: RetinanetOpsError, code: 'ERR_DTYPE', message: /disposed of$/ };
  await leavesNothing(t, 'disposed at work', async () => {
    const detector = createRetinaNet(size);
    const found = detect(detector, data.images, { batchSize: 1 });
    detector.dispose();
    await t.throwsAsync(found, error);
    const learner = createRetinaNet(size);
    await t.throwsAsync(
      trainRetinaNet(learner, data, {
        steps: 2,
        batchSize: 1,
        onStep: () => {
          learner.dispose();
        },
      }),
      error,
    );
  });
});

test.serial('the steps of a training take no more memory than those before them', async (t) => {
  using net = createRetinaNet({ ...size, imageHeight: 128, imageWidth: 128 });
  const resident: number[] = [];
  // The least of 50 steps, in MiB: garbage comes and goes.
  const least = (from: number) => Math.min(...resident.slice(from, from + 50)) / 2 ** 20;
  const grown = (from: number) => least(from + 200) - least(from);
  // The smallest feature map of the first stage, left by each of 200 steps, would be 50 MiB; the collector's own pace on a busy
  // machine may look like that once, but not twice.
  await trainRetinaNet(net, squares(2, 128, 128), {
    ...{ steps: 500, batchSize: 2, threads: 2, warmupSteps: 1 },
    onStep: ({ step }, run) => {
      resident.push(process.memoryUsage.rss());
      if (step === 300 && grown(50) < 25) run.stop();
    },
  });
  const growth = [50, 250].filter((from) => from + 250 <= resident.length).map(grown);
  t.log(`${growth.map((mib) => mib.toFixed(0)).join(' and ')} MiB in 200 steps`);
  t.true(Math.min(...growth) < 25);
});
