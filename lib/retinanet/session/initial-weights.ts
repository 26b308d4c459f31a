// A network that begins with what another has learned.
import { stat } from 'node:fs/promises';
import type { Check } from '../../arguments/check.js';
import { CONFIG, type ResolvedConfig } from '../model/config.js';
import { loadRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
import { readWeights, writeWeights } from '../model/weights.js';
import { readWeightsFile } from '../weights/load-weights.js';

/** What a network begins with. */
export interface InitialWeights {
  /** The settings of the network that these weights belong to, as far as they are known. */
  config: Partial<ResolvedConfig>;
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

/**
 * Those of a saved detector's folder, or of a file that loadWeights reads. Of a file's network nothing is known but that it has learned
 * from pixels that were normalised as ImageNet's.
 */
export async function openInitialWeights(check: Check, path: string): Promise<InitialWeights> {
  if ((await stat(path).catch(() => undefined))?.isFile()) {
    const [pixelMean, pixelStd] = [CONFIG.pixelMean, CONFIG.pixelStd].map((one) => one.check(check, '', undefined));
    const give = async (net: RetinaNet) => {
      const { count, leftAtPrior } = await readWeightsFile(check, net, path);
      return { copied: count, leftAtPrior };
    };
    return { config: { pixelMean: pixelMean!, pixelStd: pixelStd! }, give, dispose: () => undefined };
  }
  const from = await loadRetinaNet(path);
  const dispose = () => {
    from.dispose();
  };
  const give = (net: RetinaNet) => {
    const copied = copyWeights(check, path, from, net);
    dispose();
    return Promise.resolve({ copied, leftAtPrior: [] });
  };
  return { config: from.config, give, dispose };
}

/**
 * Copies weights of the same name and shape; the others, such as those of other classes, keep their initial values.
 *
 * @returns how many numbers that are trained were copied
 * @throws RetinanetOpsError `ERR_DATA` where none fits
 */
function copyWeights(check: Check, folder: string, from: RetinaNet, to: RetinaNet): number {
  const key = ({ originalName, shape }: RetinaNet['model']['weights'][number]) =>
    `${originalName} ${JSON.stringify(shape)}`;
  const known = new Map(from.model.weights.map((weight) => [key(weight), weight]));
  let copied = 0;
  for (const weight of to.model.weights) {
    const source = known.get(key(weight));
    if (source === undefined) continue;
    const values = readWeights([source]);
    writeWeights([weight], values);
    if (to.model.trainableWeights.includes(weight)) copied += values[0]!.length;
  }
  if (copied === 0) check.fail('ERR_DATA', 'weights', 'weights that fit the network', `${folder}, of which none does`);
  return copied;
}
