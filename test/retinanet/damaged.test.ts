// Saved models damaged in every way, and places that cannot be written.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  createRetinaNet,
  directoryLoader,
  directorySaver,
  loadRetinaNet,
  saveRetinaNet,
  type RetinaNet,
} from 'retinanet-ops/retinanet';
import { fingerprint } from './scenes.js';

const config = {
  numClasses: 2,
  imageHeight: 32,
  imageWidth: 32,
  pyramidChannels: 4,
  subnetDepth: 0,
  classNames: ['a', 'b'],
};

let directory = '';
let sound = '';
let net: RetinaNet;

test.before(async () => {
  await tf.setBackend('cpu');
  directory = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
  sound = join(directory, 'sound');
  net = createRetinaNet(config);
  await saveRetinaNet(net, sound);
});

test.after.always(() => rm(directory, { recursive: true, force: true }));

let copies = 0;
async function copy(): Promise<string> {
  const path = join(directory, `copy${String(copies++)}`);
  await cp(sound, path, { recursive: true });
  return path;
}

interface Json {
  modelTopology: { config: { layers: { name: string; config: Record<string, unknown>; inbound_nodes: unknown }[] } };
  weightsManifest: { paths: string[]; sha256?: string; weights: { name: string; shape: number[]; dtype: string }[] }[];
  userDefinedMetadata: { format: string; config: Record<string, unknown> };
}

const textOf = (path: string): Promise<string> => readFile(join(path, 'model.json'), 'utf8');

/** Damages the parsed model.json. */
const json =
  (change: (json: Json) => unknown) =>
  async (path: string): Promise<void> => {
    const parsed = JSON.parse(await textOf(path)) as Json;
    change(parsed);
    await writeFile(join(path, 'model.json'), JSON.stringify(parsed));
  };
const text =
  (change: (text: string) => string | Buffer) =>
  async (path: string): Promise<void> => {
    await writeFile(join(path, 'model.json'), change(await textOf(path)));
  };
const weights = (path: string): string => join(path, 'weights.bin');
const group = ({ weightsManifest }: Json) => weightsManifest[0]!;
const layer = ({ modelTopology }: Json, name: string) =>
  modelTopology.config.layers.find((one) => one.name === name)!.config;

type Damage = [what: string, damage: (path: string) => unknown, file: 'model.json' | 'weights.bin', message: RegExp];

