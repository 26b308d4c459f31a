// A detector from whatever holds one.
import { stat } from 'node:fs/promises';
import { Check } from '../../arguments/check.js';
import { type RetinaNetConfig, resolveConfig } from '../model/config.js';
import { loadRetinaNet } from '../model/io.js';
import { makeNet } from '../model/model.js';
import type { RetinaNet } from '../model/net.js';
import { readWeightsConfig, readWeightsFile } from './load-weights.js';

/**
 * A detector that was saved: by `saveRetinaNet`, the folder; by `saveWeights`, the file, whose metadata say what network it is of; or a
 * state_dict of torchvision's RetinaNet with resnet18, 34, 50 or 101 (`.pth`, `.pt`, `.safetensors`), whose names and shapes say so. Of a
 * state_dict with 91 classes batch normalisations have an epsilon of 0, as those that torchvision publishes, of others 1e-5.
 *
 * @param path of the folder or file
 * @param config of a network of a file, what is known better, such as `classNames` or `shorterSide`; its layers stay those of the file
 * @throws RetinanetOpsError `ERR_DATA` naming the file where it is missing or damaged, or of no detector that is known; `ERR_OPTION` for a
 *   `config` beside a folder, which has its own; `ERR_BACKEND` without a tfjs backend; otherwise as loadWeights and createRetinaNet
 */
export async function loadDetector(path: string, config: Partial<RetinaNetConfig> = {}): Promise<RetinaNet> {
  const check = new Check('loadDetector');
  check.string('path', path);
  const given = check.fields<Partial<RetinaNetConfig>>('config', config, Object.keys(config ?? {}) as never[]);
  const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
  if (!isFile) {
    const [name] = Object.keys(given);
    if (name !== undefined) check.fail('ERR_OPTION', 'config', 'none beside a folder, which has its own', name);
    return loadRetinaNet(path);
  }
  const { config: known, isDetector } = await readWeightsConfig(check, path);
  if (!isDetector) {
    const expected = "weights of a whole detector, this package's or torchvision's RetinaNet,";
    check.fail('ERR_DATA', path, expected, 'others, which loadWeights gives to a network that createRetinaNet makes');
  }
  const net = makeNet(check, resolveConfig(check, { ...known, ...given }));
  try {
    const { leftAtPrior, missing } = await readWeightsFile(check, net, path, []);
    const [lacking] = [...leftAtPrior, ...missing];
    if (lacking !== undefined) check.fail('ERR_DATA', path, 'every weight of the network', `none that fits ${lacking}`);
    return net;
  } catch (error) {
    net.dispose();
    throw error;
  }
}
