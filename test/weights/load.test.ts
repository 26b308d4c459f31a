// loadWeights and saveWeights
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fromTorch, namedWeights, toTorch } from '#lib/retinanet/weights/names.js';
import { writeWeights } from '#lib/retinanet/model/weights.js';
import {
  createRetinaNet,
  loadDetector,
  loadWeights,
  type RetinaNet,
  type RetinaNetConfig,
  saveRetinaNet,
  saveWeights,
  useNativeBackend,
} from 'retinanet-ops/retinanet';
import { randomNet } from '../export/nets.js';
import { runScript } from '../support/child.js';
import { fileOf } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
const config: RetinaNetConfig = { numClasses: 2, imageHeight: 32, imageWidth: 32, pyramidChannels: 4, subnetDepth: 2 };
const saved = join(folder, 'net.safetensors');
test.before(async () => {
  await useNativeBackend();
  using net = randomNet(config);
  await saveWeights(net, saved);
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

const valuesOf = ({ model }: RetinaNet): Float32Array[] =>
  model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));

interface Header {
  [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] };
}
function headerOf(file: string): Header {
  const bytes = readFileSync(file);
  return JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()))) as Header;
}

/** The file with other names, or without some: undefined. */
function renamed(name: (from: string) => string | undefined): string {
  const bytes = readFileSync(saved);
  const length = Number(bytes.readBigUInt64LE());
  const header: Header = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [from, entry] of Object.entries(headerOf(saved))) {
    const to = from === '__metadata__' ? undefined : name(from);
    if (to === undefined) continue;
    const [begin, end] = entry.data_offsets;
    header[to] = { ...entry, data_offsets: [at, (at += end - begin)] };
    parts.push(bytes.subarray(8 + length + begin, 8 + length + end));
  }
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return fileOf(Buffer.concat([size, json, ...parts]));
}

