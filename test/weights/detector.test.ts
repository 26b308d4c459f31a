// A detector of a file that says what network it is of.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  createRetinaNet,
  loadDetector,
  type RetinaNet,
  type RetinaNetConfig,
  saveRetinaNet,
  saveWeights,
  trainDetector,
  type TrainDetectorOptions,
  useNativeBackend,
} from 'retinanet-ops/retinanet';
import { randomNet } from '../export/nets.js';
import { planOf, writeSquares } from '../session/squares.js';
import { fileOf, safetensorsOf } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
const config: RetinaNetConfig = {
  ...{ preset: 'torchvision-retinanet', backbone: 'compact', numClasses: 2, classNames: ['blue', 'red'] },
  ...{ imageHeight: 64, imageWidth: 96, shorterSide: 64, longerSide: 96, pyramidLevels: [3, 4], pyramidChannels: 4 },
  ...{ subnetDepth: 1, anchorSizeInStrides: 3, aspectRatios: [1, 2], pixelMean: [1, 2, 3], batchNormEpsilon: 0.5 },
};
const [saved, directory] = [join(folder, 'net.safetensors'), join(folder, 'net')];
let data = '';
test.before(async () => {
  await useNativeBackend();
  using net = randomNet(config);
  await saveWeights(net, saved);
  await saveRetinaNet(net, directory);
  data = await writeSquares(folder);
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

const valuesOf = ({ model }: RetinaNet) => model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));

test('a file of saveWeights and a folder of saveRetinaNet are the same detector', async (t) => {
  using original = randomNet(config);
  for (const path of [saved, directory]) {
    using net = await loadDetector(path);
    t.deepEqual(net.config, original.config);
    t.deepEqual(valuesOf(net), valuesOf(original));
  }
  using other = await loadDetector(saved, { classNames: ['a', 'b'], shorterSide: 32 });
  t.deepEqual([other.config.classNames, other.config.shorterSide], [['a', 'b'], 32]);
  await t.throwsAsync(loadDetector(saved, { backbone: 'resnet18' }), {
    code: 'ERR_DATA',
    message: /expected shape \[4,256,1,1\] of backbone/,
  });
});

test('a configuration that is none is refused', async (t) => {
  const refused = async (metadata: unknown, message: RegExp) => {
    await t.throwsAsync(loadDetector(fileOf(safetensorsOf({ __metadata__: metadata }, 0))), {
      code: 'ERR_DATA',
      message,
    });
  };
  await refused({ 'retinanet-ops': '{"config":' }, /JSON as retinanet-ops of its metadata for .*, received/);
  await refused({ 'retinanet-ops': 'null' }, /config/);
  await refused({ 'retinanet-ops': '{"config":{"numClasses":-1}}' }, /\.pth: config\.numClasses, received -1/);
  const large = { numClasses: 1, imageHeight: 32, imageWidth: 32, pyramidChannels: 4096, subnetDepth: 16 };
  await refused(
    { 'retinanet-ops': JSON.stringify({ config: large }) },
    /numbers or more, as its metadata say, .* received 0/,
  );
  await refused({ 'retinanet-ops': 7 }, /texts by name as __metadata__/);
  await refused('text', /texts by name as __metadata__/);
  await refused({}, /weights of a whole detector/);
});

const cli = (...args: string[]) => spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });

test('detect and export take the file in place of a folder', async (t) => {
  const picture = join(folder, 'picture.png');
  const noise = Buffer.from(Array.from({ length: 90 * 60 * 3 }, (_, i) => (i * 7919) % 256));
  await sharp(noise, { raw: { width: 90, height: 60, channels: 3 } })
    .png()
    .toFile(picture);
  const found = (path: string) => cli('detect', path, picture, '--score', '0.05', '--json');
  const [file, whole] = [found(saved), found(directory)];
  t.is(file.status, 0, file.stderr);
  t.true(file.stdout.includes('"red"'));
  t.is(file.stdout, whole.stdout);
  const { status, stdout } = cli('export', saved, '--format', 'tfjs');
  t.deepEqual([status, stdout], [0, `${join(folder, 'tfjs')}\n`]);
  t.deepEqual(readFileSync(join(folder, 'tfjs/weights.bin')), readFileSync(join(directory, 'weights.bin')));
});

