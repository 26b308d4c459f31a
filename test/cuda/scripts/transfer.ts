// Arguments and results of operations between host and device.
import { cuda } from 'retinanet-ops';
import { replacedArrays } from '../../operations/driver/trees.js';

/** What stays on the host in calls on tensors. */
const HOST = ['offsets', 'ignoreOffsets', 'alpha', 'gamma', 'levelCounts', 'positiveOffsets', 'unmatchedGt'];

/** The same arguments with tensors for typed arrays. */
export const onDevice = (args: unknown, device = 0): unknown =>
  replacedArrays(args, (array, path) =>
    HOST.some((name) => path.endsWith(`.${name}`)) ? array : cuda.tensor(array, { device }),
  );

/** A result with typed arrays for tensors, and numbers for tensors of one. */
export async function onHost(value: unknown): Promise<unknown> {
  if (value instanceof cuda.DeviceTensor) {
    const data = await value.data();
    return value.shape.length === 0 ? data[0] : data;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).map(async ([name, entry]) => [name, await onHost(entry)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
