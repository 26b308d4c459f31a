// Weights of other programs in a net.
import { Check } from '../../arguments/check.js';
import { areOtherClasses } from '../model/config.js';
import { checkNet, type NetParts, type RetinaNet } from '../model/net.js';
import { writeWeights } from '../model/weights.js';
import { classNamesOfFile, type ConfigOfFile, configOfFile } from './config-of-file.js';
import { FileSource } from './file-source.js';
import { BACKBONE_PREFIXES, fromTorch, namedWeights, type NamedWeight } from './names.js';
import { readTensors } from './read-tensors.js';
import { readTensor, type StoredTensor, type StoredTensors } from './tensors.js';

/** What became of the weights of a file. All names are torchvision's. */
export interface WeightsReport {
  /** Names in the file of what the net now has. */
  loaded: string[];
  /** The last class layer, where the file's is of other classes or anchors: it keeps its untrained values. */
  leftAtPrior: string[];
  /** Weights of the net that the file has not, such as heads in a file of a backbone; they keep their values too. */
  missing: string[];
  /** Names in the file that the net has no use for, such as `fc.weight`. */
  unused: string[];
  /** Numbers loaded. */
  count: number;
}

interface Match {
  named: NamedWeight;
  name: string;
  tensor: StoredTensor;
}

/**
 * Gives a net the weights of a file that torchvision, or any program that uses its names, has written: `.safetensors` or a state_dict of
 * `torch.save` (`.pth`, `.pt`), of a detector or of a classifier, whose backbone is taken. float64, float32, float16 and bfloat16 become
 * float32. See docs/weights.md for what is mapped to what.
 *
 * Nothing in a file is run. Tensors are read one by one, so that memory beside the net's is that of its largest tensor. All is
 * checked, and all is read once, before the first weight changes.
 *
 * The last class layer is left as it is where the file's has another shape, or names its classes (as those of `saveWeights` do) and they
 * are not the net's in the same order. A backbone, pyramid or head has to be there as a whole or not
 * at all, and every shape has to fit.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file and the weight that does not fit, is missing or not finite, or what else is wrong
 *   with the file; `ERR_DTYPE` or `ERR_SHAPE` for what is no net, or one that has been disposed of
 */
export async function loadWeights(net: RetinaNet, file: string): Promise<WeightsReport> {
  const check = new Check('loadWeights');
  const parts = checkNet(check, net);
  check.string('file', file);
  return readWeightsFile(check, parts, file);
}

/**
 * As loadWeights, as part of another check.
 *
 * @param classNames of the net; none where its layers are of the file's classes whatever they are called
 */
export async function readWeightsFile(
  check: Check,
  parts: NetParts,
  file: string,
  classNames: readonly string[] = parts.config.classNames,
): Promise<WeightsReport> {
  const source = new FileSource(check, file);
  try {
    const tensors = withoutPrefixes(await readTensors(source));
    const isOtherClasses = areOtherClasses(classNamesOfFile(check, source), classNames);
    const found = match(source, namedWeights(parts), tensors, isOtherClasses);
    const { matches, leftAtPrior, missing, unused } = found;
    for (const { name, tensor } of matches) {
      if (!allFinite(readTensor(source, tensor))) source.fail(`finite numbers in ${name}`, 'others');
    }
    let count = 0;
    for (const { named, tensor } of matches) {
      const values = fromTorch(named, readTensor(source, tensor));
      count += values.length;
      writeWeights([named.weight], [values]);
    }
    return { loaded: matches.map(({ name }) => name), leftAtPrior, missing, unused, count };
  } finally {
    source.close();
  }
}

/** What a file says of its network, see configOfFile. */
export async function readWeightsConfig(check: Check, file: string): Promise<ConfigOfFile> {
  const source = new FileSource(check, file);
  try {
    return configOfFile(check, source, withoutPrefixes(await readTensors(source)));
  } finally {
    source.close();
  }
}

