// A network that begins with what another has learned.
import type { Check } from '../../arguments/check.js';
import type { RetinaNet } from '../model/net.js';
import { readWeights, writeWeights } from '../model/weights.js';

/**
 * Copies weights of the same name and shape; the others, such as those of other classes, keep their initial values.
 *
 * @returns how many numbers that are trained were copied
 * @throws RetinanetOpsError `ERR_DATA` where none fits
 */
export function copyWeights(check: Check, folder: string, from: RetinaNet, to: RetinaNet): number {
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
