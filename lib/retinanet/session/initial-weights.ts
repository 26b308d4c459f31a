// A network that begins with what another has learned.
import { stat } from 'node:fs/promises';
import type { Check } from '../../arguments/check.js';
import { areOtherClasses, type ResolvedConfig } from '../model/config.js';
import { loadRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
import type { GivenSettings } from './settings.js';
import { readWeights, writeWeights } from '../model/weights.js';
import { readWeightsConfig, readWeightsFile } from '../weights/load-weights.js';
import { namedWeights } from '../weights/names.js';

/** What a network begins with. */
export interface InitialWeights {
  /** The settings of the network that these weights belong to, as far as they are known. */
  config: Partial<ResolvedConfig>;
  /** Those of them that no other can be given instead of. */
  fixed: readonly (keyof ResolvedConfig)[];
  /** Gives a network what fits it, and frees the rest. */
  give(net: RetinaNet): Promise<GivenWeights>;
  /** Frees all. */
  dispose(): void;
}

/** What a network has been given. */
export interface GivenWeights {
  /** Numbers. */
  copied: number;
  /** Names of weights that are of other classes, and left as they are. */
  leftAtPrior: string[];
}

/** What a file's tensors have their shapes from: it is taken over whole, or not at all. */
const LAYERS = ['backbone', 'pyramidLevels', 'p6From', 'pyramidChannels', 'subnetDepth'] as const;

/** Those of a saved detector's folder, or of a file that loadWeights reads. */
export async function openInitialWeights(check: Check, path: string): Promise<InitialWeights> {
  if ((await stat(path).catch(() => undefined))?.isFile()) {
    const { config, isDetector } = await readWeightsConfig(check, path);
    const give = async (net: RetinaNet) => {
      const { count, leftAtPrior } = await readWeightsFile(check, net, path);
      return { copied: count, leftAtPrior };
    };
    const fixed = isDetector ? LAYERS : config.backbone ? (['backbone'] as const) : [];
    return { config, fixed, give, dispose: () => undefined };
  }
  const from = await loadRetinaNet(path);
  const dispose = () => {
    from.dispose();
  };
  const give = (net: RetinaNet) => {
    const given = copyWeights(check, path, from, net);
    dispose();
    return Promise.resolve(given);
  };
  return { config: from.config, fixed: [], give, dispose };
}

/** @throws RetinanetOpsError `ERR_OPTION` where settings ask for another network than the weights are of */
export function refuseConflicts(check: Check, { config, fixed }: InitialWeights, given: GivenSettings): void {
  const asks = (name: keyof ResolvedConfig) => (given as Partial<ResolvedConfig>)[name];
  for (const name of fixed) {
    const [wanted, there] = [JSON.stringify(asks(name)), JSON.stringify(config[name])];
    if (wanted === undefined || wanted === there) continue;
    check.fail('ERR_OPTION', name, `${there}, as the network of ${given.weights ?? ''} has it,`, wanted);
  }
  const anchors = ['anchorScales', 'aspectRatios'] as const;
  const [own, wanted] = [config, { ...config, ...given }].map((one) => anchors.map((name) => one[name]?.length ?? 0));
  if (fixed.length < LAYERS.length || own!.reduce(times) === wanted!.reduce(times)) return;
  const expected = `${String(own!.reduce(times))} anchors a cell, as the network of ${given.weights ?? ''} has them,`;
  check.fail('ERR_OPTION', 'anchorScales and aspectRatios', expected, String(wanted!.reduce(times)));
}

const times = (a: number, b: number) => a * b;

/**
 * Copies weights of the same name and shape; the others, such as those of other classes, keep their initial values.
 *
 * @throws RetinanetOpsError `ERR_DATA` where none fits
 */
function copyWeights(check: Check, folder: string, from: RetinaNet, to: RetinaNet): GivenWeights {
  const key = ({ originalName, shape }: RetinaNet['model']['weights'][number]) =>
    `${originalName} ${JSON.stringify(shape)}`;
  const known = new Map(from.model.weights.map((weight) => [key(weight), weight]));
  const ofClasses = new Map(namedWeights(to).flatMap((one) => (one.isOfClasses ? [[one.weight, one.names[0]!]] : [])));
  const isOther = areOtherClasses(from.config.classNames, to.config.classNames);
  const leftAtPrior: string[] = [];
  let copied = 0;
  for (const weight of to.model.weights) {
    const source = known.get(key(weight));
    const classLayer = ofClasses.get(weight);
    if (source === undefined || (isOther && classLayer !== undefined)) {
      if (classLayer !== undefined) leftAtPrior.push(classLayer);
      continue;
    }
    const values = readWeights([source]);
    writeWeights([weight], values);
    if (to.model.trainableWeights.includes(weight)) copied += values[0]!.length;
  }
  if (copied === 0) check.fail('ERR_DATA', 'weights', 'weights that fit the network', `${folder}, of which none does`);
  return { copied, leftAtPrior };
}