/** What wrappers of modules put before all names, and counters of batches, are of no use. */
function withoutPrefixes(tensors: StoredTensors): StoredTensors {
  let entries = [...tensors].filter(([name]) => !name.endsWith('num_batches_tracked'));
  for (let depth = 0; depth < 4; depth++) {
    const prefix = ['module.', 'model.', '_orig_mod.'].find((one) => entries.every(([name]) => name.startsWith(one)));
    if (prefix === undefined || entries.length === 0) break;
    entries = entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]);
  }
  return new Map(entries);
}

function match(
  source: FileSource,
  weights: readonly NamedWeight[],
  tensors: StoredTensors,
  areNamedOtherwise: boolean,
) {
  const body = weights.filter(({ part }) => part === 'backbone');
  const prefix = BACKBONE_PREFIXES.find((one) => body.some(({ names }) => tensors.has(one + names[0]!)));
  const matches: Match[] = [];
  const missing: { part: string; name: string }[] = [];
  const unused = new Set(tensors.keys());
  const leftAtPrior: string[] = [];
  const others: { named: NamedWeight; name: string; tensor: StoredTensor }[] = [];
  for (const named of weights) {
    const before = named.part === 'backbone' ? (prefix ?? BACKBONE_PREFIXES[0]) : '';
    const names = named.names.map((name) => before + name);
    const name =
      names.find((one) => tensors.has(one) && fits(named, tensors.get(one)!)) ?? names.find((one) => tensors.has(one));
    if (name === undefined) {
      missing.push({ part: named.part, name: names[0]! });
      continue;
    }
    unused.delete(name);
    const tensor = tensors.get(name)!;
    if (fits(named, tensor)) matches.push({ named, name, tensor });
    else others.push({ named, name, tensor });
  }
  if (matches.length === 0) {
    const some = [...tensors.keys()].slice(0, 3).join(', ');
    source.fail(
      "weights by torchvision's names that fit the net",
      some === '' ? 'a file without tensors' : `${some}, ...`,
    );
  }
  const bad = others.find(({ named }) => !named.isOfClasses);
  if (bad) {
    const expected = `shape ${JSON.stringify(bad.named.shape)} of ${bad.name}`;
    source.fail(expected, JSON.stringify(bad.tensor.shape));
  }
  // Weight and bias belong together: where one is of other classes, so is the other.
  const isOtherClasses = areNamedOtherwise || others.length > 0;
  const loaded = matches.filter(({ named }) => !(isOtherClasses && named.isOfClasses));
  for (const { named, name } of [...others, ...matches])
    if (isOtherClasses && named.isOfClasses) leftAtPrior.push(name);
  checkWhole(source, loaded, missing);
  if (prefix !== undefined) checkBackbone(source, prefix, unused);
  return { matches: loaded, leftAtPrior, missing: missing.map(({ name }) => name), unused: [...unused] };
}

function fits({ shape }: NamedWeight, tensor: StoredTensor): boolean {
  return tensor.shape.length === shape.length && tensor.shape.every((size, d) => size === shape[d]);
}

/** Half a backbone would be of no use, and says that the file is of another network. */
function checkWhole(
  source: FileSource,
  matches: readonly Match[],
  missing: readonly { part: string; name: string }[],
): void {
  const there = new Set(matches.map(({ named }) => named.part as string));
  const half = missing.find(({ part }) => there.has(part));
  if (half) source.fail(`the whole ${half.part.replace('-', ' ')} of the net`, `one without ${half.name}`);
}

/** A longer backbone than the net's, of which it is the beginning. */
function checkBackbone(source: FileSource, prefix: string, unused: ReadonlySet<string>): void {
  const more = [...unused].find((name) => name.startsWith(prefix) && /^layer\d+\./.test(name.slice(prefix.length)));
  if (more !== undefined)
    source.fail('the backbone of the net and no other', `one with ${more}, which the net has not`);
}

function allFinite(values: Float32Array): boolean {
  return values.every((value) => value - value === 0);
}