test('what saveWeights wrote comes back to the bit', async (t) => {
  using original = randomNet(config);
  using net = createRetinaNet({ ...config, seed: 5 });
  const report = await loadWeights(net, saved);
  t.deepEqual(valuesOf(net), valuesOf(original));
  t.is(report.loaded.length, net.model.weights.length - 4);
  t.deepEqual([report.leftAtPrior, report.missing, report.unused], [[], [], []]);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('float16 halves the file, rounds to the nearest, and refuses what it does not hold', async (t) => {
  using original = randomNet(config);
  using net = createRetinaNet(config);
  const file = join(folder, 'half.safetensors');
  await saveWeights(original, file, { precision: 'float16' });
  await loadWeights(net, file);
  const [before, after] = [valuesOf(original), valuesOf(net)];
  t.true(
    after.every((values, i) =>
      values.every((value, j) => Math.abs(value - before[i]![j]!) <= Math.abs(value) / 2048 + 1e-7),
    ),
  );
  writeWeights([original.model.weights[4]!], [valuesOf(original)[4]!.fill(7e4)]);
  const large = join(folder, 'large.safetensors');
  await t.throwsAsync(saveWeights(original, large, { precision: 'float16' }), {
    code: 'ERR_RANGE',
    message: /received 70000/,
  });
  t.false(existsSync(large));
});

test('names and shapes are those of torchvision', (t) => {
  const header = headerOf(saved);
  t.deepEqual(header['head.classification_head.cls_logits.weight']!.shape, [18, 4, 3, 3]);
  t.deepEqual(header['head.regression_head.conv.1.0.weight']!.shape, [4, 4, 3, 3]);
  t.deepEqual(header['backbone.fpn.inner_blocks.2.0.weight']!.shape, [4, 128, 1, 1]);
  t.truthy(header['backbone.fpn.layer_blocks.0.0.bias']);
  const { format } = header['__metadata__'] as unknown as Record<string, string>;
  t.is(format, 'pt');
});

test('the channels of anchors are in the order of torchvision: ratio by ratio', (t) => {
  using net = createRetinaNet({ ...config, anchorScales: [1, 1.5], aspectRatios: [0.5, 1, 2] });
  const named = namedWeights(net).find(({ names }) => names[0] === 'head.classification_head.cls_logits.bias')!;
  // Here scale 0 with ratios 0, 1, 2, then scale 1: each anchor says scale and ratio, for both classes.
  const here = Float32Array.from([0, 0, 1, 1, 2, 2, 10, 10, 11, 11, 12, 12]);
  const there = toTorch(named, here);
  t.deepEqual(there, Float32Array.from([0, 0, 10, 10, 1, 1, 11, 11, 2, 2, 12, 12]));
  t.deepEqual(fromTorch(named, there), here);
});

test('names of older versions, and what checkpoints put before names', async (t) => {
  using original = randomNet(config);
  using net = createRetinaNet(config);
  const file = renamed((name) =>
    name
      .replace(/(inner_blocks|layer_blocks)\.(\d)\.0\./, '$1.$2.')
      .replace(/conv\.(\d)\.0\./, (_, i: string) => `conv.${String(2 * Number(i))}.`)
      .replace(/^/, 'module.model.'),
  );
  const { missing, unused } = await loadWeights(net, file);
  t.deepEqual([missing, unused], [[], []]);
  t.deepEqual(valuesOf(net), valuesOf(original));
});

test('classes of other names, or in another order, keep their own class layer', async (t) => {
  using cats = createRetinaNet({ ...config, classNames: ['cat', 'dog'] });
  const file = join(folder, 'cats.safetensors');
  await saveWeights(cats, file);
  for (const [classNames, left] of [
    [['cat', 'dog'], 0],
    [['dog', 'cat'], 2],
    [['cat', 'hen'], 2],
    [[], 0],
  ] as const) {
    using net = createRetinaNet({ ...config, classNames });
    t.is((await loadWeights(net, file)).leftAtPrior.length, left, classNames.join());
  }
  using renamed = await loadDetector(file, { classNames: ['hen', 'owl'] });
  t.deepEqual(renamed.config.classNames, ['hen', 'owl'], 'names that are known better are no other classes');
});

test('a head of other classes stays at its prior, and the report says so', async (t) => {
  using net = createRetinaNet({ ...config, numClasses: 3 });
  const before = valuesOf(net);
  const { leftAtPrior, loaded } = await loadWeights(net, saved);
  const head = 'head.classification_head.cls_logits';
  t.deepEqual(leftAtPrior.sort(), [`${head}.bias`, `${head}.weight`]);
  t.false(loaded.some((name) => leftAtPrior.includes(name)));
  for (const [i, { originalName }] of net.model.weights.entries()) {
    const isLeft = originalName.startsWith('class_logits_output') || originalName.startsWith('normalize');
    const isSame = valuesOf(net)[i]!.every((value, j) => value === before[i]![j]);
    if (isLeft) t.true(isSame, originalName);
  }
});

test('a classifier gives its backbone', async (t) => {
  using net = createRetinaNet({ ...config, backbone: 'resnet18', subnetDepth: 0 });
  const full = join(folder, 'resnet18.safetensors');
  await saveWeights(net, full);
  const names = Object.keys(headerOf(full));
  t.true(names.includes('backbone.body.layer4.1.bn2.running_var'));
  t.true(names.includes('backbone.body.layer2.0.downsample.1.weight'));
  // As torchvision's files of ImageNet name them, in the same bytes: spaces stand behind the JSON.
  const bytes = readFileSync(full);
  const length = Number(bytes.readBigUInt64LE());
  const classifier = (head: string) => {
    const json = bytes
      .toString('utf8', 8, 8 + length)
      .replaceAll('backbone.body.', '')
      .replaceAll('head.regression_head.bbox_reg', head)
      .replaceAll('backbone.fpn', 'x.fpn')
      .replaceAll('"head.', '"y.');
    const other = Buffer.from(bytes);
    other.write(json.padEnd(length), 8);
    return fileOf(other);
  };
  const weight = net.model.weights.find(({ originalName }) => originalName === 'res5_2_b_conv/kernel')!;
  const before = Float32Array.from(weight.read().dataSync());
  const zeros = new Float32Array(before.length);
  writeWeights([weight], [zeros]);
  const longer = /the backbone of the net and no other .*layer4\.2\.conv1/;
  await t.throwsAsync(loadWeights(net, classifier('layer4.2.conv1')), { code: 'ERR_DATA', message: longer });
  t.deepEqual(weight.read().dataSync(), zeros);
  const { missing, unused, loaded } = await loadWeights(net, classifier('fc'));
  t.true(loaded.includes('conv1.weight') && loaded.every((name) => !name.includes('fpn')));
  t.true(unused.includes('fc.weight') && missing.includes('backbone.fpn.inner_blocks.0.0.weight'));
  t.deepEqual(weight.read().dataSync(), before);
});

test('half a backbone is refused', async (t) => {
  using net = createRetinaNet(config);
  const file = renamed((name) => (name.includes('stage4_block2') ? undefined : name));
  const message = /the whole backbone of the net for .*one without backbone\.body\.stage4_block2_conv1\.weight/;
  await t.throwsAsync(loadWeights(net, file), { code: 'ERR_DATA', message });
});

test('what does not fit is refused before the first weight changes', async (t) => {
  using net = createRetinaNet({ ...config, pyramidChannels: 8 });
  const before = valuesOf(net);
  const refused = async (file: string, message: RegExp) => {
    await t.throwsAsync(loadWeights(net, file), { code: 'ERR_DATA', message });
    t.deepEqual(valuesOf(net), before);
  };
  await refused(
    saved,
    /expected shape \[8,\d+,1,1\] of backbone\.fpn\.inner_blocks\.\d\.0\.weight for .*, received \[4,\d+,1,1\]/,
  );
  await refused(
    renamed((name) => `my.${name}`),
    /weights by torchvision's names that fit the net/,
  );
  const nan = readFileSync(saved);
  nan.writeFloatLE(NaN, nan.length - 4);
  using same = createRetinaNet(config);
  const values = valuesOf(same);
  await t.throwsAsync(loadWeights(same, fileOf(nan)), { code: 'ERR_DATA', message: /finite numbers in head\./ });
  t.deepEqual(valuesOf(same), values);
});

test('130 MB of weights cost little beside the network', (t) => {
  const { status, stdout, stderr } = runScript('measure-weights.js', [join(folder, 'resnet50.safetensors')]);
  t.is(status, 0, stderr);
  const { fileBytes, beforeBytes, peakBytes } = JSON.parse(stdout) as Record<string, number>;
  t.log(stdout.trim());
  t.true(fileBytes! > 130e6);
  t.true(peakBytes! < 600e6, `${String(peakBytes)} bytes, ${String(beforeBytes)} before`);
});

test('export --format safetensors', async (t) => {
  const model = join(folder, 'model');
  using net = randomNet(config);
  await saveRetinaNet(net, model);
  const args = ['dist/cli/main.js', 'export', model, '--format', 'safetensors'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const file = join(model, 'model.safetensors');
  t.deepEqual([status, stdout], [0, `${file}\n`]);
  t.deepEqual(readFileSync(file), readFileSync(saved));
});