test('training goes on with the network, anchors and frame of the file, unless they are given', async (t) => {
  const plan = await planOf(data, { weights: saved });
  const kept = ['preset', 'backbone', 'pyramidLevels', 'pyramidChannels', 'subnetDepth', 'anchorSizeInStrides'];
  const more = [
    'aspectRatios',
    'pixelMean',
    'batchNormEpsilon',
    'imageHeight',
    'imageWidth',
    'shorterSide',
    'longerSide',
  ];
  for (const name of [...kept, ...more]) {
    t.deepEqual([name, plan.of(name), plan.from(name)], [name, config[name as keyof RetinaNetConfig], 'weights']);
  }
  t.deepEqual(plan.leftAtPrior, []);
  const given = await planOf(data, { weights: saved, longestSide: 64, aspectRatios: [0.5, 3] });
  t.deepEqual(
    ['imageHeight', 'imageWidth', 'aspectRatios', 'shorterSide'].map((name) => [given.of(name), given.from(name)]),
    [[64, 'data'], [64, 'data'], [[0.5, 3], 'given'], [64, 'data']], // prettier-ignore
  );
});

test('a conflict is one sentence, and nothing is written', async (t) => {
  const out = join(folder, 'never');
  const refused = async (options: Partial<TrainDetectorOptions>, message: RegExp) => {
    await t.throwsAsync(trainDetector(data, { out, weights: saved, ...options }), {
      ...{ instanceOf: RetinanetOpsError, code: 'ERR_OPTION', message },
    });
    t.false(existsSync(out));
  };
  await refused(
    { backbone: 'resnet18' },
    /^trainDetector: expected "compact", as the network of .*net\.safetensors has it, for backbone, received "resnet18"$/,
  );
  await refused(
    { pyramidLevels: [3, 5] },
    /expected \[3,4\], as the network of .* for pyramidLevels, received \[3,5\]$/,
  );
  await refused({ aspectRatios: [1] }, /expected 6 anchors a cell, .* for anchorScales and aspectRatios, received 3$/);
  const { status, stderr } = cli('train', data, '--out', out, '--weights', saved, '--backbone', 'resnet34');
  t.deepEqual([status, stderr.trim().split('\n').length], [1, 1], stderr);
  t.regex(stderr, /expected "compact", as the network of .* for backbone, received "resnet34"/);
});

test('what a state_dict is of is known by its names and shapes', async (t) => {
  const small = { preset: 'torchvision-retinanet', imageHeight: 32, imageWidth: 32 } as const;
  for (const [backbone, numClasses, p6From, epsilon] of [
    ['resnet18', 91, 'p5', 0],
    ['resnet34', 3, 'c5', 1e-5],
  ] as const) {
    // prettier-ignore
    using net = createRetinaNet({ ...small, backbone, numClasses, p6From, pyramidChannels: 8, subnetDepth: 2 });
    const file = join(folder, `${backbone}.safetensors`);
    await saveWeights(net, file);
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE());
    const { __metadata__: _, ...header } = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>;
    const plain = fileOf(Buffer.concat([safetensorsOf(header, 0), bytes.subarray(8 + length)]));
    using found = await loadDetector(plain);
    const { preset, batchNormEpsilon, pyramidChannels, subnetDepth, shorterSide } = found.config;
    t.deepEqual([found.config.backbone, found.config.numClasses, found.config.p6From], [backbone, numClasses, p6From]);
    t.deepEqual([preset, batchNormEpsilon, pyramidChannels, subnetDepth], ['torchvision-retinanet', epsilon, 8, 2]);
    t.deepEqual([shorterSide, found.config.classNames[1]], [800, numClasses === 91 ? 'person' : undefined]);
    t.deepEqual(valuesOf(found), valuesOf(net));
    if (p6From === 'c5') continue;
    const plan = await planOf(data, { weights: plain });
    t.deepEqual([plan.of('backbone'), plan.from('preset'), plan.of('boxLoss')], [backbone, 'weights', 'l1']);
  }
});