/** What no reader of tfjs models can read. */
const broken: Damage[] = [
  ['no directory', (path) => rm(path, { recursive: true }), 'model.json', /ENOENT/],
  ['a file for a directory', (path) => rm(path, { recursive: true }).then(() => writeFile(path, 'x')), 'model.json', /ENOTDIR/],
  ['no model.json', (path) => rm(join(path, 'model.json')), 'model.json', /ENOENT/],
  ['a directory for model.json', (path) => rm(join(path, 'model.json')).then(() => mkdir(join(path, 'model.json'))), 'model.json', /EISDIR/],
  ['no weights.bin', (path) => rm(weights(path)), 'weights.bin', /ENOENT/],
  ['a directory for weights.bin', (path) => rm(weights(path)).then(() => mkdir(weights(path))), 'weights.bin', /EISDIR/],
  ['empty JSON', text(() => ''), 'model.json', /JSON .*received text that is none/],
  ['cut JSON', text((whole) => whole.slice(0, whole.length / 2)), 'model.json', /received text that is none/],
  ['JSON of which the last byte is missing', text((whole) => whole.slice(0, -1)), 'model.json', /text that is none/],
  ['NaN in JSON', text((whole) => whole.replace('"seed":0', '"seed":NaN')), 'model.json', /text that is none/],
  ['bytes for JSON', text(() => Buffer.from([0x93, 0, 0xff, 0xfe])), 'model.json', /text that is none/],
  ['a number for a model', text(() => '7'), 'model.json', /JSON without a modelTopology/],
  ['null for a model', text(() => 'null'), 'model.json', /JSON without a modelTopology/],
  ['a list for a model', text(() => '[{}]'), 'model.json', /JSON without a modelTopology/],
  ['JSON of something else', text(() => '{"name":"x","version":"1.0.0"}'), 'model.json', /without a modelTopology/],
  ['no topology', json((model) => delete (model as Partial<Json>).modelTopology), 'model.json', /without a modelTopology/],
  ['a number for a topology', json((model) => Object.assign(model, { modelTopology: 3 })), 'model.json', /modelTopology/],
  ['no manifest', json((model) => delete (model as Partial<Json>).weightsManifest), 'model.json', /weightsManifest.*without one/],
  ['an object for a manifest', json((model) => Object.assign(model, { weightsManifest: {} })), 'model.json', /weightsManifest/],
  ['null for a group', json((model) => Object.assign(model, { weightsManifest: [null] })), 'model.json', /in group 0/],
  ['no paths', json((model) => delete (group(model) as { paths?: unknown }).paths), 'model.json', /in group 0/],
  ['a path out of the directory', json((model) => (group(model).paths = ['../secret'])), 'model.json', /"\.\.\/secret"/],
  ['an absolute path', json((model) => (group(model).paths = ['/etc/passwd'])), 'model.json', /"\/etc\/passwd"/],
  ['a number for a path', json((model) => (group(model).paths = [7 as never])), 'model.json', /the path 7/],
  ['a weight without a shape', json((model) => delete (group(model).weights[3] as { shape?: unknown }).shape), 'model.json', /the weight \{/],
  ['null for a weight', json((model) => (group(model).weights[3] = null as never)), 'model.json', /the weight null/],
  ['a shape with NaN', json((model) => (group(model).weights[3]!.shape = [NaN])), 'model.json', /the weight \{.*null/],
  ['a negative shape', json((model) => (group(model).weights[3]!.shape = [-4])), 'model.json', /the weight \{/],
  ['an unknown dtype', json((model) => (group(model).weights[3]!.dtype = 'float8')), 'model.json', /float8/],
  ['a weight that is there twice', json((model) => group(model).weights.push(group(model).weights[0]!)), 'model.json', /two weights/],
  ['a shape of another size', json((model) => (group(model).weights[0]!.shape = [5])), 'weights.bin', /as model\.json says, .*received \d+$/],
  ['a weight missing from the manifest', json((model) => group(model).weights.pop()), 'weights.bin', /\d+ bytes, as model\.json says/],
  ['no weight in the manifest', json((model) => (group(model).weights = [])), 'weights.bin', /0 bytes/],
  ['empty weights', (path) => truncate(weights(path), 0), 'weights.bin', /received 0$/],
  ['cut weights', (path) => truncate(weights(path), 100), 'weights.bin', /received 100$/],
  ['weights that are too long', async (path) => writeFile(weights(path), Buffer.alloc(4), { flag: 'a' }), 'weights.bin', /bytes/],
  ['weights of another save', async (path) => writeFile(weights(path), Buffer.alloc((await readFile(weights(path))).length)), 'weights.bin', /the weights that model\.json was saved with/],
]; // prettier-ignore

/** What is a model of tfjs, but no sound net. Weights have no hash here, as in models that other programs wrote. */
const unsound: Damage[] = [
  ['another model of tfjs', json((model) => delete (model as Partial<Json>).userDefinedMetadata), 'model.json', /saveRetinaNet wrote/],
  ['null for metadata', json((model) => (model.userDefinedMetadata = null as never)), 'model.json', /saveRetinaNet wrote/],
  ['another format', json((model) => (model.userDefinedMetadata.format = 'other')), 'model.json', /saveRetinaNet wrote/],
  ['no configuration', json((model) => delete (model.userDefinedMetadata as { config?: unknown }).config), 'model.json', /an object for .*: config, received undefined/],
  ['NaN in the configuration', json((model) => (model.userDefinedMetadata.config['numClasses'] = NaN)), 'model.json', /: config\.numClasses, received null/],
  ['an absurd configuration', json((model) => (model.userDefinedMetadata.config['imageWidth'] = -32)), 'model.json', /: config\.imageWidth, received -32/],
  ['a configuration of later versions', json((model) => (model.userDefinedMetadata.config['dropout'] = 0.5)), 'model.json', /'dropout'/],
  ['impossible anchors', json((model) => (model.userDefinedMetadata.config['anchorScales'] = [1e-30])), 'model.json', /possible anchors for .*: config\.anchor/],
  ['a configuration of another size', json((model) => (model.userDefinedMetadata.config['imageWidth'] = 64)), 'model.json', /\[\[null,32,64,3\]\].*received a network from \[\[null,32,32,3\]\]/],
  ['a configuration of more classes', json((model) => Object.assign(model.userDefinedMetadata.config, { numClasses: 3, classNames: [] })), 'model.json', /,3\],.*received a network/],
  ['an empty topology', json((model) => (model.modelTopology = {} as never)), 'model.json', /modelTopology without them/],
  ['a list for a topology', json((model) => (model.modelTopology.config.layers = [])), 'model.json', /a network that TensorFlow\.js builds/],
  ['a missing layer', json((model) => model.modelTopology.config.layers.splice(4, 1)), 'model.json', /stage2_block1_\w+ waits for stage2_block1_conv1$/],
  ['a layer that takes its own output', json((model) => (model.modelTopology.config.layers[2]!.inbound_nodes = [[['stem', 0, 0, {}]]])), 'model.json', /stem waits for stem$/],
  ['a use that there is not', json((model) => (model.modelTopology.config.layers[2]!.inbound_nodes = [[['image', 1, 0, {}]]])), 'model.json', /stem waits for image$/],
  ['inputs of another form', json((model) => (model.modelTopology.config.layers[2]!.inbound_nodes = [[['image', NaN, 0]]])), 'model.json', /modelTopology without them/],
  ['an unknown layer', json((model) => Object.assign(model.modelTopology.config.layers[4]!, { class_name: 'Magic' })), 'model.json', /Magic/],
  ['a layer of absurd size', json((model) => (layer(model, 'stem')['filters'] = -3)), 'model.json', /a network that TensorFlow\.js builds/],
  ['a layer of another size', json((model) => (layer(model, 'stage2_block1_conv1')['filters'] = 16)), 'model.json', /a weight stage2_block1_conv1\/kernel, float32 \[3,3,32,16\], .*received float32 \[3,3,32,32\]/],
  ['a weight of another name', json((model) => (group(model).weights[4]!.name = 'other')), 'model.json', /a weight .*received none/],
  ['a weight of another dtype', json((model) => (group(model).weights[4]!.dtype = 'int32')), 'model.json', /float32 .*received int32/],
  ['a weight that the network lacks', json((model) => group(model).weights.push({ name: 'more', shape: [0], dtype: 'float32' })), 'model.json', /more besides/],
]; // prettier-ignore

for (const [what, damage, file, message] of [...broken, ...unsound]) {
  test.serial(`loading refuses ${what}`, async (t) => {
    const path = await copy();
    await damage(path);
    const before = { ...tf.memory() };
    const expected = { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message } as const;
    const error = await t.throwsAsync(loadRetinaNet(path), expected);
    t.regex(error?.message ?? '', /^loadRetinaNet: expected .* for .*, received /);
    t.true(error?.message.includes(join(path, file)), error?.message);
    if (/ENO|EIS|text that is none|builds/.test(message.source)) t.truthy(error?.cause);
    t.deepEqual({ ...tf.memory() }, before, 'left in memory');
    if (broken.some(([name]) => name === what)) {
      await t.throwsAsync(loadLayersModel(directoryLoader(path)), expected);
    }
  });
}

test.serial('a model without a hash, of several files and of quantized weights loads', async (t) => {
  const path = await copy();
  const bytes = await readFile(weights(path));
  await json((model) => {
    delete group(model).sha256;
    group(model).paths = ['part1.bin', 'part2.bin'];
  })(path);
  await writeFile(join(path, 'part1.bin'), bytes.subarray(0, 1001));
  await writeFile(join(path, 'part2.bin'), bytes.subarray(1001));
  await rm(weights(path));
  const loaded = await loadRetinaNet(path);
  t.is(fingerprint(loaded), fingerprint(net));
  loaded.dispose();

  const quantized = await copy();
  await json((model) => {
    delete group(model).sha256;
    for (const weight of group(model).weights)
      Object.assign(weight, { quantization: { dtype: 'uint8', min: -1, scale: 0.01 } });
  })(quantized);
  await truncate(weights(quantized), bytes.length / 4);
  (await loadRetinaNet(quantized)).dispose();
});

const files = async (path: string) => (await readdir(path)).sort();

test.serial('saving where nothing can be written names the place and leaves it as it was', async (t) => {
  const file = join(directory, 'file');
  await writeFile(file, 'mine');
  const taken = join(directory, 'taken');
  const occupied = await copy();
  const before = await readFile(weights(occupied));
  await rm(join(occupied, 'model.json'));
  await mkdir(join(occupied, 'model.json'));
  for (const [path, message] of [
    [file, /EEXIST|ENOTDIR/],
    [join(file, 'below'), /ENOTDIR/],
    [join(directory, 'nul\0l'), /null bytes/],
    [occupied, /model\.json is a directory/],
    ['', /ENOENT/],
  ] as const) {
    const expected = { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message } as const;
    const error = await t.throwsAsync(saveRetinaNet(net, path), expected);
    t.true(
      error?.message.startsWith(`saveRetinaNet: expected a directory that can be written to for ${path}, received `),
    );
    t.truthy(error?.cause);
    await t.throwsAsync(net.model.save(directorySaver(path)), expected);
  }
  t.is(await readFile(file, 'utf8'), 'mine');
  t.deepEqual(await files(occupied), ['model.json', 'weights.bin']);
  t.deepEqual(await readFile(weights(occupied)), before);
  t.false((await files(directory)).includes(taken));
});

test.serial('a save over another replaces both files, or neither is loaded', async (t) => {
  const path = await copy();
  const other = createRetinaNet({ ...config, seed: 9 });
  await saveRetinaNet(other, path);
  t.deepEqual(await files(path), ['model.json', 'weights.bin']);
  const loaded = await loadRetinaNet(path);
  t.is(fingerprint(loaded), fingerprint(other));
  loaded.dispose();
  // A crash after the first rename: these weights with the older model.json.
  await cp(join(sound, 'model.json'), join(path, 'model.json'));
  await t.throwsAsync(loadRetinaNet(path), {
    code: 'ERR_DATA',
    message: /weights\.bin, received others of the same size/,
  });
  // Saves at the same time: one or the other, whole.
  await Promise.all([net, other, net, other].map((one) => saveRetinaNet(one, path)));
  t.deepEqual(await files(path), ['model.json', 'weights.bin']);
  const last = await loadRetinaNet(path);
  t.true([fingerprint(net), fingerprint(other)].includes(fingerprint(last)));
  last.dispose();
  other.dispose();
});
