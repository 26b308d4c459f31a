// A child process that runs one scenario of a file beside it and prints 'done', and what scenarios share.
import { deepStrictEqual } from 'node:assert';
import { boxIou, cuda, type DeviceTensor } from 'retinanet-ops';

/** Two boxes, and the IoU of each with each. */
export const boxes = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3);
export const overlaps = Float32Array.of(1, 1 / 7, 1 / 7, 1);

export const MIB = 2 ** 20;

/** The device of the highest number: the emulator's second one, or a machine's only one. */
export const lastDevice = (): number => cuda.devices().length - 1;

/** One call on a device: a launch once somebody waits for it. */
export const launch = (on: DeviceTensor): DeviceTensor => boxIou(on, on);

export const error = (code: string, message: RegExp) => ({ name: 'RetinanetOpsError', code, message });

/** Equal elements, whatever holds them. */
export function same(a: ArrayLike<number>, b: ArrayLike<number>): void {
  deepStrictEqual(Array.from(a), Array.from(b));
}

export async function runScenario(scenarios: Record<string, () => Promise<void> | void>): Promise<void> {
  const scenario = scenarios[process.argv[2] ?? ''];
  if (scenario === undefined) throw new Error(`no scenario ${String(process.argv[2])}`);
  await scenario();
  console.log('done');
}
