// Frozen stages of backbones, through the command line: to the bit as they were.
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createRetinaNet, loadRetinaNet, type RetinaNet, saveWeights, useNativeBackend } from 'retinanet-ops/retinanet';
import { temporary, writeSquares } from './squares.js';

test.before(async () => {
  await useNativeBackend();
});

const cli = (...args: string[]) => spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });

function valuesOf({ model }: RetinaNet): Map<string, Buffer> {
  return new Map(
    model.weights.map((weight) => [
      weight.originalName,
      Buffer.from(Float32Array.from(weight.read().dataSync()).buffer),
    ]),
  );
}

/** Trains two steps by the command line. @returns names of weights that are as they were, and of those that are not */
async function trained(t: ExecutionContext, backbone: 'resnet18' | 'compact', freeze: number) {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  const [weights, config, run] = ['net.safetensors', 'config.json', 'run'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  using net = createRetinaNet({
    ...{ backbone, numClasses: 2, imageHeight: 64, imageWidth: 64, pyramidLevels: [3, 4], batchNorm: 'trainable' },
    ...{ pyramidChannels: 4, subnetDepth: 0, seed: 9 },
  });
  await saveWeights(net, weights);
  await writeFile(config, JSON.stringify({ batchSize: 2, threads: 1, weightAveraging: 0.5 }));
  const flags = ['--weights', weights, '--config', config, '--steps', '2', '--learning-rate', '0.01', '--out', run];
  const { status, stderr } = cli('train', data, ...flags, '--freeze', String(freeze));
  t.is(status, 0, stderr);
  using after = await loadRetinaNet(join(run, 'last'));
  t.is(after.config.freeze, freeze);
  const before = valuesOf(net);
  const [same, changed]: [string[], string[]] = [[], []];
  for (const [name, values] of valuesOf(after)) (values.equals(before.get(name)!) ? same : changed).push(name);
  return { same, changed };
}

test.serial(
  'the stem and two stages of a residual network stay, its normalisations too; the others learn',
  async (t) => {
    const { same, changed } = await trained(t, 'resnet18', 3);
    const isFrozen = (name: string) => /^(conv1_|res[23]_)/.test(name);
    t.true(same.filter(isFrozen).length > 40);
    t.deepEqual(changed.filter(isFrozen), []);
    // Statistics never change; scales, offsets and filters of the later stages do.
    const kept = same.filter((name) => !isFrozen(name) && !name.startsWith('normalize_input'));
    t.deepEqual(
      kept.filter((name) => !name.includes('moving_')),
      [],
    );
    t.true(['res4_1_a_conv/kernel', 'res4_1_a_bn/gamma', 'res4_2_b_bn/beta'].every((name) => changed.includes(name)));
  },
);

test.serial('the stem alone of the compact network', async (t) => {
  const { same, changed } = await trained(t, 'compact', 1);
  t.deepEqual(same.filter((name) => !name.startsWith('normalize_input')).sort(), ['stem/bias', 'stem/kernel']);
  t.true(changed.includes('stage2_block1_conv1/kernel'));
});

test.serial('a whole backbone', async (t) => {
  const { same, changed } = await trained(t, 'compact', 5);
  t.true(same.some((name) => name.startsWith('stage4_block1')));
  t.deepEqual(
    changed.filter((name) => /^(stem|stage)/.test(name)),
    [],
  );
  t.true(changed.includes('lateral4/kernel'));
});

test('stages that no backbone has are refused', async (t) => {
  const folder = await temporary(t);
  const { status, stderr } = cli('train', await writeSquares(folder), '--out', join(folder, 'run'), '--freeze', '6');
  t.is(status, 1);
  t.regex(stderr, /expected an integer in \[0, 5\] for freeze, received 6\n$/);
});
